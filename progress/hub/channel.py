"""One log as its readers in this process share it, divided by who writes what.

`Kept` has a module of its own. The module `writer` alone writes `Delivery`. `replays` alone writes
`Inquiry` and puts another `Kept` in place. `channels` alone writes `is_idle`. The other modules of
the hub only read them, in the loop's thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..cursor import Cursor
from ..log import LogRef
from .fetcher import Want
from .kept import Kept


@dataclass(eq=False, slots=True)
class Stream:
    """One reader that is being served."""

    fd: int
    channel: Channel
    #: When its life is over, in seconds of `time.monotonic`.
    ends_at: float
    is_open: bool = True


@dataclass(slots=True)
class Lag:
    """The part of a write that a reader did not take."""

    #: The bytes that are left; readers that were sent the same share them.
    left: memoryview
    #: The reader's position once these bytes are written; None if a state has to follow them.
    position: int | None
    #: When the reader last took something.
    took_at: float


@dataclass(eq=False, slots=True)
class Delivery:
    """Which readers have which frames, and when the next are written."""

    #: Readers that have everything up to `sent`, by their descriptors.
    live: dict[int, Stream] = field(default_factory=dict)
    sent: int = 0
    #: Readers that take less than they are sent.
    lagging: dict[Stream, Lag] = field(default_factory=dict)
    #: When anything was last written to all readers.
    told_at: float = 0.0
    #: When the next write is due, which is kept after a write so that the next event waits for it.
    due_at: float = 0.0
    #: When the frames that wait are written; None where none wait.
    flush_at: float | None = None
    #: When the oldest event that waits was made, in seconds since 1970, where that is measured.
    made_at: float | None = None


@dataclass(eq=False, slots=True)
class Inquiry:
    """The questions to the log, and the readers that wait for it to exist."""

    #: Readers of a log that does not exist yet. A dict without values: it is smaller than a set.
    early: dict[Stream, None] = field(default_factory=dict)
    #: How many questions are not answered yet.
    asked: int = 0
    #: Whether the log's messages are subscribed to, and the questions that wait for that.
    is_followed: bool = False
    unasked: tuple[Want, ...] = ()
    #: The last position that a message told and that is not kept.
    heard: Cursor | None = None
    #: When the log was last asked whether a message was missed, or needed not to be asked.
    looked_at: float = 0.0
    #: What was kept when the channel was last tended.
    tended_at: Cursor | None = None


@dataclass(eq=False, slots=True)
class Channel:
    """One log, what is kept of it, and its readers."""

    ref: LogRef
    delivery: Delivery = field(default_factory=Delivery)
    inquiry: Inquiry = field(default_factory=Inquiry)
    #: None until the log's position is known.
    kept: Kept | None = None
    #: Whether it had no reader when it was last tended.
    is_idle: bool = False

    @property
    def has_readers(self) -> bool:
        """Whether it has a reader, or a question whose answer may be for one."""
        delivery, inquiry = self.delivery, self.inquiry
        return bool(delivery.live or delivery.lagging or inquiry.early or inquiry.asked)
