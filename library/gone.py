"""What a source has no longer: marked, hidden, kept for a time, and purged at its end.

A song or playlist that is gone keeps its row and all that belongs to it: what was heard, its
entries, its like and its proposals. When its file comes back, they are as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from . import list_files
from .loss import Known
from .models import LikedSong, Playlist, Song

#: A statement names at most this many rows: databases bound the number of its values.
_BATCH = 500


def known(
    session: Session, *, account_id: UUID, source_id: UUID, songs: Iterable[str] | None = None
) -> Known:
    """What a source had at its last sync; its `songs` may be known already."""
    if songs is None:
        there = (Song.source_id == source_id, Song.gone_at.is_(None))
        songs = session.scalars(select(Song.external_id).where(*there))
    playlists = select(Playlist.external_id).where(
        Playlist.source_id == source_id, Playlist.gone_at.is_(None)
    )
    # On the whole of the key: by the song alone, a database looks through all liked songs.
    is_liked = (LikedSong.account_id == Song.account_id) & (LikedSong.song_id == Song.id)
    liked = (
        select(LikedSong.said_by, func.count())
        .join(Song, is_liked)
        .where(LikedSong.account_id == account_id, LikedSong.said_by.is_not(None))
        .where(Song.source_id == source_id, Song.gone_at.is_(None))
        .group_by(LikedSong.said_by)
    )
    lists = {name: count for name, count in session.execute(liked) if name is not None}
    return Known(
        songs=frozenset(songs),
        playlists=frozenset(session.scalars(playlists)) | lists.keys(),
        liked=lists,
    )


def mark(
    session: Session,
    *,
    source_id: UUID,
    now: datetime,
    songs: Sequence[str] = (),
    playlists: Sequence[str] = (),
) -> None:
    """Mark these songs and playlists of a source as gone, by their external ids, and no others."""
    for part in _batches(songs):
        there = Song.gone_at.is_(None)
        of = (Song.source_id == source_id, there, Song.external_id.in_(part))
        session.execute(update(Song).where(*of).values(present=False, gone_at=now))
    if songs:
        list_files.read_again(session, source_id=source_id)
    for part in _batches(playlists):
        named = (Playlist.source_id == source_id, Playlist.external_id.in_(part))
        still = Playlist.gone_at.is_(None)
        done = session.execute(update(Playlist).where(*named, still).values(gone_at=now))
        if isinstance(done, CursorResult) and done.rowcount:
            files = list_files.files_of(part)
            list_files.read_again(session, source_id=source_id, names=files)


def songs_by_external(session: Session, *, source_id: UUID) -> dict[str, UUID]:
    """The ids of a source's songs that are gone, by the source's own names."""
    gone = Song.gone_at.is_not(None)
    mine = select(Song.external_id, Song.id).where(Song.source_id == source_id, gone)
    return {external_id: song_id for external_id, song_id in session.execute(mine)}  # noqa: C416


def settle(session: Session, *, now: datetime) -> int:
    """Bring in order what a program of an earlier version wrote, which knows `present` alone.

    How many rows were not in order.
    """
    # One for which another is shown is there.
    silent = ~Song.present, Song.shown_as.is_(None)
    unsaid = update(Song).where(*silent, Song.gone_at.is_(None)).values(gone_at=now)
    returned = update(Song).where(Song.present, Song.gone_at.is_not(None)).values(gone_at=None)
    return sum(session.connection().execute(change).rowcount for change in (unsaid, returned))


def purge_songs(session: Session, *, before: datetime, limit: int) -> int:
    """Delete at most `limit` songs that went before a time, with all that belongs to them."""
    query = select(Song.id).where(~Song.present, Song.gone_at < before).limit(limit)
    ids = list(session.scalars(query))
    session.execute(delete(Song).where(Song.id.in_(ids)))
    return len(ids)


def purge_playlists(session: Session, *, before: datetime, limit: int) -> int:
    """Delete at most `limit` playlists that went before a time, with their entries."""
    columns = (Playlist.id, Playlist.source_id, Playlist.external_id)
    rows = session.execute(select(*columns).where(Playlist.gone_at < before).limit(limit)).all()
    for _, source_id, name in rows:
        # Its source may have been removed, and be brought back with the file as it was.
        files = list_files.files_of([name])
        list_files.read_again(session, source_id=source_id, names=files)
    session.execute(delete(Playlist).where(Playlist.id.in_([row.id for row in rows])))
    return len(rows)


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), _BATCH):
        yield names[start : start + _BATCH]
