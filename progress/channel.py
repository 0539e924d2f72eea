"""One log as its readers in this process share it. Used by one thread only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .cursor import Cursor
from .log import Entry, JobRef, LogRef
from .reports import is_terminal_json
from .ring import Ring
from .sse import frame


@dataclass(slots=True)
class Lag:
    """A reader that did not take all it was sent."""

    #: What of the last write is left; shared with whoever else was sent the same.
    left: memoryview
    #: Its position once that is written.
    position: int


@dataclass(slots=True)
class Channel:
    """The newest frames of a log, and who has them."""

    ref: LogRef
    epoch: int = 0
    #: None until the log's position is known.
    ring: Ring | None = None
    #: A state and where it holds, to begin new readers with.
    snapshot: tuple[bytes, int] | None = None
    #: Nothing follows.
    ended: bool = False
    #: Readers, by descriptor, that have everything up to `sent`.
    live: set[int] = field(default_factory=set)
    sent: int = 0
    #: Readers that take less than they are sent.
    lagging: dict[int, Lag] = field(default_factory=dict)
    #: Readers whose next frames are being fetched.
    fetching: int = 0
    wrote_at: float = 0.0
    #: When what came meanwhile is written.
    flush_at: float | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nobody reads it any more."""
        return not (self.live or self.lagging or self.fetching)

    def begin(self, cursor: Cursor) -> None:
        """The log's position is known: frames are kept from here on."""
        self.epoch = cursor.epoch
        self.ring = Ring(cursor.seq)
        self.sent = cursor.seq
        self.snapshot = None

    def take(self, entries: Sequence[Entry]) -> bool:
        """Keep the frames that join on; False where something is missing before them."""
        if self.ring is None:
            return False
        for entry in entries:
            if entry.cursor.epoch != self.epoch or entry.cursor.seq > self.ring.last + 1:
                return False
            if entry.cursor.seq <= self.ring.last:
                continue
            self.ring.push(frame(entry.document, entry.cursor))
            self.ended = isinstance(self.ref, JobRef) and is_terminal_json(entry.document)
        return True

    def keep_snapshot(self, document: bytes, cursor: Cursor, *, is_over: bool) -> None:
        """Keep a state that was read, for as long as the frames after it are kept."""
        if self.ring is None or self.epoch != cursor.epoch:
            self.begin(cursor)
        self.snapshot = (frame(document, cursor), cursor.seq)
        self.ended = self.ended or is_over

    def opening(self, cursor: Cursor | None) -> tuple[bytes, int] | None:
        """What a new reader is sent first, and where it then is; None if it must be fetched."""
        if self.ring is None:
            return None
        if cursor is not None and cursor.epoch == self.epoch and self.ring.holds(cursor.seq):
            return self.after(cursor.seq), self.ring.last
        if cursor is None and self.snapshot is not None and self.ring.holds(self.snapshot[1]):
            state, position = self.snapshot
            return state + self.after(position), self.ring.last
        return None

    def after(self, position: int) -> bytes:
        """All frames after a position that is held; none after the last."""
        if self.ring is None or position >= self.ring.last:
            return b""
        return self.ring.since(position)
