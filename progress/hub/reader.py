"""A stream that a client asked for, before and after it has a descriptor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..cursor import Cursor
from ..log import LogRef


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """A stream that a client asked for and may read. It is not tied to a descriptor."""

    ref: LogRef
    #: The stream begins after this position; None asks for a state first.
    cursor: Cursor | None = None
    #: Bytes that the hub writes before any frame, such as the head of the response.
    first: bytes = b""
    #: When the application was asked whether the account may read, in seconds of
    #: `time.monotonic` (the same clock in all processes of a machine). A hub that heard of a
    #: sign-out later than this does not begin the stream.
    authorized_at: float = float("inf")

    def preceded_by(self, head: bytes) -> StreamRequest:
        """The same request with a response's head before its first bytes."""
        return replace(self, first=head + self.first)


@dataclass(frozen=True, slots=True)
class Reader:
    """A stream request and the descriptor of the socket that its frames are written to."""

    fd: int
    request: StreamRequest


#: Has another process serve a reader, on a duplicate of its descriptor. Returns whether that
#: process took it.
HandOver = Callable[[Reader], bool]
