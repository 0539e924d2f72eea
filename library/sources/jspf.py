"""JSPF playlists: XSPF as JSON, which ListenBrainz and others write. Pure."""

from __future__ import annotations

import json
from typing import Any

from .lists import Entry, NotAList, SongList, called, named, seconds_of


def parse_jspf(data: bytes) -> SongList:
    """The playlist in a JSPF file's bytes.

    Raises:
        NotAList: it is no JSPF.
    """
    try:
        top = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotAList from error
    playlist = top.get("playlist") if isinstance(top, dict) else None
    if not isinstance(playlist, dict):
        raise NotAList
    tracks = playlist.get("track")
    found = tracks if isinstance(tracks, list) else []
    entries = tuple(_entry(track) for track in found if isinstance(track, dict))
    return SongList(entries, _text(playlist.get("title")))


def _entry(track: dict[str, Any]) -> Entry:
    said = track.get("location")
    places = said if isinstance(said, list) else [said]
    artist, title = _text(track.get("creator")), _text(track.get("title"))
    album, seconds = _text(track.get("album")), seconds_of(track.get("duration"))
    return Entry(
        tuple(place for place in map(_text, places) if place),
        called(artist, title),
        named(artist, title, album=album, seconds=seconds),
    )


def _text(value: object) -> str | None:
    # JSON can hold halves of letters, which no database takes.
    text = value.encode("utf-8", "replace").decode().strip() if isinstance(value, str) else ""
    return text or None
