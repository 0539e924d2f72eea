"""What a source has no longer: marked, hidden, kept for a time, and purged at its end.

A song or playlist that is gone keeps its row and all that belongs to it: what was heard, its
entries, its like and its proposals. When its file comes back, they are as they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from .loss import Known
from .models import LikedSong, Playlist, Song

#: Names in one statement: databases bound its values.
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Purged:
    """How many rows a step of a purge removed for good."""

    songs: int
    playlists: int

    @property
    def is_last(self) -> bool:
        """Whether nothing was left for another step."""
        return self.songs == 0 and self.playlists == 0


def known(session: Session, *, account_id: UUID, source_id: UUID) -> Known:
    """What a source had at its last sync."""
    songs = select(Song.external_id).where(Song.source_id == source_id, Song.present)
    playlists = select(Playlist.external_id).where(
        Playlist.source_id == source_id, Playlist.gone_at.is_(None)
    )
    # On the whole of the key: by the song alone, a database looks through all liked songs.
    is_liked = (LikedSong.account_id == Song.account_id) & (LikedSong.song_id == Song.id)
    liked = (
        select(LikedSong.said_by, func.count())
        .join(Song, is_liked)
        .where(LikedSong.account_id == account_id, LikedSong.said_by.is_not(None))
        .where(Song.source_id == source_id, Song.present)
        .group_by(LikedSong.said_by)
    )
    lists = {name: count for name, count in session.execute(liked) if name is not None}
    return Known(
        songs=frozenset(session.scalars(songs)),
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
        of = (Song.source_id == source_id, Song.present, Song.external_id.in_(part))
        session.execute(update(Song).where(*of).values(present=False, gone_at=now))
    for part in _batches(playlists):
        named = (Playlist.source_id == source_id, Playlist.external_id.in_(part))
        still = Playlist.gone_at.is_(None)
        session.execute(update(Playlist).where(*named, still).values(gone_at=now))


def songs_by_external(session: Session, *, source_id: UUID) -> dict[str, UUID]:
    """The ids of a source's songs that are gone, by the source's own names."""
    mine = select(Song.external_id, Song.id).where(Song.source_id == source_id, ~Song.present)
    return {external_id: song_id for external_id, song_id in session.execute(mine)}  # noqa: C416


def settle(session: Session, *, now: datetime) -> None:
    """Bring in order what a program of an earlier version wrote, which knows `present` alone."""
    unsaid = (~Song.present, Song.gone_at.is_(None))
    session.execute(update(Song).where(*unsaid).values(gone_at=now))
    returned = (Song.present, Song.gone_at.is_not(None))
    session.execute(update(Song).where(*returned).values(gone_at=None))


def purge(session: Session, *, before: datetime, limit: int = _BATCH) -> Purged:
    """Remove for good some of what is gone since before a time, with all that belongs to it."""
    songs = select(Song.id).where(~Song.present, Song.gone_at < before).limit(limit)
    playlists = select(Playlist.id).where(Playlist.gone_at < before).limit(limit)
    counts = []
    for table, query in ((Song, songs), (Playlist, playlists)):
        ids = list(session.scalars(query))
        counts.append(len(ids))
        session.execute(delete(table).where(table.id.in_(ids)))
    return Purged(*counts)


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), _BATCH):
        yield names[start : start + _BATCH]
