"""Playlists and their entries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from .models import Playlist, PlaylistEntry, Song


@dataclass(frozen=True, slots=True)
class ListedPlaylist:
    """A playlist as a list shows it."""

    id: UUID
    name: str
    #: How many songs it has.
    size: int


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """A song as its playlist shows it."""

    position: int
    title: str
    artist: str | None
    #: False once the source has the song no longer.
    is_present: bool


def save(
    session: Session,
    *,
    account_id: UUID,
    source_id: UUID,
    external_id: str,
    name: str,
    song_ids: Sequence[UUID],
) -> Playlist:
    """Add a playlist of a source, or bring it and its entries up to date."""
    playlist = session.scalar(
        select(Playlist).where(Playlist.source_id == source_id, Playlist.external_id == external_id)
    )
    if playlist is None:
        playlist = Playlist(
            account_id=account_id, source_id=source_id, external_id=external_id, name=name
        )
        session.add(playlist)
    playlist.name = name
    session.flush()
    session.execute(delete(PlaylistEntry).where(PlaylistEntry.playlist_id == playlist.id))
    session.add_all(
        PlaylistEntry(
            playlist_id=playlist.id, position=position, account_id=account_id, song_id=song_id
        )
        for position, song_id in enumerate(song_ids)
    )
    session.flush()
    return playlist


def remove_others(session: Session, *, source_id: UUID, present: Iterable[str]) -> int:
    """Remove the playlists that their source has no longer; how many there were."""
    here = set(present)
    mine = select(Playlist.id, Playlist.external_id).where(Playlist.source_id == source_id)
    gone = [pid for pid, external_id in session.execute(mine) if external_id not in here]
    for playlist_id in gone:
        session.execute(delete(Playlist).where(Playlist.id == playlist_id))
    return len(gone)


def page(
    session: Session, *, account_id: UUID, after: UUID | None = None, limit: int = 50
) -> list[ListedPlaylist]:
    """The account's playlists by name, from the one after `after` on."""
    size = (
        select(func.count())
        .select_from(PlaylistEntry)
        .where(PlaylistEntry.playlist_id == Playlist.id)
        .scalar_subquery()
    )
    query = select(Playlist.id, Playlist.name, size).where(*_kept(account_id))
    if after is not None:
        mark = get(session, account_id=account_id, playlist_id=after)
        if mark is None:
            return []
        further = (Playlist.name == mark.name) & (Playlist.id > mark.id)
        query = query.where(or_(Playlist.name > mark.name, further))
    query = query.order_by(Playlist.name, Playlist.id).limit(limit)
    return [ListedPlaylist(*row) for row in session.execute(query)]


def _kept(account_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return Playlist.account_id == account_id, Playlist.gone_at.is_(None)


def count(session: Session, *, account_id: UUID) -> int:
    """How many playlists there are."""
    query = select(func.count()).select_from(Playlist).where(*_kept(account_id))
    return session.scalar(query) or 0


def members(session: Session, *, account_id: UUID) -> dict[UUID, list[UUID]]:
    """The songs of each of the account's playlists, in order; gone songs left out."""
    query = (
        select(PlaylistEntry.playlist_id, PlaylistEntry.song_id)
        .join(Song, Song.id == PlaylistEntry.song_id)
        .where(PlaylistEntry.account_id == account_id, Song.present)
        .order_by(PlaylistEntry.playlist_id, PlaylistEntry.position)
    )
    found: dict[UUID, list[UUID]] = {}
    for playlist_id, song_id in session.execute(query):
        found.setdefault(playlist_id, []).append(song_id)
    return found


def get(session: Session, *, account_id: UUID, playlist_id: UUID) -> Playlist | None:
    """An account's own playlist."""
    return session.scalar(select(Playlist).where(*_kept(account_id), Playlist.id == playlist_id))


def songs(
    session: Session, *, account_id: UUID, playlist_id: UUID, after: int = -1, limit: int = 100
) -> list[ListedEntry]:
    """The songs of an account's own playlist in order, from the position after `after` on."""
    query = (
        select(PlaylistEntry.position, Song.title, Song.artist, Song.present)
        .join(Song, Song.id == PlaylistEntry.song_id)
        .where(PlaylistEntry.playlist_id == playlist_id, PlaylistEntry.account_id == account_id)
        .where(PlaylistEntry.position > after)
        .order_by(PlaylistEntry.position)
        .limit(limit)
    )
    return [ListedEntry(*row) for row in session.execute(query)]
