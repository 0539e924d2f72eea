"""What is put into a list, whatever its format. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..sources.lists import Exists, SongList
from .places import Style
from .text import Edit, ListText


@dataclass(frozen=True, slots=True)
class NewSong:
    """A song that is to be in a list."""

    #: The source's own name for it.
    external_id: str
    title: str
    artist: str | None = None
    album: str | None = None
    duration_seconds: float | None = None

    @property
    def label(self) -> str:
        """Artist and title as lists of lines have them, in one line."""
        text = f"{self.artist} - {self.title}" if self.artist else self.title
        return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", text).strip()


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A song as it is written into one list."""

    song: NewSong
    #: How the list names its file.
    place: str


@dataclass(frozen=True, slots=True)
class ListFormat:
    """A format of lists: how it is read, and how entries are put into it."""

    read: Callable[[bytes, Exists], SongList]
    #: The encoding of a list's bytes.
    encoding: Callable[[bytes, Exists], str]
    #: How a list without entries names files.
    style: Style
    #: Whether a place can stand in a list at all.
    takes: Callable[[ListText, str], bool]
    #: What is to be changed so that entries follow those which are there; raises `NotWritable`.
    insert: Callable[[ListText, Sequence[NewEntry]], list[Edit]]


def encodable(text: ListText, place: str) -> bool:
    """Whether a list's encoding has all letters of a place."""
    try:
        text.bytes_of(place)
    except UnicodeEncodeError:
        return False
    return True
