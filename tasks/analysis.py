"""Analysis: listen to every song that was not heard yet, in parts of a few songs on all workers."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from celery import shared_task
from sqlalchemy.orm import Session

from library import failures, features, parts, unheard
from library.analysis import ANALYSER_VERSION, analyse
from library.errors import UnhearableFile, UnreadableFile
from library.features import SongToHear
from library.sources.source import MusicSource
from progress.errors import JobFailure
from progress.events import ItemStatus

from .base import PipelineTask
from .sources import SourceFailure, SourceRemoved, Sources, failing_with_the_source, reading

logger = logging.getLogger(__name__)

NAME = "earmark.analysis"

#: Songs of one part: enough to outweigh the message, few enough to share out evenly and to lose
#: little when a worker is lost.
CHUNK_SONGS = 8


@shared_task(bind=True, base=PipelineTask, name=NAME)
def analysis(task: PipelineTask) -> None:
    """Find the songs to hear and share them out over parts, of which a few are in the queue."""
    heard, lasts, waiting = _share_out(task)
    with task.sources() as sources:
        away = _Away(task, sources)
        left = sum(count for source_id, count in waiting.items() if away.is_here(source_id))
    task.job.total(heard + left + len(away.failures))
    task.job.flush()
    task.fan_out(analyse_part.s(), parts=len(lasts), window=task.window, then=finish_analysis.si())


@dataclass
class _Away:
    """Which of the account's sources cannot be read at the moment."""

    task: PipelineTask
    sources: Sources
    failures: dict[UUID, SourceFailure] = field(default_factory=dict)
    _names: dict[UUID, str] = field(default_factory=dict)

    def is_here(self, source_id: UUID) -> bool:
        """Whether a source can be read. One that cannot fails as an item, and no song for it.

        Raises:
            SourceFailure: it cannot, and it is the only one.
        """
        if source_id in self.failures:
            return False
        try:
            with failing_with_the_source():
                self.sources.open(source_id).check()
        except SourceRemoved as removed:
            self.failures[source_id] = removed
            return False
        except SourceFailure as failure:
            self.note(source_id, failure)
            return False
        return True

    def note(self, source_id: UUID, failure: SourceFailure) -> None:
        """Have a source fail.

        Raises:
            SourceFailure: it is the only one.
        """
        self._names = self._names or {row.id: row.name for row, _ in self.sources.rows()}
        if len(self._names) == 1:
            raise failure
        self.failures[source_id] = failure
        name = self._names.get(source_id, "")
        self.task.item_failed(source_id, kind="source", label=name, reason=failure.message)


def _share_out(task: PipelineTask) -> tuple[int, list[UUID], Counter[UUID]]:
    """Number of songs this job has heard, last song id of each part, songs left by source."""
    account_id, since = task.account_id, task.begun_at
    waiting: Counter[UUID] = Counter()

    def ids(session: Session) -> Iterator[UUID]:
        for song in features.to_analyse(
            session, account_id=account_id, analyser_version=ANALYSER_VERSION
        ):
            waiting[song.source_id] += 1
            yield song.id

    with task.database.reading() as session:
        heard = 0
        for song in features.heard_since(
            session, account_id=account_id, analyser_version=ANALYSER_VERSION, since=since
        ):  # by an earlier attempt of this job
            heard += 1
            _tell_heard(task, song)
        lasts = parts.lasts(ids(session), size=CHUNK_SONGS)
    with task.database.session() as session:
        job_id = UUID(task.job.ref.job_id)
        parts.plan(
            session, account_id=account_id, job_id=job_id, attempt=task.job.attempt, lasts=lasts
        )
    return heard, lasts, waiting


