"""A playlist as a file of one of the formats that players read: M3U8, XSPF and JSPF. Pure.

Places are relative to the folder in which the file is put: the root of the music.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, quote_from_bytes
from xml.sax.saxutils import escape

_NO_XML = re.compile(r"[^\t\n\x20-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A song as a playlist's file names it."""

    #: Its path from the root of the music, or what the playlist called it where it is not there.
    place: str
    title: str
    artist: str | None = None
    album: str | None = None
    duration_seconds: float | None = None


def m3u8(name: str, songs: Iterable[ListedFile]) -> Iterator[bytes]:
    """An extended M3U in UTF-8, which is what M3U8 means to players."""
    yield _line(f"#EXTM3U\n#PLAYLIST:{_plain(name)}")
    for song in songs:
        seconds = -1 if song.duration_seconds is None else round(song.duration_seconds)
        label = f"{song.artist} - {song.title}" if song.artist else song.title
        place = os.fsencode(song.place).replace(b"\r", b" ").replace(b"\n", b" ")
        # A place that begins with a number sign would be a comment.
        place = b"./" + place if place.startswith(b"#") else place
        yield _line(f"#EXTINF:{seconds},{_plain(label)}") + place + b"\n"


def xspf(name: str, songs: Iterable[ListedFile]) -> Iterator[bytes]:
    """XSPF version 1 (xspf.org/spec), whose locations are relative URIs."""
    yield _line(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<playlist version="1" xmlns="http://xspf.org/ns/0/"><title>{_xml(name)}</title><trackList>'
    )
    for song in songs:
        fields = [f"<location>{_xml(_uri(song.place))}</location><title>{_xml(song.title)}</title>"]
        if song.artist:
            fields.append(f"<creator>{_xml(song.artist)}</creator>")
        if song.album:
            fields.append(f"<album>{_xml(song.album)}</album>")
        if song.duration_seconds is not None:
            fields.append(f"<duration>{round(song.duration_seconds * 1000)}</duration>")
        yield _line(f"<track>{''.join(fields)}</track>")
    yield _line("</trackList></playlist>")


def jspf(name: str, songs: Sequence[ListedFile]) -> Iterator[bytes]:
    """JSPF, the same in JSON (xspf.org/jspf)."""
    tracks = [
        {
            "location": [_uri(song.place)],
            "title": song.title,
            "creator": song.artist,
            "album": song.album,
            "duration": song.duration_seconds and round(song.duration_seconds * 1000),
        }
        for song in songs
    ]
    said = [{name: value for name, value in track.items() if value} for track in tracks]
    yield json.dumps({"playlist": {"title": name, "track": said}}, indent=1).encode()


def _uri(place: str) -> str:
    # A colon in the first part of a relative path would make a scheme of it (RFC 3986, 4.2).
    text = quote_from_bytes(os.fsencode(place), safe="/")
    return text if not place.startswith("/") else f"file://{quote(place, errors='surrogateescape')}"


def _plain(text: str) -> str:
    """Text for one line, without what cannot be encoded."""
    return " ".join(text.splitlines()).encode("utf-8", "replace").decode()


def _xml(text: str) -> str:
    """Text as XML 1.0 takes it: most control characters can be written in no way at all."""
    return escape(_NO_XML.sub(" ", text.encode("utf-8", "replace").decode()))


def _line(text: str) -> bytes:
    return text.encode("utf-8", "replace") + b"\n"
