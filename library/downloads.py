"""What a playlist's file names: its own places, and the songs that were accepted for it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from .models import Decision, MissingEntry, Playlist, PlaylistEntry, Song
from .playlist_formats import ListedFile
from .sources.names import unescaped

_SONG = (Song.external_id, Song.title, Song.artist, Song.album, Song.duration_seconds)


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
    accepted = session.execute(
        select(Song.id, *_SONG)
        .join(
            Decision,
            and_(Decision.account_id == account_id, Decision.song_identity == Song.identity),
        )
        .join(Playlist, Playlist.identity == Decision.playlist_identity)
        .where(Song.account_id == account_id, Song.present, Playlist.id == playlist_id)
        .where(Decision.verdict == "accepted", Decision.undone_at.is_(None))
        .order_by(Decision.decided_at, Decision.id)
    )
    new = [_file(*song) for song_id, *song in accepted if song_id not in there]
    return [places[position] for position in sorted(places)] + new


def _file(external_id: Any, *rest: Any) -> ListedFile:
    return ListedFile(unescaped(external_id), *rest)