@shared_task(bind=True, base=PipelineTask, name=f"{NAME}.part")
def analyse_part(task: PipelineTask, number: int) -> None:
    """Listen to the songs of one part. Never raises for a song: the job waits for every part.

    Raises:
        SourceFailure: the source that they are in went away, and the account has no other.
    """
    heard, unheard_before, waiting = _songs_of(task, number)
    for song in heard:  # by an execution that was lost before it could say so
        _tell_heard(task, song)
    for song, reason in unheard_before:
        task.item_failed(song.id, kind="song", label=label(song), reason=reason)
    with task.sources() as sources:
        # A disk may have gone since the parts were shared out: no song fails for that.
        away = _Away(task, sources)
        here = [song for song in waiting if away.is_here(song.source_id)]
        task.job.queue(((song.id, label(song)) for song in here), kind="song")
        for song in here:
            if song.source_id not in away.failures:
                _hear(task, song, away)
    task.failures.flush()


def _hear(task: PipelineTask, song: SongToHear, away: _Away) -> None:
    try:
        _listen_to(task, song, away.sources.open(song.source_id))
    except SourceFailure as failure:
        away.note(song.source_id, failure)
        # The others are heard yet, and it would be in progress for as long.
        task.item_failed(song.id, kind="song", label=label(song), reason=failure.message)


def _listen_to(task: PipelineTask, song: SongToHear, music: MusicSource) -> None:
    with task.item(song.id, kind="song", label=label(song)) as item:
        try:
            with reading(music, song.external_id):
                _listen(task, music, song)
        except UnhearableFile as error:
            _remember(task, song, error.reason)
            raise
        except (UnreadableFile, JobFailure, *task.autoretry_for):
            raise  # of a file, of the source, or for the part to be tried again with this song
        except Exception:
            logger.exception(
                "Song %s could not be heard.", song.id, extra={"action": "listening_failed"}
            )
            item.fail("Something went wrong while listening to this song.")


def _songs_of(
    task: PipelineTask, number: int
) -> tuple[list[SongToHear], list[tuple[SongToHear, str]], list[SongToHear]]:
    """The songs of a part that this job has heard, those that it could not, and those left."""
    job_id, account_id, since = UUID(task.job.ref.job_id), task.account_id, task.begun_at
    with task.database.reading() as session:
        span = parts.span(session, job_id=job_id, attempt=task.job.attempt, number=number)
        if span is None:
            return [], [], []
        of_part = {"account_id": account_id, "analyser_version": ANALYSER_VERSION, **span._asdict()}
        heard = features.heard_since(session, since=since, **of_part)
        failed = unheard.since(session, since=since, **of_part)
        return list(heard), list(failed), list(features.to_analyse(session, **of_part))


def _tell_heard(task: PipelineTask, song: SongToHear) -> None:
    task.job.item_status(song.id, ItemStatus.SUCCEEDED, kind="song", label=label(song))


def _listen(task: PipelineTask, music: MusicSource, song: SongToHear) -> None:
    with music.sound(song.external_id) as path:
        listening = analyse(path)
    with task.database.session() as session:
        features.save_features(
            session,
            account_id=task.account_id,
            song_id=song.id,
            content_key=song.content_key,
            listening=listening,
            analyser_version=ANALYSER_VERSION,
        )


def _remember(task: PipelineTask, song: SongToHear, reason: str) -> None:
    with task.database.session() as session:
        unheard.remember(
            session,
            account_id=task.account_id,
            song=song,
            analyser_version=ANALYSER_VERSION,
            reason=reason,
        )


def label(song: SongToHear) -> str:
    """A song as it is named beside its progress."""
    return f"{song.artist} – {song.title}" if song.artist else song.title


@shared_task(bind=True, base=PipelineTask, name=f"{NAME}.finish")
def finish_analysis(task: PipelineTask) -> None:
    """Count what was heard, when all parts are done.

    Raises:
        JobFailure: a source could not be read; the songs of the others were heard.
    """
    job_id, account_id, since = UUID(task.job.ref.job_id), task.account_id, task.begun_at
    with task.database.reading() as session:
        found = features.heard_since(
            session, account_id=account_id, analyser_version=ANALYSER_VERSION, since=since
        )
        heard = sum(1 for _ in found)
        failed = failures.count(session, account_id=account_id, job_id=job_id)
        away = failures.of_kind(session, account_id=account_id, job_id=job_id, item_kind="source")
    if away:
        raise JobFailure(" ".join(found.reason for found in away), code="source_unavailable")
    task.keep(succeeded=heard, failed=failed, heard=heard)
