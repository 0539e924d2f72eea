"""The open parts of jobs in this process's memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from ..lifecycle import Settlement
from ..log import JobRef
from ..parts import CLOSING, Next, Standing, Window, halts, member_of, number_of


@dataclass(slots=True)
class _Attempt:
    number: int
    open: set[str] = field(default_factory=set)
    outcome: Settlement | None = None
    window: Window | None = None
    #: For each lane (number modulo the window's size) the newest number that was sent.
    lanes: dict[int, int] = field(default_factory=dict)
    #: Whether the closing part is `due`, `opened` or `sent`.
    closing: str = ""
    halted: bool = False

    def follow(self, member: str) -> int | None:
        """The number that follows a part, opened here, where it is not known to be sent."""
        number, window = number_of(member), self.window
        if number is None or window is None:
            return None
        lane = number % window.size
        self.lanes[lane] = max(self.lanes.get(lane, -1), number)
        following = number + window.size
        if self.halted or following >= window.parts or self.lanes[lane] >= following:
            return None
        self.open.add(f"#{following}")
        return following

    def close(self, member: str) -> bool:
        """Whether the closing part is to be sent."""
        if self.closing == "due" and not (self.open or self.outcome or self.halted):
            self.closing = "opened"
            self.open.add(CLOSING)
        return self.closing == "opened" and member != CLOSING


class MemoryPartBook:
    """The open parts of one process's jobs: for tests, and for eager mode."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._attempts: dict[JobRef, _Attempt] = {}

    def open(self, ref: JobRef, task_id: str, *, attempt: int) -> None:
        """See `PartBook.open`."""
        with self._lock:
            known = self._attempts.get(ref)
            if known is None or known.number < attempt:
                self._attempts[ref] = _Attempt(attempt, {member_of(ref, task_id)})

    def announce(self, ref: JobRef, task_id: str, *, attempt: int) -> None:
        """See `PartBook.announce`."""
        with self._lock:
            known = self._of(ref, attempt)
            if known is not None:
                known.open.add(member_of(ref, task_id))

    def fan_out(self, ref: JobRef, window: Window, *, attempt: int) -> bool | None:
        """See `PartBook.fan_out`."""
        with self._lock:
            known = self._of(ref, attempt)
            if known is None:
                return None
            if known.window is None:
                known.window, known.closing = window, "due" if window.closes else ""
                known.lanes = {number: number for number in window.first}
                known.open.update(f"#{number}" for number in window.first)
            return known.window == window

    def sent(self, ref: JobRef, number: int | None, *, attempt: int) -> None:
        """See `PartBook.sent`."""
        with self._lock:
            known = self._of(ref, attempt)
            if known is None or known.window is None:
                return
            if number is None:
                known.closing = "sent"
            else:
                lane = number % known.window.size
                known.lanes[lane] = max(known.lanes.get(lane, -1), number)

    def end(
        self, ref: JobRef, task_id: str, *, attempt: int, outcome: Settlement | None = None
    ) -> Standing:
        """See `PartBook.end`."""
        with self._lock:
            known = self._attempts.get(ref)
            if known is None:
                return Standing(attempt, None, outcome)
            if 0 < attempt < known.number:
                return Standing(known.number, len(known.open), is_stale=True)
            member = member_of(ref, task_id)
            known.open.discard(member)
            known.outcome = known.outcome or outcome
            known.halted = known.halted or halts(outcome)
            following = known.follow(member)
            is_closing = known.close(member) and following is None
            if not known.open:
                del self._attempts[ref]
            next_ = None
            if known.window is not None and (following is not None or is_closing):
                next_ = Next(following, known.window.recipe)
            return Standing(known.number, len(known.open), known.outcome, next=next_)

    def is_open(self, ref: JobRef, task_id: str, *, attempt: int) -> bool | None:
        """See `PartBook.is_open`."""
        with self._lock:
            known = self._of(ref, attempt)
            return None if known is None else member_of(ref, task_id) in known.open

    def forget(self, ref: JobRef) -> None:
        """Forget the open parts of a job's earlier run."""
        with self._lock:
            self._attempts.pop(ref, None)

    def _of(self, ref: JobRef, attempt: int) -> _Attempt | None:
        known = self._attempts.get(ref)
        return known if known is not None and known.number == attempt else None
