"""What a server tells of songs, albums and playlists, as values. Pure.

Servers leave out fields, and write others than the API says: what cannot be used is taken for
missing. A song without an id is none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..recordings import isrc_of, mbid_of
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
    server = _song_id(told)
    if server is None:
        return None
    artists = _names(told.get("artists"))
    year = whole(told.get("year"), at_most=_LAST_YEAR)
    size = whole(told.get("size"), at_most=_LARGEST_BYTES) or None
    suffix = (text(told.get("suffix"), at_most=8) or "").lower()
    said = (
        _title(told) or server,
        _artist(told) or ", ".join(artists) or None,
        artists if len(artists) > 1 else (),
        _text(told, "album"),
        _text(told, "displayAlbumArtist"),
        _text(told, "genre"),
        year if year is not None and year >= _FIRST_YEAR else None,
        whole(told.get("track"), at_most=9_999) or None,
        _stars(told.get("userRating")),
        _seconds(told.get("duration")),
    )
    heard = _hash((size, said[-1], told.get("bitRate"), suffix))
    # Hashes stand where a file's time and inode do: of what the sound is told by, and of all that
    # is kept. A song that is rated anew is written, and its sound is not heard again.
    ids = _isrc(told.get("isrc")), mbid_of(told.get("musicBrainzId"))
    record = SongRecord(
        external_id(server),
        *said,
        size,
        modified_ns=heard,
        inode=_hash((heard, said, *ids) if any(ids) else (heard, said)),
        isrc=ids[0],
        recording_mbid=ids[1],
    )
    album = told.get("albumId")
    return ServerSong(record, str(album) if isinstance(album, str | int) else None, suffix)


def _isrc(told: object) -> str | None:
    """The first ISRC of one or several."""
    several_of_it = told if isinstance(told, list) else [told]
    return next(filter(None, map(isrc_of, several_of_it[:10])), None)


def entries_of(told: Mapping[str, Any], name: str) -> list[ServerSong]:
    """The songs of a playlist within an answer: of each its id, its title and its artist."""
    return [
        ServerSong(SongRecord(external_id(server), _title(entry) or server, _artist(entry)))
        for entry in several(told, name)
        if (server := _song_id(entry)) is not None
    ]


def _song_id(told: Mapping[str, Any]) -> str | None:
    is_other = told.get("isDir") is True or told.get("isVideo") is True
    return None if is_other else id_of(told)


def _title(told: Mapping[str, Any]) -> str | None:
    return _text(told, "title") or _text(told, "name")


def _artist(told: Mapping[str, Any]) -> str | None:
    return _text(told, "displayArtist") or _text(told, "artist")


def _hash(values: tuple[object, ...]) -> str:
    # As long as a time and an inode are at most: 20 letters.
    return hashlib.blake2b(repr(values).encode(), digest_size=10).hexdigest()


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
        songs=tuple(entries_of(told, "entry")),
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
