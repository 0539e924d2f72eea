"""Files that hold playlists: which ones do, and what is in them."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path

from ..errors import UnreadableFile
from .itunes import parse_itunes
from .jspf import parse_jspf
from .lists import Exists, NotAList, SongList
from .m3u import parse_m3u, parse_pls
from .xml_lists import parse_wpl, parse_xspf

#: Larger than any playlist; what is larger is something else.
MAX_PLAYLIST_BYTES = 8 * 1024 * 1024
#: A library of iTunes takes some 2 KB for each song.
MAX_LIBRARY_BYTES = 64 * 1024 * 1024

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
#: Formats of lines, whose encoding is found by looking which files are there.
_OF_LINES = {".m3u": parse_m3u, ".m3u8": parse_m3u, ".pls": parse_pls}
#: Of XML the name says nothing: its head tells whether it holds playlists.
_XML, _HEAD = ".xml", b"<plist"
_OTHERS: dict[str, Callable[[bytes], SongList]] = {
    ".xspf": parse_xspf,
    ".wpl": parse_wpl,
    ".zpl": parse_wpl,
    ".jspf": parse_jspf,
}
#: The endings of files that may hold playlists.
PLAYLIST_SUFFIXES = frozenset((*_OF_LINES, *_OTHERS, _XML))


def parse_file(path: Path, exists: Exists) -> tuple[SongList, ...]:
    """The playlists in a file: of iTunes many or none, of all others one.

    Raises:
        UnreadableFile: the file is no playlist, too large or may not be read.
    """
    suffix = path.suffix.lower()
    data = _read(path, MAX_LIBRARY_BYTES if suffix == _XML else MAX_PLAYLIST_BYTES)
    try:
        if suffix == _XML:
            return parse_itunes(data) if _HEAD in data[:512] else ()
        if suffix in _OTHERS:
            return (_OTHERS[suffix](data),)
    except NotAList as error:
        raise UnreadableFile("The file is not a playlist.") from error
    if b"\0" in data[:64] and not data.startswith(_UTF_16):
        raise UnreadableFile("The file is not a playlist.")
    return (_OF_LINES[suffix](data, exists),)


def _read(path: Path, most_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(512)
            if path.suffix.lower() != _XML or _HEAD in data:
                data += file.read(most_bytes + 1 - len(data))
    except OSError as error:
        raise UnreadableFile(f"The playlist cannot be opened: {error.strerror}.") from error
    if len(data) > most_bytes:
        size = most_bytes // (1024 * 1024)
        raise UnreadableFile(f"The file is not a playlist: it is larger than {size} MB.")
    return data
