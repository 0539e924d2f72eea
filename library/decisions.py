"""Decisions: what a person accepts and rejects, kept as long as the account, and undone at will.

How to use it, each call in a `Database.session()`:

- `accept` and `reject` a pair of a song and a playlist, proposed or not. The proposal leaves
  `library.matches`; the song leaves its queue (accepted) or waits by its next best one (rejected).
- `put_off` a song for later, and `take_up` it again. No decision; the next matching takes all up.
- `undo` any decision by its id, `undo_batch` all that one `accept_all` made. The proposal is back.
- `accept_all` of what a `matches.Wanted` names, some at a time: call it with one `batch_id` until
  it returns 0. `matches.total` of the same `Wanted` is the preview: how many, and how sure.
- `page` and `counts` tell what was decided. `library.pairs` has the pairs in force, and takes those
  that were decided about while a matching ran out of its proposals.

No sync, analysis, matching or purge changes a decision: it knows song and playlist by identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from . import matches
from .identity import identity_of
from .models import Decision, Match, Playlist, PlaylistEntry, Song, utc_now
from .queues import requeue

#: Longest reason of the person's own.
MAX_REASON = 300
_INSERT = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_PAIR = ("account_id", "song_identity", "playlist_identity")


def accept(
    session: Session, *, account_id: UUID, song_id: UUID, playlist_id: UUID, reason: str = ""
) -> Decision | None:
    """Put a song into a playlist, as far as the person is concerned.

    None where the account has no such song or playlist. To accept twice is to accept once.
    """
    return _decide(session, account_id, song_id, playlist_id, "accepted", reason)


def reject(
    session: Session, *, account_id: UUID, song_id: UUID, playlist_id: UUID, reason: str = ""
) -> Decision | None:
    """Have a song proposed for a playlist no more; else as `accept`."""
    return _decide(session, account_id, song_id, playlist_id, "rejected", reason)


def put_off(session: Session, *, account_id: UUID, song_id: UUID) -> bool:
    """Have a song wait among those for later; whether it waited anywhere."""
    return _move(session, account_id, song_id, "later")


def take_up(session: Session, *, account_id: UUID, song_id: UUID) -> bool:
    """Have a song that was put off wait where it did before; whether it waited anywhere."""
    queue = "liked"  # any but "later": `requeue` finds the right one
    if not _move(session, account_id, song_id, queue):
        return False
    requeue(session, account_id=account_id, song_ids=[song_id])
    return True


def _move(session: Session, account_id: UUID, song_id: UUID, queue: str) -> bool:
    mine = Match.account_id == account_id, Match.song_id == song_id, Match.queue.is_not(None)
    waiting = session.scalar(select(Match).where(*mine))
    if waiting is None:
        return False
    waiting.queue = queue
    session.flush()
    return True


def undo(session: Session, *, account_id: UUID, decision_id: UUID) -> Decision | None:
    """Take a decision back, whenever it was made, and its proposal with it.

    None where the account has no such decision. To undo twice is to undo once.
    """
    mine = Decision.account_id == account_id, Decision.id == decision_id
    decision = session.scalar(select(Decision).where(*mine))
    if decision is not None and decision.undone_at is None:
        _undo(session, account_id, [decision])
    return decision


def undo_batch(session: Session, *, account_id: UUID, batch_id: UUID, limit: int = 500) -> int:
    """Take back at most `limit` of the decisions of one act; how many. 0: none is left."""
    mine = Decision.account_id == account_id, Decision.batch_id == batch_id
    query = select(Decision).where(*mine, Decision.undone_at.is_(None)).limit(limit)
    found = session.scalars(query).all()
    _undo(session, account_id, found)
    return len(found)


def _undo(session: Session, account_id: UUID, decisions: Sequence[Decision]) -> None:
    now = utc_now()
    for decision in decisions:
        decision.undone_at = now
    songs = _by_identity(session, Song, account_id, {d.song_identity for d in decisions})
    lists = _by_identity(session, Playlist, account_id, {d.playlist_identity for d in decisions})
    known = _known(session, set(songs.values()))
    for decision in decisions:
        # Where one was purged, and should it come again, a matching proposes anew.
        song_id = songs.get(decision.song_identity)
        playlist_id = lists.get(decision.playlist_identity)
        if decision.score is None or song_id is None or playlist_id is None:
            continue
        if (song_id, playlist_id) not in known:
            session.add(
                Match(
                    account_id=account_id,
                    song_id=song_id,
                    playlist_id=playlist_id,
                    score=decision.score,
                    rank=1,  # put right below
                    reasons=decision.reasons or [],
                    model_version=decision.model_version,
                )
            )
    session.flush()
    requeue(session, account_id=account_id, song_ids=list(songs.values()))


def _by_identity(
    session: Session, table: type[Song | Playlist], account_id: UUID, wanted: set[UUID]
) -> dict[UUID, UUID]:
    """The ids of an account's songs or playlists by their identities."""
    mine = select(table.identity, table.id).where(table.account_id == account_id)
    rows = session.execute(mine.where(table.identity.in_(wanted)))
    return {identity: key for identity, key in rows if identity is not None}


def _known(session: Session, song_ids: set[UUID]) -> set[tuple[UUID, UUID]]:
    """The pairs of these songs and playlists that are proposed, or that the playlist has."""
    tables = (Match, PlaylistEntry)
    queries = [select(t.song_id, t.playlist_id).where(t.song_id.in_(song_ids)) for t in tables]
    return {(song, into) for query in queries for song, into in session.execute(query)}


