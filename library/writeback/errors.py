"""Why something is not written, in words fit for the person whose list it is."""

from __future__ import annotations

from ..errors import LibraryError


class NotWritable(LibraryError):
    """A list that cannot be written, or a song that cannot be put in; its text says why."""


class Edited(NotWritable):
    """A list that somebody has changed since Earmark looked at it or wrote it."""
