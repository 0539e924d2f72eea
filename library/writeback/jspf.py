"""Entries of JSPF lists: JSON, into whose array of tracks they are put as the last one is written.

Pure. The text is walked by the standard decoder, which tells where each value ends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from ..sources.jspf import parse_jspf
from ..sources.lists import Exists
from .entries import ListFormat, NewEntry
from .errors import NotWritable
from .places import URI
from .text import Edit, ListText

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(strict=False)
_FIELDS = ("location", "title", "creator", "album", "duration")


def insert_jspf(text: ListText, entries: Sequence[NewEntry]) -> list[Edit]:
    """The entries behind the last track, with the fields that the last track has."""
    raw = text.text
    playlist = _member(raw, _skip(raw, 0), "playlist")
    array = _member(raw, playlist, "track") if playlist is not None else None
    if array is None or raw[array] != "[":
        raise NotWritable("The list has no place for songs: its tracks are missing.")
    values = list(_values(raw, array))
    if not values:
        block = ", ".join(_written(entry, "", None) for entry in entries)
        return [Edit(array + 1, block)]
    begin, end = values[-1]
    last = raw[begin:end]
    before = raw[_before(raw, begin) : begin]
    if len(values) == 1 and not before:
        before = _comma(last)[1:]
    block = "".join(f",{before}{_written(entry, last, raw)}" for entry in entries)
    return [Edit(end, block)]


def _comma(last: str) -> str:
    """The comma between two fields of an object, and the blank behind it."""
    return ", " if not last or re.search(r",[ \t]", last) else ","


def _before(raw: str, at: int) -> int:
    return len(raw[:at].rstrip(" \t\r\n"))


def _written(entry: NewEntry, last: str, raw: str | None) -> str:
    """A track in JSON, spaced as `last` is and with its fields."""
    song, known = entry.song, json.loads(last, strict=False) if last else None
    said: dict[str, object] = {
        "location": entry.place,
        "title": song.title,
        "creator": song.artist,
        "album": song.album,
        "duration": song.duration_seconds and round(song.duration_seconds * 1000),
    }
    names = [f for f in _FIELDS if f == "location" or known is None or f in known]
    is_ascii = raw is None or raw.isascii()
    inner, outer = _spaces(last)
    colon = ": " if not last or re.search(r'"\s*:\s', last) else ":"
    begin, end = _around_location(last)
    parts = [
        f'{inner}"{name}"{colon}{begin}{written}{end}'
        if name == "location"
        else f'{inner}"{name}"{colon}{written}'
        for name in names
        if said[name] and (written := json.dumps(said[name], ensure_ascii=is_ascii))
    ]
    comma = "," if inner else _comma(last)
    return f"{{{comma.join(parts)}{outer}}}"


def _around_location(last: str) -> tuple[str, str]:
    """What stands before and behind the place of a track: an array's brackets, where it has one."""
    at = _member(last, 0, "location") if last else None
    if at is None or last[at] not in '"[':
        return "[", "]"
    if last[at] == '"':
        return "", ""
    inner, outer = _spaces(last[at : _DECODER.raw_decode(last, at)[1]])
    return f"[{inner}", f"{outer}]"


def _spaces(last: str) -> tuple[str, str]:
    """What stands before the first part of an object or array, and before its end."""
    if not last:
        return "", ""
    inner = _SPACE.match(last, 1)
    assert inner is not None  # noqa: S101 - it matches nothing at least
    return inner[0], last[_before(last, len(last) - 1) : -1]


def _skip(raw: str, at: int) -> int:
    found = _SPACE.match(raw, at)
    return found.end() if found else at


def _member(raw: str, at: int, name: str) -> int | None:
    """Where the value of an object's member begins; of several, the last, as a reader has it."""
    if at >= len(raw) or raw[at] != "{":
        return None
    found, at = None, _skip(raw, at + 1)
    while raw[at] == '"':
        key, at = _DECODER.raw_decode(raw, at)
        at = _skip(raw, _skip(raw, at) + 1)
        if key == name:
            found = at
        at = _skip(raw, _DECODER.raw_decode(raw, at)[1])
        if raw[at] == ",":
            at = _skip(raw, at + 1)
    return found


def _values(raw: str, at: int) -> Iterator[tuple[int, int]]:
    """Where each value of an array begins and ends."""
    at = _skip(raw, at + 1)
    while raw[at] != "]":
        _, end = _DECODER.raw_decode(raw, at)
        yield at, end
        at = _skip(raw, end)
        if raw[at] == ",":
            at = _skip(raw, at + 1)


def _takes(_text: ListText, place: str) -> bool:
    return place == place.strip() and not any("\ud800" <= c <= "\udfff" for c in place)


def _encoding(data: bytes, _exists: Exists) -> str:
    return json.detect_encoding(data).replace("utf-8-sig", "utf-8")


JSPF = ListFormat(lambda data, _: parse_jspf(data), _encoding, URI, _takes, insert_jspf)
