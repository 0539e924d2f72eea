"""Write-backs: the rows of what was written into lists.

`plan` notes what a person has looked at, before a job is started for it; `library.writeback.acts`
carries the rows through. No row of another account is ever found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from .awaited import AwaitingList
from .models import WriteBack, WrittenSong, utc_now
from .writeback.adding import Addition

#: A plan whose job was never started is forgotten after this long.
PLAN_LASTS = timedelta(hours=1)

#: The states in which a list may be put back.
UNDOABLE = ("written", "writing", "undoing")

#: A place among the write-backs: when one was planned, and its id.
Mark = tuple[datetime, UUID]


def plan(
    session: Session, *, account_id: UUID, batch_id: UUID, lists: Iterable[tuple[AwaitingList, str]]
) -> int:
    """Note the lists that are to be written, each with the key by which it was looked at.

    How many there are. To plan a batch twice is to plan it once.
    """
    count = 0
    known = select(func.count()).where(WriteBack.batch_id == batch_id)
    if session.scalar(known):
        return session.scalar(known.where(WriteBack.account_id == account_id)) or 0
    for playlist, before_key in lists:
        row = WriteBack(
            account_id=account_id,
            batch_id=batch_id,
            source_id=playlist.source_id,
            playlist_identity=playlist.identity,
            playlist_name=playlist.name,
            list_id=playlist.list_id,
            before_key=before_key,
        )
        session.add(row)
        session.flush()
        session.add_all(
            WrittenSong(
                write_back_id=row.id,
                account_id=account_id,
                song_identity=one.identity,
                position=position,
                label=one.song.label[:300],
            )
            for position, one in enumerate(playlist.songs)
        )
        count += 1
    return count


def forget_plan(session: Session, *, account_id: UUID, batch_id: UUID) -> None:
    """Take back a plan whose job could not be started."""
    mine = WriteBack.account_id == account_id, WriteBack.batch_id == batch_id
    session.execute(delete(WriteBack).where(*mine, WriteBack.state == "planned"))


def of_batch(session: Session, *, account_id: UUID, batch_id: UUID) -> list[WriteBack]:
    """The lists of one act, by name."""
    mine = WriteBack.account_id == account_id, WriteBack.batch_id == batch_id
    query = select(WriteBack).where(*mine)
    return list(session.scalars(query.order_by(WriteBack.playlist_name, WriteBack.id)))


def unsettled(session: Session, *, account_id: UUID) -> list[WriteBack]:
    """The lists that a job is at, or was at when it ended."""
    mine = WriteBack.account_id == account_id, WriteBack.state.in_(("writing", "undoing"))
    return list(session.scalars(select(WriteBack).where(*mine)))


def get(session: Session, *, account_id: UUID, write_back_id: UUID) -> WriteBack | None:
    """An account's own write-back."""
    mine = select(WriteBack).where(WriteBack.account_id == account_id)
    return session.scalar(mine.where(WriteBack.id == write_back_id))


def songs(session: Session, *, account_id: UUID, write_back_id: UUID) -> list[WrittenSong]:
    """The songs of one write-back, in the order in which they are put in."""
    mine = WrittenSong.account_id == account_id, WrittenSong.write_back_id == write_back_id
    return list(session.scalars(select(WrittenSong).where(*mine).order_by(WrittenSong.position)))


def page(
    session: Session, *, account_id: UUID, after: Mark | None = None, limit: int = 50
) -> list[WriteBack]:
    """What was written, the newest first, from the place after `after` on."""
    query = select(WriteBack).where(WriteBack.account_id == account_id)
    if after is not None:
        at, key = after
        further = (WriteBack.created_at == at) & (WriteBack.id < key)
        query = query.where(WriteBack.created_at <= at, or_(WriteBack.created_at < at, further))
    newest_first = query.order_by(WriteBack.created_at.desc(), WriteBack.id.desc())
    return list(session.scalars(newest_first.limit(limit)))


@dataclass(frozen=True, slots=True)
class SongCounts:
    """How many songs of a write-back came to what."""

    written: int
    already: int
    refused: int


def song_counts(
    session: Session, *, account_id: UUID, write_back_ids: Sequence[UUID]
) -> dict[UUID, SongCounts]:
    """How many songs of each write-back came to what."""
    query = (
        select(WrittenSong.write_back_id, WrittenSong.state, func.count())
        .where(WrittenSong.account_id == account_id)
        .where(WrittenSong.write_back_id.in_(write_back_ids))
        .group_by(WrittenSong.write_back_id, WrittenSong.state)
    )
    found: dict[UUID, dict[str, int]] = {key: {} for key in write_back_ids}
    for key, state, number in session.execute(query):
        found[key][state] = number
    return {
        key: SongCounts(*(of.get(state, 0) for state in ("written", "already", "refused")))
        for key, of in found.items()
    }


def set_state(
    session: Session,
    *,
    account_id: UUID,
    write_back_id: UUID,
    state: str,
    reason: str | None = None,
    after_key: str | None = None,
) -> None:
    """Note how far a write-back is, and why it goes no further."""
    values: dict[str, object] = {"state": state, "reason": reason}
    if after_key is not None:
        values["after_key"] = after_key
    if state in ("written", "undone") and reason is None:
        values[f"{state}_at"] = utc_now()
    mine = WriteBack.account_id == account_id, WriteBack.id == write_back_id
    session.execute(update(WriteBack).where(*mine).values(**values))
    if state == "written":
        named = WrittenSong.account_id == account_id, WrittenSong.write_back_id == write_back_id
        put_in = WrittenSong.state == "planned", WrittenSong.place.is_not(None)
        session.execute(update(WrittenSong).where(*named, *put_in).values(state="written"))


def note_songs(
    session: Session,
    *,
    account_id: UUID,
    write_back_id: UUID,
    by_external: dict[str, UUID],
    addition: Addition,
) -> None:
    """Note of each song how the list will name it, or why it does not get it."""
    for entry in addition.added:
        key = by_external[entry.song.external_id]
        _note(
            session,
            account_id,
            write_back_id,
            key,
            state="planned",
            place=_storable(entry.place),
            reason=None,
        )
    for song in addition.already:
        key = by_external[song.external_id]
        _note(session, account_id, write_back_id, key, state="already")
    for song, reason in addition.refused:
        refuse_song(
            session,
            account_id=account_id,
            write_back_id=write_back_id,
            song_identity=by_external[song.external_id],
            reason=reason,
        )


def refuse_song(
    session: Session, *, account_id: UUID, write_back_id: UUID, song_identity: UUID, reason: str
) -> None:
    """Note why a song is not put in."""
    _note(session, account_id, write_back_id, song_identity, state="refused", reason=reason)


def _note(
    session: Session, account_id: UUID, write_back_id: UUID, song: UUID, **values: object
) -> None:
    mine = WrittenSong.account_id == account_id, WrittenSong.write_back_id == write_back_id
    of_song = WrittenSong.song_identity == song
    session.execute(update(WrittenSong).where(*mine, of_song).values(**values))


def _storable(place: str) -> str:
    return place.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def purge(session: Session, *, before: datetime, limit: int) -> list[tuple[UUID, UUID]]:
    """Delete at most `limit` write-backs from before a time; the account and id of each."""
    rows = session.execute(
        select(WriteBack.account_id, WriteBack.id)
        .where(WriteBack.created_at < before)
        .order_by(WriteBack.created_at)
        .limit(limit)
    ).all()
    keys = [key for _, key in rows]
    session.execute(delete(WriteBack).where(WriteBack.id.in_(keys)))
    return [(account_id, key) for account_id, key in rows]
