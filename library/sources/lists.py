"""Playlists in files, whatever program wrote them: one record for all of their formats. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One song as a list names it."""

    #: The paths or URLs by which the list names its file, the likeliest first.
    places: tuple[str, ...]
    #: Artist and title, or whatever the list calls it.
    label: str | None = None


@dataclass(frozen=True, slots=True)
class SongList:
    """One playlist of a file."""

    entries: tuple[Entry, ...]
    #: What it says its name is. None: the file's name is.
    name: str | None = None
    #: Names it among the lists of its file. Empty: it is the only one.
    key: str = ""
    #: Whether the format itself says that these songs are loved.
    is_liked: bool = False


#: Whether there is a song that an entry names, for formats that do not say their encoding.
Exists = Callable[[Entry], bool]


class NotAList(ValueError):
    """The bytes are no list of the format that they are said to be."""


def called(artist: str | None, title: str | None) -> str | None:
    """What people call a song of this artist and title."""
    said = [text.strip() for text in (artist, title) if text and text.strip()]
    return " – ".join(said) or None
