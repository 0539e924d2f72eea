"""Songs put into a list's bytes, all that is there being kept. Pure.

What comes out is read back by the readers that a sync uses: it is the old list, and then the new
songs. What does not read back so is not written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..sources.lists import Entry, NotAList, SongList
from ..sources.names import unescaped
from ..sources.places import SongIndex
from .entries import ListFormat, NewEntry, NewSong
from .errors import NotWritable
from .jspf import JSPF
from .lines import M3U, PLS
from .places import Named, Style, styles
from .text import ListText
from .xml_lists import WPL, XSPF

_FORMATS = {
    ".m3u": M3U,
    ".m3u8": M3U,
    ".pls": PLS,
    ".xspf": XSPF,
    ".wpl": WPL,
    ".zpl": WPL,
    ".jspf": JSPF,
}
NO_NAME = (
    "Its file cannot be named in this list: the list's encoding or format does not take the name."
)


@dataclass(frozen=True, slots=True)
class Addition:
    """A list with songs put in."""

    #: The list's bytes with them.
    data: bytes
    added: tuple[NewEntry, ...]
    #: The songs that are in the list already.
    already: tuple[NewSong, ...]
    #: The songs that cannot be put in, each with a sentence.
    refused: tuple[tuple[NewSong, str], ...]
    #: How its bytes are read as text.
    encoding: str


def format_of(name: str) -> ListFormat:
    """The format of a list, by its file's name.

    Raises:
        NotWritable: it is one that nothing can be put into.
    """
    suffix = PurePosixPath(name).suffix.lower()
    known = _FORMATS.get(suffix)
    if known is None:
        raise NotWritable(
            "The program that this list belongs to keeps many lists in one file and writes that "
            "anew by itself. Download the list and open it there."
        )
    return known


def add(data: bytes, *, name: str, index: SongIndex, songs: Sequence[NewSong]) -> Addition:
    """A list of a folder with songs at its end, each once.

    Args:
        data: The list as it is.
        name: Its path from the root.
        index: Finds the songs that the list's entries mean, the new ones among them.
        songs: Those that the list is to have.

    Raises:
        NotWritable: nothing can be put into this list without changing what is there.
    """
    form, at = format_of(name), PurePosixPath(name).parent
    found = _read(form, data, index, at)
    text = ListText.of(data, form.encoding(data, lambda entry: index.find(entry, at) is not None))
    meant = [index.find(entry, at) for entry in found.entries]
    named = [
        Named(entry.places[0], unescaped(song))
        for entry, song in zip(found.entries, meant, strict=True)
        if song is not None and entry.places
    ]
    ways = styles(named, at, form.style)
    there, wanted = set(meant), {song.external_id: song for song in songs}
    already = tuple(song for key, song in wanted.items() if key in there)
    new = [song for key, song in wanted.items() if key not in there]
    placed = [(song, _place(song, text, form, ways, index, at)) for song in new]
    added = tuple(NewEntry(song, place) for song, place in placed if place is not None)
    refused = tuple((song, NO_NAME) for song, place in placed if place is None)
    if not added:
        return Addition(data, (), already, refused, text.encoding)
    result = text.edited(form.insert(text, added))
    _require_the_same(form, found, result, added, index, at)
    return Addition(result, added, already, refused, text.encoding)


def _read(form: ListFormat, data: bytes, index: SongIndex, at: PurePosixPath) -> SongList:
    try:
        return form.read(data, lambda entry: index.find(entry, at) is not None)
    except NotAList as error:
        raise NotWritable("The file is not a playlist, or is damaged.") from error


def _place(
    song: NewSong,
    text: ListText,
    form: ListFormat,
    ways: Sequence[Style],
    index: SongIndex,
    at: PurePosixPath,
) -> str | None:
    """How the list names a song's file so that a reader finds it again; None where it cannot."""
    path = unescaped(song.external_id)
    for place in _tried(ways, path, at):
        if form.takes(text, place) and index.find(Entry((place,)), at) == song.external_id:
            return place
    return None


def _tried(ways: Sequence[Style], path: str, at: PurePosixPath) -> Iterator[str]:
    for way in ways:
        yield way.place(path, at)
    first = ways[0].place(path, at)
    # What begins with a number sign is a comment in some formats.
    yield f".{ways[0].divider}{first}"


def _require_the_same(
    form: ListFormat,
    before: SongList,
    data: bytes,
    added: Sequence[NewEntry],
    index: SongIndex,
    at: PurePosixPath,
) -> None:
    """Read a list back: it is what it was, and then the new songs.

    Raises:
        NotWritable: it is not.
    """
    after = _read(form, data, index, at)
    size, find = len(before.entries), _finder(index, at)
    new = [find(entry) for entry in after.entries[size:]]
    is_same = after.entries[:size] == before.entries and after.name == before.name
    if not is_same or new != [entry.song.external_id for entry in added]:
        raise NotWritable(
            "The list would not read as it was with these songs in it, so it is left as it is. "
            "Download it instead."
        )


def _finder(index: SongIndex, at: PurePosixPath) -> Callable[[Entry], str | None]:
    return lambda entry: index.find(entry, at)
