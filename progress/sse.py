"""Frames of a ``text/event-stream``, after the WHATWG HTML standard, §9.2. No I/O here."""

from __future__ import annotations

import random
import re

from .cursor import Cursor

CONTENT_TYPE = "text/event-stream"

#: Against caches, against rewriting on the way, and against nginx's buffering.
HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}

#: A comment: seen by no listener, it keeps the connection and its proxies awake.
PING = b": ping\n\n"

#: In an event stream CR, LF and CRLF end a line, and nothing else does (str.splitlines knows more).
_LINE_END = re.compile(rb"\r\n|\r|\n")


def frame(document: bytes, cursor: Cursor | None) -> bytes:
    """One event. It bears an id only where it has a position in a log."""
    if cursor is not None and b"\n" not in document and b"\r" not in document:
        return b"id: %d-%d\ndata: %b\n\n" % (cursor.epoch, cursor.seq, document)
    data = b"".join(b"data: %b\n" % line for line in _LINE_END.split(document))
    if cursor is None:
        return data + b"\n"
    return b"id: %b\n%b\n" % (str(cursor).encode("ascii"), data)


def retry_hint(*, shortest_ms: int = 1_000, longest_ms: int = 5_000) -> bytes:
    """A hint when to come back, at random, so that a thousand clients do not come at once."""
    return b"retry: %d\n\n" % random.randint(shortest_ms, longest_ms)  # noqa: S311 - no secret
