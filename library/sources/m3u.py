"""M3U, M3U8 and PLS playlists: lines of paths, in whatever encoding they were written. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from .encodings import is_text, lines_of, readings
from .lists import Entry, Exists, SongList

#: The encoding is chosen after at most this many entries with letters beyond ASCII.
_ENTRIES_TRIED = 200

_PLS_LINE = re.compile(r"(file|title)(\d{1,9})\s*=\s*(.*)", re.IGNORECASE)
_EXTINF = re.compile(r"#EXTINF:[^,]*,(.*)", re.IGNORECASE)


def parse_m3u(data: bytes, exists: Exists = lambda _: False) -> SongList:
    """The playlist in an M3U file's bytes.

    The format names no encoding. Of those that fit the bytes, the one is taken under which
    `exists` knows the most entries; ``surrogateescape`` keeps names that are in none. Where it
    knows none, it is UTF-8, or else that of the West.
    """
    return _best(data, _read_m3u, exists)


def parse_pls(data: bytes, exists: Exists = lambda _: False) -> SongList:
    """The playlist in a PLS file's bytes, its entries in the order of their numbers."""
    return _best(data, _read_pls, exists)


def _best(data: bytes, read: Callable[[str], SongList], exists: Exists) -> SongList:
    texts = list(readings(data))
    lists = [read(text) for text in texts]
    known = [_known(found, exists) for found in lists] if len(lists) > 1 else [1]
    if not any(known) and not is_text(texts[0]):
        return lists[1]
    return lists[known.index(max(known))]


def _known(found: SongList, exists: Exists) -> int:
    doubtful = [entry for entry in found.entries if not entry.places[0].isascii()]
    return sum(exists(entry) for entry in doubtful[:_ENTRIES_TRIED])


def _read_m3u(text: str) -> SongList:
    name = label = None
    entries = []
    for line in lines_of(text):
        if line.upper().startswith("#PLAYLIST:"):
            name = line.partition(":")[2].strip() or None
        elif said := _EXTINF.fullmatch(line):
            label = said[1].strip() or None
        elif line and not line.startswith("#"):
            entries.append(Entry((line,), label))
            label = None
    return SongList(tuple(entries), name)


def _read_pls(text: str) -> SongList:
    files: dict[int, str] = {}
    titles: dict[int, str] = {}
    for line in lines_of(text):
        if said := _PLS_LINE.fullmatch(line):
            (files if said[1].lower() == "file" else titles)[int(said[2])] = said[3].strip()
    numbers = sorted(number for number, place in files.items() if place)
    return SongList(tuple(Entry((files[n],), titles.get(n) or None) for n in numbers))
