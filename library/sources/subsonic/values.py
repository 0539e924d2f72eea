"""What a server tells of songs, albums and playlists, as values. Pure.

Servers leave out fields, and write others than the API says: what cannot be used is taken for
missing. A song without an id is none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, replace
from typing import Any

from ..records import SongRecord
from .answers import several, text, whole

#: Longest text of a song, in letters. Longer than what is kept, so that a change within is seen.
MAX_TEXT = 500
#: Longest id: names of files, which some servers have for ids, are no longer.
MAX_ID = 255
_FIRST_YEAR, _LAST_YEAR = 1000, 2999
_MOST_SECONDS = 7 * 24 * 3600
_LARGEST_BYTES = 2**42


@dataclass(frozen=True, slots=True)
class ServerSong:
    """A song, and where the server has it."""

    record: SongRecord
    album_id: str | None = None
    #: How its file's name ends.
    suffix: str = ""

    @property
    def id(self) -> str:
        """The server's id."""
        return server_id(self.record.external_id)


@dataclass(frozen=True, slots=True)
class ServerAlbum:
    """An album, with how many songs the server says it has."""

    id: str
    name: str
    song_count: int


@dataclass(frozen=True, slots=True)
class ServerPlaylist:
    """A playlist, with its songs where they were asked for."""

    id: str
    name: str
    #: The user that it belongs to; others may show theirs.
    owner: str | None = None
    #: Whether the server says that it may not be changed.
    is_read_only: bool = False
    #: In order, and as often as they are in it.
    songs: tuple[ServerSong, ...] = ()


def id_of(told: Mapping[str, Any]) -> str | None:
    """The id of anything; None where it has none that can be used."""
    found = told.get("id")
    if isinstance(found, bool) or not isinstance(found, str | int):
        return None
    name = str(found)
    return name if 0 < len(name) <= MAX_ID and name.isprintable() else None


def external_id(server_id: str) -> str:
    """A song's name among the songs of a source, where ``/`` divides parts of names."""
    return server_id.replace("%", "%25").replace("/", "%2F")


def server_id(external: str) -> str:
    """The id that `external_id` was made of."""
    return external.replace("%2F", "/").replace("%25", "%")


def songs_of(told: Mapping[str, Any], name: str) -> list[ServerSong]:
    """The songs of a list within an answer. Folders, videos and entries without an id are none."""
    found = (song_of(entry) for entry in several(told, name))
    return [song for song in found if song is not None]


def song_of(told: Mapping[str, Any]) -> ServerSong | None:
    """A song; None where this is none."""
    server = id_of(told)
    if server is None or told.get("isDir") is True or told.get("isVideo") is True:
        return None
    artists = _names(told.get("artists"))
    shown = _text(told, "displayArtist") or _text(told, "artist")
    year = whole(told.get("year"), at_most=_LAST_YEAR)
    record = SongRecord(
        external_id=external_id(server),
        title=_text(told, "title") or _text(told, "name") or server,
        artist=shown or ", ".join(artists) or None,
        artists=artists if len(artists) > 1 else (),
        album=_text(told, "album"),
        album_artist=_text(told, "displayAlbumArtist"),
        genre=_text(told, "genre"),
        year=year if year is not None and year >= _FIRST_YEAR else None,
        track_number=whole(told.get("track"), at_most=9_999) or None,
        rating_stars=_stars(told.get("userRating")),
        duration_seconds=_seconds(told.get("duration")),
        size_bytes=whole(told.get("size"), at_most=_LARGEST_BYTES) or None,
    )
    suffix = text(told.get("suffix"), at_most=8) or ""
    record = _with_fingerprint(record, sound=(record.duration_seconds, told.get("bitRate"), suffix))
    album = told.get("albumId")
    return ServerSong(record, str(album) if isinstance(album, str | int) else None, suffix.lower())


def _with_fingerprint(song: SongRecord, *, sound: Iterable[object]) -> SongRecord:
    """The song with two hashes: of what its sound is told by, and of all that is kept of it.

    They stand where a file's time and inode do. A song that is rated anew is written, and its sound
    is not heard again.
    """
    heard = _hash(map(str, (song.size_bytes, *sound)))
    return replace(song, modified_ns=heard, inode=_hash((heard, *map(str, astuple(song)))))


def _hash(texts: Iterable[str]) -> str:
    # As long as a time and an inode are at most: 20 letters.
    return hashlib.blake2b("\0".join(texts).encode("utf-8", "replace"), digest_size=10).hexdigest()


def albums_of(told: Mapping[str, Any], name: str) -> list[ServerAlbum]:
    """The albums of a list within an answer."""
    return [
        ServerAlbum(
            server,
            _text(entry, "name") or "Album without a name",
            whole(entry.get("songCount")) or 0,
        )
        for entry in several(told, name)
        if (server := id_of(entry)) is not None
    ]


def playlist_of(told: Mapping[str, Any]) -> ServerPlaylist | None:
    """A playlist; None where this is none."""
    server = id_of(told)
    if server is None:
        return None
    return ServerPlaylist(
        id=server,
        name=_text(told, "name") or "Playlist without a name",
        owner=_text(told, "owner"),
        is_read_only=told.get("readonly") is True,
        songs=tuple(songs_of(told, "entry")),
    )


def _names(told: object) -> tuple[str, ...]:
    """The names of several artists."""
    entries = told if isinstance(told, list) else []
    found = (_text(entry, "name") for entry in entries[:50] if isinstance(entry, dict))
    return tuple(dict.fromkeys(name for name in found if name))


def _text(told: Mapping[str, Any], name: str) -> str | None:
    return text(told.get(name), at_most=MAX_TEXT)


def _stars(told: object) -> float | None:
    stars = whole(told, at_most=5)
    return float(stars) if stars else None


def _seconds(told: object) -> float | None:
    if isinstance(told, bool) or not isinstance(told, int | float):
        told = whole(told)
    return float(told) if told is not None and 0 < told <= _MOST_SECONDS else None
