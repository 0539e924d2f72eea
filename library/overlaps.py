"""Overlaps: the playlists that a song is in, and playlists that are nearly the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import distinct, func, select
from sqlalchemy.orm import Session, aliased

from .models import Playlist, PlaylistEntry, Song


@dataclass(frozen=True, slots=True)
class NamedPlaylist:
    """A playlist by its name."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Alike:
    """A playlist that is nearly the same as another one."""

    id: UUID
    name: str
    #: How many songs are in both.
    common: int
    #: 0…1: the songs in both over those in either (Jaccard 1901).
    overlap: float


def playlists_of(session: Session, *, account_id: UUID, song_id: UUID) -> list[NamedPlaylist]:
    """The playlists that a song is in, by name."""
    found = playlists_of_each(session, account_id=account_id, song_ids=[song_id])
    return found.get(song_id, [])


def playlists_of_each(
    session: Session, *, account_id: UUID, song_ids: Sequence[UUID]
) -> dict[UUID, list[NamedPlaylist]]:
    """The playlists that each of some songs is in, by name; of songs that are in one at least."""
    query = (
        select(PlaylistEntry.song_id, Playlist.id, Playlist.name)
        .join(Playlist, PlaylistEntry.playlist_id == Playlist.id)
        .where(PlaylistEntry.song_id.in_(song_ids), Playlist.account_id == account_id)
        .where(Playlist.gone_at.is_(None))
        .distinct()
        .order_by(Playlist.name, Playlist.id)
    )
    found: dict[UUID, list[NamedPlaylist]] = {}
    for song_id, key, name in session.execute(query):
        found.setdefault(song_id, []).append(NamedPlaylist(key, name))
    return found


def nearly_the_same(
    session: Session, *, account_id: UUID, playlist_id: UUID, least: float = 0.6
) -> list[Alike]:
    """The playlists that overlap with one by at least so much, the most alike first."""
    sizes = _common(session, account_id, playlist_id)
    own = sizes.pop(playlist_id, 0)
    # No playlist overlaps by more than its part of this one: the others' songs are not counted.
    sizes = {key: common for key, common in sizes.items() if common >= least * own}
    if not own or not sizes:
        return []
    query = (
        select(Playlist.id, Playlist.name, func.count(distinct(PlaylistEntry.song_id)))
        .join(PlaylistEntry, PlaylistEntry.playlist_id == Playlist.id)
        .join(Song, Song.id == PlaylistEntry.song_id)
        .where(Playlist.id.in_(sizes), Playlist.gone_at.is_(None), Song.present)
        .group_by(Playlist.id, Playlist.name)
    )
    found = [
        Alike(key, name, sizes[key], sizes[key] / (own + size - sizes[key]))
        for key, name, size in session.execute(query)
    ]
    return sorted((x for x in found if x.overlap >= least), key=lambda x: (-x.overlap, x.name))


def _common(session: Session, account_id: UUID, playlist_id: UUID) -> dict[UUID, int]:
    """How many songs of a playlist are in each of the account's playlists, itself among them."""
    mine, theirs = aliased(PlaylistEntry), aliased(PlaylistEntry)
    query = (
        select(theirs.playlist_id, func.count(distinct(theirs.song_id)))
        .select_from(mine)
        .join(theirs, theirs.song_id == mine.song_id)
        .join(Song, Song.id == mine.song_id)
        .where(mine.playlist_id == playlist_id, mine.account_id == account_id, Song.present)
        .group_by(theirs.playlist_id)
    )
    return {key: count for key, count in session.execute(query)}  # noqa: C416 - for its types
