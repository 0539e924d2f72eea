"""Matching again: after a decision, the songs that it says something about are scored anew."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from celery import Celery, shared_task
from sqlalchemy.orm import Session

from library import jobs, matches, pairs, songs
from library.models import utc_now
from library.proposing import Proposing

from .matching import CLOCKS_APART
from .runtime import Runtime

logger = logging.getLogger(__name__)

NAME = "earmark.matching.again"
#: A message that no worker took by then is of no use: the next matching has the decision too.
EXPIRES_SECONDS = 60
#: A decision has at most this many songs scored again: half a second of a processor for 300 lists.
MOST_SONGS = 5_000


@dataclass(frozen=True, slots=True)
class _Known:
    """An account's songs as this process read them, and of which jobs they are."""

    account_id: UUID
    stamp: tuple[object, ...]
    work: Proposing


#: One account's songs: to read 50,000 of them takes longer than to score what a decision changes.
_known: list[_Known] = []


def send(app: Celery, *, account_id: UUID, decision_id: UUID | None) -> None:
    """Have the songs scored again that a decision says something about, made or undone.

    None: after many decisions at once, all songs that are in no playlist. Never raises: without a
    queue the decision stands, and the next matching has it.
    """
    ids = [str(account_id), str(decision_id) if decision_id else None]
    try:
        app.send_task(NAME, args=ids, expires=EXPIRES_SECONDS, retry=False, ignore_result=True)
    except Exception as error:  # the transport lets errors of many kinds through
        logger.warning(
            "What a decision changes is not scored again: %s",
            error,
            extra={"action": "matching_again_not_sent"},
        )


@shared_task(bind=True, name=NAME, ignore_result=True)
def match_again(task: Any, account: str, decision: str | None) -> None:
    """Score songs in no playlist: those that a decision may change, or all of them."""
    runtime: Runtime = task.app.runtime
    account_id, began = UUID(account), utc_now()
    with runtime.database.reading() as session:
        if jobs.active(session, account_id=account_id, kind="matching") is not None:
            return  # it scores all of them
        work = _songs_of(session, account_id).with_lists(session, account_id=account_id)
        wanted = _changed(session, work, account_id, UUID(decision)) if decision else None
        later = matches.put_off(session, account_id=account_id)
    for block in work.of_unplaced(wanted):
        queues = {key: "later" if key in later else queue for key, queue in block.queues.items()}
        with runtime.database.session() as session:
            if jobs.active(session, account_id=account_id, kind="matching") is not None:
                return
            matches.replace(
                session,
                account_id=account_id,
                job_id=None,
                proposals=block.proposals,
                queues=queues,
                model_version=work.weights.version,
            )
            # What was decided since the playlists were read.
            pairs.settle(
                session,
                account_id=account_id,
                since=began - CLOCKS_APART,
                song_ids=list(block.proposals),
            )


def _changed(session: Session, work: Proposing, account_id: UUID, decision_id: UUID) -> set[UUID]:
    """The songs that a decision may change."""
    pair = pairs.of_decision(session, account_id=account_id, decision_id=decision_id)
    if pair is None:
        return set()
    song_id, playlist_id = pair
    proposed = matches.proposed_for(
        session, account_id=account_id, playlist_id=playlist_id, limit=MOST_SONGS
    )
    return work.changed_by(song_id, proposed, most=MOST_SONGS)


def _songs_of(session: Session, account_id: UUID) -> Proposing:
    """The account's songs, as they were read before where no sync or analysis ran since then."""
    latest = [jobs.latest(session, account_id=account_id, kind=k) for k in ("sync", "analysis")]
    stamp = (songs.counts(session, account_id=account_id), *((j.id, j.status) for j in latest if j))
    for known in _known:
        if (known.account_id, known.stamp) == (account_id, stamp):
            return known.work
    work = Proposing.read(session, account_id=account_id)
    _known[:] = [_Known(account_id, stamp, work)]
    return work