def _decide(
    session: Session, account_id: UUID, song_id: UUID, playlist_id: UUID, verdict: str, reason: str
) -> Decision | None:
    song = session.scalar(
        select(Song).where(Song.account_id == account_id, Song.id == song_id, Song.present)
    )
    playlist = session.scalar(
        select(Playlist).where(
            Playlist.account_id == account_id,
            Playlist.id == playlist_id,
            Playlist.gone_at.is_(None),
        )
    )
    if song is None or playlist is None:
        return None
    of_pair = Match.account_id == account_id, Match.song_id == song_id
    match = session.scalar(select(Match).where(*of_pair, Match.playlist_id == playlist_id))
    _write(session, [_row(song, playlist, match, verdict, reason=reason)], keep_score=match is None)
    is_put_off = match is not None and match.queue == "later"
    if match is not None:
        session.delete(match)
        session.flush()
    put_off_before = [song_id] if is_put_off else []
    requeue(session, account_id=account_id, song_ids=[song_id], put_off=put_off_before)
    pair = (account_id, song.identity, playlist.identity)
    conditions = (getattr(Decision, name) == key for name, key in zip(_PAIR, pair, strict=True))
    query = select(Decision).where(*conditions).execution_options(populate_existing=True)
    return session.scalars(query).one()


def _row(
    song: Song,
    playlist: Playlist,
    match: Match | None,
    verdict: str,
    *,
    reason: str = "",
    batch_id: UUID | None = None,
) -> dict[str, Any]:
    # Rows of an older version have no identity until the next sync.
    song.identity = song.identity or identity_of(song.source_id, song.external_id)
    playlist.identity = playlist.identity or identity_of(playlist.source_id, playlist.external_id)
    return {
        "id": uuid4(),
        "account_id": song.account_id,
        "song_identity": song.identity,
        "playlist_identity": playlist.identity,
        "verdict": verdict,
        "reason": reason.strip()[:MAX_REASON] or None,
        "reasons": list(match.reasons) if match else None,
        "score": match.score if match else None,
        "model_version": match.model_version if match else None,
        "song_label": f"{song.artist} – {song.title}" if song.artist else song.title,
        "playlist_name": playlist.name,
        "decided_at": utc_now(),
        "undone_at": None,
        "batch_id": batch_id,
    }


def _write(session: Session, rows: Sequence[dict[str, Any]], *, keep_score: bool) -> None:
    """Decide about pairs, or decide anew about those that were decided about before.

    `keep_score`: where it was, what the matcher said of a pair stays.
    """
    kept = {"id", *_PAIR} | ({"score", "reasons", "model_version"} if keep_score else set())
    # Both databases have this statement, each as a class of its own.
    statement: Any = _INSERT[session.get_bind().dialect.name](Decision)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in kept}
    session.execute(statement.on_conflict_do_update(index_elements=_PAIR, set_=changed), rows)


def accept_all(
    session: Session,
    *,
    account_id: UUID,
    wanted: matches.Wanted,
    batch_id: UUID,
    limit: int = 500,
) -> int:
    """Accept the best proposals of at most `limit` songs that are `wanted`; how many.

    0: none is left. `batch_id` is the same for all calls of one act.
    """
    query = (
        select(Match, Song, Playlist)
        .join(Song, and_(Song.account_id == Match.account_id, Song.id == Match.song_id))
        .join(Playlist, Playlist.id == Match.playlist_id)
        .where(*wanted.conditions(account_id), Song.present, Playlist.gone_at.is_(None))
    )
    found = session.execute(query.order_by(Match.score.desc()).limit(limit)).all()
    if not found:
        return 0
    rows = [_row(song, into, match, "accepted", batch_id=batch_id) for match, song, into in found]
    _write(session, rows, keep_score=False)
    taken = [match.id for match, _, _ in found]
    songs = [song.id for _, song, _ in found]
    # The rows that were read are used no more: to bring them up to date takes as long as all else.
    unseen = {"synchronize_session": False}
    of_songs = Match.account_id == account_id, Match.song_id.in_(songs)
    session.execute(delete(Match).where(Match.id.in_(taken)), execution_options=unseen)
    session.execute(update(Match).where(*of_songs).values(queue=None), execution_options=unseen)
    session.expunge_all()
    return len(found)


#: A place among the decisions: when one was made, and its id.
Mark = tuple[datetime, UUID]


def page(
    session: Session, *, account_id: UUID, after: Mark | None = None, limit: int = 50
) -> list[Decision]:
    """The account's decisions, the newest first, from the place after `after` on."""
    query = select(Decision).where(Decision.account_id == account_id)
    if after is not None:
        at, key = after
        further = (Decision.decided_at == at) & (Decision.id < key)
        query = query.where(Decision.decided_at <= at, or_(Decision.decided_at < at, further))
    newest_first = query.order_by(Decision.decided_at.desc(), Decision.id.desc())
    return list(session.scalars(newest_first.limit(limit)))


@dataclass(frozen=True, slots=True)
class Counts:
    """How many pairs were accepted and rejected, those taken back left out."""

    accepted: int
    rejected: int


def counts(session: Session, *, account_id: UUID) -> Counts:
    """The account's numbers of decisions in force."""
    query = (
        select(Decision.verdict, func.count())
        .where(Decision.account_id == account_id, Decision.undone_at.is_(None))
        .group_by(Decision.verdict)
    )
    found = {verdict: number for verdict, number in session.execute(query)}  # noqa: C416
    return Counts(found.get("accepted", 0), found.get("rejected", 0))
