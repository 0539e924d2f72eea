"""M3U and M3U8 playlists: lines of paths, in whatever encoding they were written. Pure."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

#: Tried in this order; the one whose entries name the most existing files is right.
ENCODINGS = ("utf-8", "cp1252", "cp1251", "shift_jis", "gb18030", "latin-1")

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class M3u:
    """A parsed playlist."""

    #: From ``#PLAYLIST:``, if it says so.
    name: str | None
    #: Paths or ``file://`` URLs as they stand there, with ``/`` between folders.
    entries: tuple[str, ...]


def parse(data: bytes, exists: Callable[[str], bool] = lambda _: False) -> M3u:
    """The playlist in a file's bytes.

    The format names no encoding. Of those that fit the bytes, the one is taken under which
    `exists` knows the most entries; ``surrogateescape`` keeps names that are in none.
    """
    readings = [_read(text) for text in _decodings(data)]
    return max(readings, key=lambda reading: sum(exists(entry) for entry in reading.entries))


def _decodings(data: bytes) -> Iterator[str]:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            yield data[len(bom) :].decode(encoding, "replace")
            return
    yield data.decode("utf-8", "surrogateescape")
    for encoding in ENCODINGS[1:]:
        try:
            yield data.decode(encoding)
        except UnicodeDecodeError:
            continue


def _read(text: str) -> M3u:
    name = None
    entries = []
    # Not str.splitlines, which also divides at characters that names may hold.
    for raw in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        line = raw.strip()
        if line.upper().startswith("#PLAYLIST:"):
            name = line.partition(":")[2].strip() or None
        elif line and not line.startswith("#"):
            entries.append(_path(line))
    return M3u(name, tuple(entries))


def _path(line: str) -> str:
    """The path an entry means: of a ``file:`` URL decoded, of Windows with its slashes turned."""
    if line.lower().startswith("file:"):
        path = line[5:]
        if path.startswith("//"):
            path = "/" + path[2:].partition("/")[2]
        raw = unquote_to_bytes(path.encode("utf-8", "surrogateescape"))
        return raw.decode("utf-8", "surrogateescape")
    return line.replace("\\", "/")
