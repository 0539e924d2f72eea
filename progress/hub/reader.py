"""Who is to be sent a log's events, and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..cursor import Cursor
from ..log import LogRef


@dataclass(frozen=True, slots=True)
class Reader:
    """A stream that is to begin on a descriptor."""

    fd: int
    ref: LogRef
    cursor: Cursor | None = None
    #: Written first: what of the response nobody else writes.
    first: bytes = b""
    #: When its account was asked for, in seconds of `time.monotonic` (the same clock in all
    #: processes of a machine). A sign-out after that ends it.
    authorized_at: float = float("inf")


#: Takes a duplicate of a reader's descriptor elsewhere; whether that was possible.
HandOver = Callable[[Reader], bool]
