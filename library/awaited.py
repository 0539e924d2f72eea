"""Awaited songs: those that were accepted for a playlist and are not in it yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from .models import Decision, Playlist, PlaylistEntry, Song
from .writeback.entries import NewSong

#: A statement names at most this many rows: databases bound the number of its values.
_BATCH = 500
_COLUMNS = (
    *(Song.id, Song.identity, Song.source_id, Song.has_sound, Song.external_id),
    *(Song.title, Song.artist, Song.album, Song.duration_seconds),
)
IN_ANOTHER_SOURCE = (
    "It is in another source of yours: a list can name songs of its own source alone."
)
WITHOUT_FILE = "It has no file that a list could name."
GONE = "It is not there any more."


@dataclass(frozen=True, slots=True)
class AwaitedSong:
    """A song that was accepted for a playlist."""

    identity: UUID
    song: NewSong
    #: Why it cannot be put into the list, whatever the list is; None where it may be.
    obstacle: str | None = None


@dataclass(frozen=True, slots=True)
class AwaitingList:
    """A playlist that songs were accepted for which it does not have, as far as a sync knows."""

    id: UUID
    identity: UUID
    name: str
    source_id: UUID
    #: The source's own name for it.
    list_id: str
    #: The earliest decision first.
    songs: tuple[AwaitedSong, ...]


def awaiting_lists(
    session: Session,
    *,
    account_id: UUID,
    playlist_ids: Sequence[UUID] | None = None,
    after: UUID | None = None,
    limit: int | None = None,
) -> list[AwaitingList]:
    """An account's playlists that songs wait for, by name; those of `playlist_ids` alone.

    At most `limit` of them, from the one after `after` on.
    """
    lists = _lists(session, account_id, playlist_ids)
    accepted: dict[UUID, list[UUID]] = {identity: [] for identity in lists}
    for song, into in _accepted(session, account_id):
        if into in accepted:
            accepted[into].append(song)
    ids = _ids(session, account_id, list({song for of in accepted.values() for song in of}))
    there = _entries(session, account_id, list(ids.values()))
    waiting = {
        identity: songs
        for identity, playlist in lists.items()
        if (
            songs := [
                s for s in accepted[identity] if s in ids and (playlist.id, ids[s]) not in there
            ]
        )
    }
    begin = next((n for n, one in enumerate(waiting, 1) if lists[one].id == after), 0)
    shown = list(waiting)[begin:][:limit]
    # What is known of songs is read for the lists that are asked for: there may be thousands.
    wanted = {song for identity in shown for song in waiting[identity]}
    known = by_identity(session, account_id=account_id, identities=list(wanted))
    return [_awaiting(lists[identity], identity, waiting[identity], known) for identity in shown]


def _awaiting(
    playlist: Playlist, identity: UUID, waiting: Sequence[UUID], songs: dict[UUID, KnownSong]
) -> AwaitingList:
    found = tuple(_awaited(songs[song], playlist.source_id) for song in waiting if song in songs)
    return AwaitingList(
        playlist.id, identity, playlist.name, playlist.source_id, playlist.external_id, found
    )


@dataclass(frozen=True, slots=True)
class KnownSong:
    """A song that is there."""

    id: UUID
    identity: UUID
    source_id: UUID
    has_sound: bool
    song: NewSong


def by_identity(
    session: Session, *, account_id: UUID, identities: Sequence[UUID]
) -> dict[UUID, KnownSong]:
    """An account's songs that are there, by their identities."""
    found: dict[UUID, KnownSong] = {}
    for part in _batches(identities):
        mine = Song.account_id == account_id, Song.identity.in_(part), Song.present
        for row in session.execute(select(*_COLUMNS).where(*mine)):
            song = NewSong(row.external_id, row.title, row.artist, row.album, row.duration_seconds)
            found[row.identity] = KnownSong(
                row.id, row.identity, row.source_id, row.has_sound, song
            )
    return found


def obstacle(song: KnownSong | None, source_id: UUID) -> str | None:
    """Why a song cannot be put into a list of a source; None where it may be."""
    if song is None:
        return GONE
    if song.source_id != source_id:
        return IN_ANOTHER_SOURCE
    return None if song.has_sound else WITHOUT_FILE


def _awaited(song: KnownSong, source_id: UUID) -> AwaitedSong:
    return AwaitedSong(song.identity, song.song, obstacle(song, source_id))


def _lists(session: Session, account_id: UUID, only: Sequence[UUID] | None) -> dict[UUID, Playlist]:
    query = select(Playlist).where(Playlist.account_id == account_id, Playlist.gone_at.is_(None))
    if only is not None:
        query = query.where(Playlist.id.in_(only))
    rows = session.scalars(query.order_by(func.lower(Playlist.name), Playlist.id))
    return {row.identity: row for row in rows if row.identity is not None}


def _accepted(session: Session, account_id: UUID) -> list[tuple[UUID, UUID]]:
    """The pairs of song and playlist that are accepted, the earliest decision first."""
    # One query, and no join: SQLite may look through all decisions for each song where there is.
    query = select(Decision.song_identity, Decision.playlist_identity).where(
        Decision.account_id == account_id,
        Decision.verdict == "accepted",
        Decision.undone_at.is_(None),
    )
    rows = session.execute(query.order_by(Decision.decided_at, Decision.id))
    return [(song, into) for song, into in rows]


def _ids(session: Session, account_id: UUID, identities: Sequence[UUID]) -> dict[UUID, UUID]:
    """The ids of songs that are there, by their identities."""
    found: dict[UUID, UUID] = {}
    for part in _batches(identities):
        mine = Song.account_id == account_id, Song.identity.in_(part), Song.present
        rows = session.execute(select(Song.identity, Song.id).where(*mine))
        found.update((identity, key) for identity, key in rows if identity is not None)
    return found


def _entries(
    session: Session, account_id: UUID, song_ids: Sequence[UUID]
) -> set[tuple[UUID, UUID]]:
    found: set[tuple[UUID, UUID]] = set()
    for part in _batches(song_ids):
        query = select(PlaylistEntry.playlist_id, PlaylistEntry.song_id).where(
            PlaylistEntry.account_id == account_id, PlaylistEntry.song_id.in_(part)
        )
        found.update((into, song) for into, song in session.execute(query))
    return found


def _batches(ids: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH]
