"""Playlists and their entries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from .models import Playlist, PlaylistEntry, Song


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


def with_sizes(session: Session, *, account_id: UUID) -> list[tuple[Playlist, int]]:
    """The account's playlists by name, each with how many songs it has."""
    query = (
        select(Playlist, func.count(PlaylistEntry.song_id))
        .outerjoin(PlaylistEntry, PlaylistEntry.playlist_id == Playlist.id)
        .where(Playlist.account_id == account_id)
        .group_by(Playlist.id)
        .order_by(Playlist.name, Playlist.id)
    )
    return [(playlist, size) for playlist, size in session.execute(query)]


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
    mine = select(Playlist).where(Playlist.account_id == account_id)
    return session.scalar(mine.where(Playlist.id == playlist_id))


def songs(session: Session, *, account_id: UUID, playlist_id: UUID) -> list[Song]:
    """The songs of an account's own playlist, in order."""
    query = (
        select(Song)
        .join(PlaylistEntry, PlaylistEntry.song_id == Song.id)
        .where(PlaylistEntry.account_id == account_id, PlaylistEntry.playlist_id == playlist_id)
        .order_by(PlaylistEntry.position)
    )
    return list(session.scalars(query))
