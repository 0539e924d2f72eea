"""What a hub keeps of one log: its newest frames, and a state to begin readers with. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..cursor import Cursor
from ..events import WAITING_STATUSES, FeedSnapshot, JobStatus, Snapshot
from ..log import Entry
from ..reports import is_terminal_json, waits_json
from ..sse import frame
from .ring import Ring

#: A new reader is sent a state and at most this many frames that followed it.
_MAX_TAIL = 64
#: How an item event begins.
_ITEM = b'{"type":"item"'


class Kept:
    """The newest frames of a log from one position on, and the newest state that was asked for."""

    __slots__ = ("_can_end", "_mark", "_state", "ended", "epoch", "ring", "waits")

    def __init__(self, cursor: Cursor, *, can_end: bool) -> None:
        self.epoch = cursor.epoch
        self.ring = Ring(cursor.seq)
        #: Whether the terminal event is kept: nothing follows.
        self.ended = False
        #: Whether the job waits to be begun, or to be begun again.
        self.waits = False
        #: A job's log can end; a feed goes on.
        self._can_end = can_end
        #: A state's frame, and the position at which the state holds.
        self._state: tuple[bytes, int] | None = None
        #: The last position when `forget_old` was called.
        self._mark = cursor.seq

    @property
    def position(self) -> Cursor:
        """The position of the newest frame."""
        return Cursor(self.epoch, self.ring.last)

    def holds(self, cursor: Cursor) -> bool:
        """Whether all frames after a cursor are kept."""
        return self.epoch == cursor.epoch and self.ring.holds(cursor.seq)

    def take(self, entries: Sequence[Entry]) -> bool:
        """Keep the entries that join on; False where something is missing before them."""
        ring = self.ring
        for entry in entries:
            if entry.cursor.epoch != self.epoch or entry.cursor.seq > ring.last + 1:
                return False
            if entry.cursor.seq <= ring.last:
                continue
            ring.push(frame(entry.document, entry.cursor))
            self.ended = self._can_end and is_terminal_json(entry.document)
            waits = waits_json(entry.document)
            if waits is not None:
                self.waits = waits
            elif self.waits and entry.document.startswith(_ITEM):
                self.waits = False  # its task is at work, whether it says "running" or not
        return True

    def fill(self, after: int, frames: Sequence[bytes], entries: Sequence[Entry]) -> None:
        """Keep what joins on, at either end, of what was read after a position."""
        missing = self.ring.first - after
        if 0 < missing <= len(frames):
            self.ring.prepend(frames[:missing])
        self.take(entries)

    def keep_state(self, snapshot: Snapshot | FeedSnapshot, cursor: Cursor) -> None:
        """Keep a state, to begin readers with."""
        self._state = (frame(snapshot.to_json().encode(), cursor), cursor.seq)
        if isinstance(snapshot, FeedSnapshot):
            return
        self.ended = self.ended or snapshot.status.is_terminal
        if cursor == self.position:
            has_begun = snapshot.status is JobStatus.PENDING and snapshot.progress is not None
            self.waits = snapshot.status in WAITING_STATUSES and not has_begun

    def forget_old(self, sent: int) -> None:
        """Keep only the frames that came since the last call, and those after `sent`."""
        self.ring.forget_before(min(self._mark, sent))
        self._mark = self.ring.last

    def opening(self, cursor: Cursor | None) -> tuple[bytes, int] | None:
        """What a new reader is sent first, and its position then; None where it must be fetched."""
        if cursor is not None:
            if not self.holds(cursor):
                return None
            return self.ring.since(cursor.seq), self.ring.last
        if self._state is None or not self.ring.holds(self._state[1]):
            return None
        state, position = self._state
        # A job that is over is shown with its end, without the events that led to it.
        if self.ring.last - position > (0 if self.ended else _MAX_TAIL):
            return None
        return state + self.ring.since(position), self.ring.last
