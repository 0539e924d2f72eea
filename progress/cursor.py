"""Positions in a log."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import InvalidCursor

#: Redis Stream ids are two unsigned 64-bit integers.
MAX_PART = 2**64 - 1

#: At most 20 digits each and no leading zero, so that each position has one spelling.
_FORM = re.compile(r"(0|[1-9][0-9]{0,19})-(0|[1-9][0-9]{0,19})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A position in a log. In a request it means "everything after this".

    Its text ``<epoch>-<seq>`` is both the event id of a frame and the id of the entry in the Redis
    Stream. An epoch names one incarnation of a log, so positions of different epochs say nothing
    about each other.
    """

    #: The incarnation of the log: the microseconds since 1970 at which it was made, or one more
    #: than the last epoch where that is greater.
    epoch: int
    #: 1, 2, 3 … without holes; 0 is the position before the first event.
    seq: int

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read an untrusted cursor.

        Raises:
            InvalidCursor: it is not two 64-bit decimal integers joined by a hyphen.
        """
        match = _FORM.fullmatch(text)
        if match is None:
            raise InvalidCursor(text)
        epoch, seq = int(match[1]), int(match[2])
        if epoch > MAX_PART or seq > MAX_PART:
            raise InvalidCursor(text)
        return cls(epoch, seq)

    def __str__(self) -> str:
        return f"{self.epoch}-{self.seq}"

    def next(self) -> Cursor:
        """The position one further in the same log."""
        return Cursor(self.epoch, self.seq + 1)


def parse_cursor(text: str | None) -> Cursor | None:
    """An untrusted cursor; None for a malformed one, which is answered as if there were none."""
    if not text:
        return None
    try:
        return Cursor.parse(text)
    except InvalidCursor:
        return None
