"""The page of events that a stream's frames come to. Pure."""

from __future__ import annotations

import orjson

from ..cursor import Cursor
from ..events import TERMINAL_STATUSES
from ..history import Excerpt
from ..log import Entry
from ..reports import is_terminal_json

_END = b"\n\n"
_STATES = frozenset({"snapshot", "feed"})


class Collected:
    """Takes the bytes of one stream, however they are cut, until they say something.

    Frames without an id are no position in the log: they say nothing here.
    """

    def __init__(self, job_id: str | None, *, limit: int) -> None:
        self._job_id, self._limit = job_id, limit
        self._rest = b""
        self._snapshot: bytes | None = None
        self._cursor: Cursor | None = None
        self._ended = False
        self._entries: list[Entry] = []

    def take(self, data: bytes) -> Excerpt | None:
        """What all frames so far come to; None while they say nothing."""
        frames, end, rest = (self._rest + data).rpartition(_END)
        self._rest = rest
        for frame in frames.split(_END) if end else ():
            if len(self._entries) < self._limit:
                self._take_frame(frame)
        if self._cursor is None:
            return None
        snapshot = self._snapshot.decode() if self._snapshot is not None else None
        return Excerpt(self._job_id, self._cursor, self._ended, snapshot, tuple(self._entries))

    def _take_frame(self, frame: bytes) -> None:
        position, lines = None, []
        for line in frame.split(b"\n"):
            name, _, value = line.partition(b": ")
            if name == b"id":
                position = Cursor.parse(value.decode())
            elif name == b"data":
                lines.append(value)
        if position is None or not lines:
            return
        self._cursor, document = position, b"\n".join(lines)
        head = orjson.loads(document)
        if head["type"] in _STATES:
            self._snapshot, self._entries = document, []
            self._ended = head.get("status") in TERMINAL_STATUSES
        else:
            self._entries.append(Entry(position, document))
            self._ended = self._job_id is not None and is_terminal_json(document)
