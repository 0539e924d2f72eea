"""The library or an exported playlist of iTunes and Apple Music, as XML. Pure."""

from __future__ import annotations

import plistlib
from collections.abc import Iterator, Mapping
from typing import Any
from xml.parsers.expat import ExpatError

from .lists import Entry, NotAList, SongList, called, named, seconds_of

#: Lists that iTunes makes by itself, each by a key that says so. A "Smart Info" is a rule; what
#: it finds changes without anybody's doing. A folder holds the songs of the lists in it.
_NOT_KEPT = ("Master", "Distinguished Kind", "Smart Info", "Folder")
#: What iTunes called it first, and what Apple Music calls it.
_LOVED = ("Loved", "Favorited")


def parse_itunes(data: bytes) -> tuple[SongList, ...]:
    """The playlists that a person keeps, and the songs they marked as loved.

    Raises:
        NotAList: it is not such a file, or declares entities.
    """
    try:
        top = plistlib.loads(data, fmt=plistlib.FMT_XML)
    except (ExpatError, ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise NotAList from error
    if not isinstance(top, dict) or not isinstance(top.get("Tracks"), dict):
        raise NotAList
    tracks = {str(key): value for key, value in top["Tracks"].items() if isinstance(value, dict)}
    lists = _dicts(top.get("Playlists"))
    loved = tuple(
        _entry(track) for track in tracks.values() if any(track.get(key) for key in _LOVED)
    )
    liked = [SongList(loved, "Loved", key="loved", is_liked=True)] if loved else []
    return (*_lists(lists, tracks), *liked)


def _lists(
    lists: list[dict[str, Any]], tracks: Mapping[str, Mapping[str, Any]]
) -> Iterator[SongList]:
    for number, item in enumerate(lists):
        if any(item.get(key) for key in _NOT_KEPT):
            continue
        ids = [str(entry.get("Track ID")) for entry in _dicts(item.get("Playlist Items"))]
        entries = tuple(_entry(tracks[key]) for key in ids if key in tracks)
        key = item.get("Playlist Persistent ID") or item.get("Playlist ID") or f"number {number}"
        yield SongList(entries, _text(item.get("Name")), key=str(key).replace("/", " "))


def _entry(track: Mapping[str, Any]) -> Entry:
    place = _text(track.get("Location"))
    artist, title = _text(track.get("Artist")), _text(track.get("Name"))
    album, seconds = _text(track.get("Album")), seconds_of(track.get("Total Time"))
    return Entry(
        (place,) if place else (),
        called(artist, title),
        named(artist, title, album=album, seconds=seconds),
    )


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return (value.strip() or None) if isinstance(value, str) else None
