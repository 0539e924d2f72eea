"""One log as its readers in this process share it. Used by one thread only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..cursor import Cursor
from ..log import Entry, JobRef, LogRef
from ..reports import is_terminal_json
from ..sse import frame
from .fetcher import Want
from .ring import Ring

#: A new reader is sent a state and at most so many frames that followed it.
_MAX_TAIL = 64


@dataclass(eq=False, slots=True)
class Stream:
    """One reader that is being served."""

    fd: int
    channel: Channel
    ends_at: float
    is_open: bool = True


@dataclass(slots=True)
class Lag:
    """What a reader did not take of what it was sent."""

    #: What of the last write is left; shared with whoever else was sent the same.
    left: memoryview
    #: Its position once that is written; None if it then begins anew, with a state.
    position: int | None
    #: When it last took something.
    took_at: float


@dataclass(eq=False, slots=True)
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
    #: The last position that a message told of.
    heard: Cursor | None = None
    #: Readers that have everything up to `sent`, by their descriptors.
    live: dict[int, Stream] = field(default_factory=dict)
    sent: int = 0
    #: Readers that take less than they are sent.
    lagging: dict[Stream, Lag] = field(default_factory=dict)
    #: Readers of a log that does not exist yet.
    waiting: set[Stream] = field(default_factory=set)
    #: Questions about it that are not answered yet.
    asked: int = 0
    #: Whether its messages are subscribed to, and the questions that wait for that.
    is_followed: bool = False
    unasked: list[Want] = field(default_factory=list)
    #: When the next write is due, when anything was written, and when what came is to be.
    due_at: float = 0.0
    told_at: float = 0.0
    flush_at: float | None = None
    #: When the oldest event was made that is not written yet, where that is measured.
    made_at: float | None = None
    #: When the log was last looked at, its position then, and whether nobody read it.
    looked_at: float = 0.0
    mark: int = 0
    is_idle: bool = False

    @property
    def has_readers(self) -> bool:
        """Whether anybody reads it, or is about to."""
        return bool(self.live or self.lagging or self.waiting or self.asked)

    @property
    def position(self) -> Cursor | None:
        """The position of the newest frame that is kept."""
        return None if self.ring is None else Cursor(self.epoch, self.ring.last)

    @property
    def is_behind(self) -> bool:
        """Whether a message told of a position beyond the newest frame."""
        position = self.position
        return position is not None and self.heard is not None and self.heard > position

    def holds(self, cursor: Cursor) -> bool:
        """Whether all frames after a cursor are kept."""
        return self.ring is not None and self.epoch == cursor.epoch and self.ring.holds(cursor.seq)

    def begin(self, cursor: Cursor) -> None:
        """The log's position is known: frames are kept from here on, and nobody has any."""
        self.live.clear()
        self.epoch = cursor.epoch
        self.ring = Ring(cursor.seq)
        self.sent = self.mark = cursor.seq
        self.snapshot = None
        self.ended = False

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
        """Keep a state at the newest position, to begin readers with."""
        self.snapshot = (frame(document, cursor), cursor.seq)
        self.ended = self.ended or is_over

    def forget_old(self) -> None:
        """Keep only the frames since the last time this was called."""
        if self.ring is not None:
            self.ring.forget_before(min(self.mark, self.sent))
            self.mark = self.ring.last

    def lose(self) -> None:
        """There is no log any more."""
        self.live.clear()
        self.ring = self.snapshot = None
        for lag in self.lagging.values():
            lag.position = None

    def fill(self, after: int, frames: Sequence[bytes], entries: Sequence[Entry]) -> None:
        """Keep of what was read after a position what joins on to the frames that are kept."""
        if self.ring is None:
            return
        missing = self.ring.first - after
        if 0 < missing <= len(frames):
            self.ring.prepend(frames[:missing])
        self.take(entries)

    def opening(self, cursor: Cursor | None) -> tuple[bytes, int] | None:
        """What a new reader is sent first, and where it then is; None if it must be fetched."""
        if self.ring is None:
            return None
        if cursor is not None:
            if cursor.epoch != self.epoch or not self.ring.holds(cursor.seq):
                return None
            return self.ring.since(cursor.seq), self.ring.last
        if self.snapshot is None or not self.ring.holds(self.snapshot[1]):
            return None
        state, position = self.snapshot
        # Of what is over the end is shown, not how it came.
        if self.ring.last - position > (0 if self.ended else _MAX_TAIL):
            return None
        return state + self.ring.since(position), self.ring.last
