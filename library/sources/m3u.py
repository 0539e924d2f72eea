"""M3U, M3U8 and PLS playlists: lines of paths, in whatever encoding they were written. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from .encodings import is_text, lines_of, readings
from .lists import Entry, Exists, SongList, named_by

#: The encoding is chosen after at most this many entries with letters beyond ASCII.
_ENTRIES_TRIED = 200

_PLS_LINE = re.compile(r"(file|title|length)(\d{1,9})\s*=\s*(.*)", re.IGNORECASE)
#: Seconds, which may be followed by what else a program says, and then what the song is called.
_EXTINF = re.compile(r"#EXTINF:\s*(-?\d{0,9}(?:\.\d{1,9})?)[^,]*,(.*)", re.IGNORECASE)


def parse_m3u(data: bytes, exists: Exists = lambda _: False) -> SongList:
    """The playlist in an M3U file's bytes.

    The format names no encoding. Of those that fit the bytes, the one is taken under which
    `exists` knows the most entries; ``surrogateescape`` keeps names that are in none. Where it
    knows none, it is UTF-8, or else that of the West.
    """
    return _best(data, read_m3u, exists)[1]


def parse_pls(data: bytes, exists: Exists = lambda _: False) -> SongList:
    """The playlist in a PLS file's bytes, its entries in the order of their numbers."""
    return _best(data, read_pls, exists)[1]


def encoding_of(data: bytes, read: Callable[[str], SongList], exists: Exists) -> str:
    """The encoding in which a list of lines is read."""
    return _best(data, read, exists)[0]


def _best(data: bytes, read: Callable[[str], SongList], exists: Exists) -> tuple[str, SongList]:
    found: list[tuple[int, str, SongList]] = []
    is_text_at_once = True
    for encoding, text in readings(data):
        entries = read(text)
        known, tried = _known(entries, exists)
        if known == tried > 0:
            # Under no other encoding are more known: a large list is not read under all of them.
            return encoding, entries
        is_text_at_once = is_text_at_once and (bool(found) or is_text(text))
        found.append((known, encoding, entries))
    best = max(found, key=lambda one: one[0])
    if not best[0] and not is_text_at_once:
        best = found[1]
    return best[1], best[2]


def _known(found: SongList, exists: Exists) -> tuple[int, int]:
    """How many of the entries with letters beyond ASCII that are tried `exists` knows, and all."""
    doubtful = [entry for entry in found.entries if not entry.places[0].isascii()]
    tried = doubtful[:_ENTRIES_TRIED]
    return sum(map(exists, tried)), len(tried)


def read_m3u(text: str) -> SongList:
    """The playlist in an M3U file's text."""
    name = label = None
    seconds = ""
    entries = []
    for line in lines_of(text):
        if line.upper().startswith("#PLAYLIST:"):
            name = line.partition(":")[2].strip() or None
        elif said := _EXTINF.fullmatch(line):
            seconds, label = said[1], said[2].strip() or None
        elif line and not line.startswith("#"):
            entries.append(Entry((line,), label, named_by(label, seconds=seconds)))
            label, seconds = None, ""
    return SongList(tuple(entries), name)


def read_pls(text: str) -> SongList:
    """The playlist in a PLS file's text."""
    said: dict[str, dict[int, str]] = {"file": {}, "title": {}, "length": {}}
    for line in lines_of(text):
        if found := _PLS_LINE.fullmatch(line):
            said[found[1].lower()][int(found[2])] = found[3].strip()
    files, titles, lengths = said.values()
    numbers = sorted(number for number, place in files.items() if place)
    return SongList(
        tuple(
            Entry(
                (files[n],), titles.get(n) or None, named_by(titles.get(n), seconds=lengths.get(n))
            )
            for n in numbers
        )
    )
