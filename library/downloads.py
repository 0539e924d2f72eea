"""What a playlist's file names: its own places, and the songs that were accepted for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from .models import Decision, MissingEntry, Playlist, PlaylistEntry, Song
from .playlist_formats import ListedFile
from .sources.lists import called
from .sources.names import unescaped

#: A statement names at most this many songs: databases bound the number of its values.
_BATCH = 500
_SONG = (
    *(Song.external_id, Song.has_sound),
    *(Song.title, Song.artist, Song.album, Song.duration_seconds),
)


def files(session: Session, *, account_id: UUID, playlist_id: UUID) -> list[ListedFile]:
    """The places of an account's own playlist in order, then the accepted songs, earliest first.

    A place whose song is not there keeps the name that the playlist has for it.
    """
    mine = PlaylistEntry.account_id == account_id, PlaylistEntry.playlist_id == playlist_id
    here = session.execute(
        select(PlaylistEntry.position, Song.id, *_SONG)
        .join(Song, Song.id == PlaylistEntry.song_id)
        .where(*mine, Song.present)
    )
    absent = select(MissingEntry.position, MissingEntry.place, MissingEntry.label).where(
        MissingEntry.account_id == account_id, MissingEntry.playlist_id == playlist_id
    )
    places = {
        position: ListedFile(place or label, label)
        for position, place, label in session.execute(absent)
    }
    there = set()
    for position, song_id, *song in here:
        places[position] = _file(*song)
        there.add(song_id)
    accepted = _accepted(session, account_id, playlist_id)
    new = [_file(*song) for song_id, *song in accepted if song_id not in there]
    return [places[position] for position in sorted(places)] + new


def _accepted(session: Session, account_id: UUID, playlist_id: UUID) -> Iterator[Sequence[Any]]:
    """The songs that were accepted for a playlist, the earliest decision first."""
    into = select(Playlist.identity).where(
        Playlist.account_id == account_id, Playlist.id == playlist_id
    )
    said = select(Decision.song_identity).where(
        Decision.account_id == account_id,
        Decision.playlist_identity == into.scalar_subquery(),
        Decision.verdict == "accepted",
        Decision.undone_at.is_(None),
    )
    identities = list(session.scalars(said.order_by(Decision.decided_at, Decision.id)))
    # Two queries: SQLite may look through all decisions for each song where they are one.
    for start in range(0, len(identities), _BATCH):
        part = identities[start : start + _BATCH]
        mine = Song.account_id == account_id, Song.identity.in_(part), Song.present
        found = {
            row[0]: row[1:]
            for row in session.execute(select(Song.identity, Song.id, *_SONG).where(*mine))
        }
        yield from (found[identity] for identity in part if identity in found)


def _file(external_id: Any, has_sound: Any, title: Any, artist: Any, *rest: Any) -> ListedFile:
    # Without a file it is named as people do.
    place = unescaped(external_id) if has_sound else called(artist, title) or title
    return ListedFile(place, title, artist, *rest)
