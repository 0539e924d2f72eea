"""A source's location: a folder's absolute path as text that every database takes."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

_URI = "file://"


def location_of(folder: Path) -> str:
    """The text for a folder: its path, or a ``file:`` URI where the path is no UTF-8.

    A path begins with a slash, so that the two cannot be taken for each other.
    """
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        return folder.as_uri()
    return str(folder)


def folder_at(location: str) -> Path:
    """The folder of a location."""
    if location.startswith(_URI):
        return Path(os.fsdecode(unquote_to_bytes(location.removeprefix(_URI))))
    return Path(location)


def name_of(folder: Path) -> str:
    """A folder's name for people."""
    return shown(folder.name or str(folder))


def shown(name: str) -> str:
    """A file's name for people, with a mark for each byte that is no letter."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
