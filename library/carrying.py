"""Carries what a person said of one song to another that is shown in its place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from . import likes
from .models import Decision, LikedSong

#: A statement names at most this many rows: databases bound the number of its values.
_BATCH = 500


def decisions(session: Session, *, account_id: UUID, ways: Mapping[UUID, UUID]) -> int:
    """Give each song's decisions to the one that is shown, by identity; how many changed places.

    Where both have one about the same playlist, the newer lies with what is shown and the older
    with the other: none is ever lost.
    """
    query = select(
        Decision.id, Decision.song_identity, Decision.playlist_identity, Decision.decided_at
    ).where(Decision.account_id == account_id)
    known = {}
    by_song: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for key, song, playlist, at in session.execute(query):
        known[song, playlist] = (at, key)
        by_song[song].append(playlist)
    moved: dict[UUID, UUID] = {}
    for old, new in ways.items():
        for playlist in by_song.get(old, ()):
            mine, its = known[old, playlist], known.get((new, playlist))
            if its is not None and its >= mine:
                continue
            known[new, playlist] = mine
            moved[mine[1]] = new
            if its is not None:
                known[old, playlist] = its
                moved[its[1]] = old
    _move(session, account_id, moved)
    return len(moved)


def _move(session: Session, account_id: UUID, moved: Mapping[UUID, UUID]) -> None:
    """Write new places. Two that change places must not lie in one meanwhile."""
    if not moved:
        return
    for part in _batches(moved):
        mine = Decision.account_id == account_id, Decision.id.in_(part)
        # A decision's own id is the identity of no song.
        aside = update(Decision).where(*mine).values(song_identity=Decision.id)
        session.execute(aside, execution_options={"synchronize_session": False})
    session.execute(
        update(Decision), [{"id": key, "song_identity": song} for key, song in moved.items()]
    )


def hearts(session: Session, *, account_id: UUID, ways: Mapping[UUID, UUID]) -> None:
    """Give each song's heart to the one that is shown."""
    mine = LikedSong.account_id == account_id, LikedSong.origin == likes.HEART
    loved = {row.song_id: row.liked_at for row in session.execute(
        select(LikedSong.song_id, LikedSong.liked_at).where(*mine))}  # fmt: skip
    leaving = [old for old in ways if old in loved]
    new = {ways[old]: loved[old] for old in leaving if ways[old] not in loved}
    for part in _batches(leaving):
        session.execute(delete(LikedSong).where(*mine, LikedSong.song_id.in_(part)))
    if new:
        rows = [
            {"account_id": account_id, "song_id": key, "origin": likes.HEART, "liked_at": at}
            for key, at in new.items()
        ]
        session.execute(insert(LikedSong), rows)


def _batches(keys: Iterable[UUID]) -> Iterable[list[UUID]]:
    listed = list(keys)
    for start in range(0, len(listed), _BATCH):
        yield listed[start : start + _BATCH]
