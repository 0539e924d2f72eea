"""Entries of lists that are lines: M3U, M3U8 and PLS. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ..sources.lists import Exists, SongList
from ..sources.m3u import encoding_of, parse_m3u, parse_pls, read_m3u, read_pls
from .entries import ListFormat, NewEntry, NewSong, encodable
from .places import PLAIN
from .text import Edit, ListText

_EXTENDED = re.compile(r"(?:^|(?<=\r))\s*#EXT(?:INF:|M3U\s*$)", re.IGNORECASE | re.MULTILINE)
_HAS_ENTRY = re.compile(r"(?:^|(?<=\r))[ \t]*[^#\s]", re.MULTILINE)
_EXTINF = re.compile(r"(?:^|(?<=\r))\s*#EXTINF:", re.IGNORECASE | re.MULTILINE)
_PLS_LINE = re.compile(
    r"(?:^|(?<=\r))[ \t]*(?P<key>file|title|length)(?P<number>\d{1,9})"
    r"(?P<is>[ \t]*=[ \t]*)[^\r\n]*",
    re.IGNORECASE | re.MULTILINE,
)
_PLS_COUNT = re.compile(
    r"(?:^|(?<=\r))[ \t]*numberofentries[ \t]*=[ \t]*(?P<count>\d{1,9})",
    re.IGNORECASE | re.MULTILINE,
)
_PLS_HEAD = re.compile(r"(?:^|(?<=\r))[ \t]*\[playlist\][^\r\n]*", re.IGNORECASE | re.MULTILINE)


def _takes(text: ListText, place: str) -> bool:
    """Whether a place is one line, which no reader takes for a comment or shortens."""
    is_line = place == place.strip() and not re.search(r"[\x00-\x1f\x7f]", place)
    return is_line and not place.startswith("#") and encodable(text, place)


def _seconds(song: NewSong) -> int:
    return -1 if song.duration_seconds is None else round(song.duration_seconds)


def _label(text: ListText, song: NewSong) -> str:
    """What people call the song, with a mark for a letter that the encoding does not have."""
    if encodable(text, song.label):
        return song.label
    return song.label.encode(text.encoding, "replace").decode(text.encoding)


def insert_m3u(text: ListText, entries: Sequence[NewEntry]) -> list[Edit]:
    """The entries' lines at the end; the last line ends as the last line did."""
    is_extended = bool(_EXTINF.search(text.text))
    if not is_extended and not _HAS_ENTRY.search(text.text):
        is_extended = bool(_EXTENDED.search(text.text))
    lines = []
    for entry in entries:
        if is_extended:
            lines.append(f"#EXTINF:{_seconds(entry.song)},{_label(text, entry.song)}")
        lines.append(entry.place)
    return [_after(text, len(text.text), lines)]


def _after(text: ListText, at: int, lines: Sequence[str]) -> Edit:
    """Lines at a place, beginning a line of their own and leaving the next one its own."""
    end = text.line_end
    block = end.join(lines)
    if at == 0 or text.text[:at].endswith(("\n", "\r")):
        return Edit(at, block + end)
    return Edit(at, end + block)


def insert_pls(text: ListText, entries: Sequence[NewEntry]) -> list[Edit]:
    """The entries behind the last one, with the next numbers; and how many there are, if said."""
    known = list(_PLS_LINE.finditer(text.text))
    keys = {match["key"].lower(): match["key"] for match in known}
    divider = known[-1]["is"] if known else "="
    following = max((int(match["number"]) for match in known), default=0) + 1
    lines = []
    for number, entry in enumerate(entries, following):
        said = {"file": entry.place, "title": _label(text, entry.song)}
        said["length"] = str(_seconds(entry.song))
        wanted = keys or {"file": "File", "title": "Title", "length": "Length"}
        lines += [f"{wanted[key]}{number}{divider}{said[key]}" for key in said if key in wanted]
    head = _PLS_HEAD.search(text.text)
    at = known[-1].end() if known else head.end() if head else len(text.text)
    edits = [_after(text, at, lines)]
    count = _PLS_COUNT.search(text.text)
    if count is not None:
        new = str(int(count["count"]) + len(entries))
        edits.append(Edit(count.start("count"), new, count["count"]))
    return edits


def _encoding(read: Callable[[str], SongList]) -> Callable[[bytes, Exists], str]:
    return lambda data, exists: encoding_of(data, read, exists)


M3U = ListFormat(parse_m3u, _encoding(read_m3u), PLAIN, _takes, insert_m3u)
PLS = ListFormat(parse_pls, _encoding(read_pls), PLAIN, _takes, insert_pls)
