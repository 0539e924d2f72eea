"""Carries what a person said of one song to another that is shown in its place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from . import likes
from .identity import identity_of
from .models import Decision, LikedSong, Song

#: A statement names at most this many rows: databases bound the number of its values.
_BATCH = 500


def decisions(session: Session, *, account_id: UUID, ways: Mapping[UUID, UUID]) -> int:
    """Give each song's decisions to the one that is shown in its place; how many changed places.

    Where both have one about the same playlist, the newer lies with what is shown and the older
    with the other: none is ever lost.
    """
    identities = _identities(session, account_id, ways)
    query = select(
        Decision.id, Decision.song_identity, Decision.playlist_identity, Decision.decided_at
    ).where(Decision.account_id == account_id)
    known = {}
    by_song: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for key, song, playlist, at in session.execute(query):
        known[song, playlist] = (at, key)
        by_song[song].append(playlist)
    moved: dict[UUID, UUID] = {}
    for old, new in identities.items():
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


def _identities(session: Session, account_id: UUID, ways: Mapping[UUID, UUID]) -> dict[UUID, UUID]:
    """The same ways between identities, of songs that are decided about."""
    decided = select(Decision.song_identity).where(Decision.account_id == account_id)
    mine = select(Song.id, Song.identity).where(Song.account_id == account_id)
    old = {key: name for key, name in session.execute(mine.where(Song.identity.in_(decided)))}  # noqa: C416
    wanted = [ways[key] for key in old if key in ways]
    new: dict[UUID, UUID] = {}
    for part in _batches(wanted):
        of_part = select(Song).where(Song.account_id == account_id, Song.id.in_(part))
        for song in session.scalars(of_part):
            # Rows of an older version have none until the next sync.
            song.identity = song.identity or identity_of(song.source_id, song.external_id)
            new[song.id] = song.identity
    return {name: new[ways[key]] for key, name in old.items() if key in ways and name is not None}


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
