"""Playlists in files, whatever program wrote them: one record for all of their formats. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..same_song import Named


@dataclass(frozen=True, slots=True)
class Entry:
    """One song as a list names it."""

    #: The paths or URLs by which the list names its file, the likeliest first.
    places: tuple[str, ...]
    #: Artist and title, or whatever the list calls it.
    label: str | None = None
    #: What the list says of the song beside its place, if that is a title and an artist.
    named: Named | None = None


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


#: Between artist and title, where they stand in one text.
_BETWEEN = re.compile(r"\s+[-–—]\s+")
_MOST_SECONDS = 86_400


def named(
    artist: str | None, title: str | None, *, album: str | None = None, seconds: object = None
) -> Named | None:
    """What a list says of a song; None where that does not tell artist and title."""
    if not artist or not title:
        return None
    try:
        length = float(str(seconds))
    except ValueError:
        length = 0.0
    is_known = 0 < length < _MOST_SECONDS
    return Named(title, artist, album=album, duration_seconds=length if is_known else None)


def seconds_of(milliseconds: object) -> float | None:
    """Seconds of milliseconds, however these are written; None where they are none."""
    try:
        return float(str(milliseconds)) / 1_000
    except ValueError:
        return None


def named_by(label: str | None, *, seconds: object = None) -> Named | None:
    """The same, of artist and title in one text."""
    parts = _BETWEEN.split(label.strip(), maxsplit=1) if label else []
    return named(parts[0], parts[1], seconds=seconds) if len(parts) == 2 else None


def called(artist: str | None, title: str | None) -> str | None:
    """What people call a song of this artist and title."""
    said = [text.strip() for text in (artist, title) if text and text.strip()]
    return " – ".join(said) or None
