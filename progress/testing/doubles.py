"""Doubles: a clock that stands still, a log that fails as told."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ..cursor import Cursor
from ..errors import LogUnavailable
from ..events import FeedSnapshot, Snapshot
from ..log import (
    Entry,
    FeedRef,
    Gap,
    JobRef,
    Log,
    LogRef,
    Messages,
    Position,
    Receipt,
    SupportsCancel,
    SupportsResume,
    SupportsRevocation,
    SupportsRun,
)
from ..memory import MemoryLog
from ..reports import Report
from ..run import Run

T = TypeVar("T")


@dataclass
class ManualClock:
    """A clock that stands still until it is moved. Seconds since 1970."""

    seconds: float = 1_790_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self.seconds += seconds

    def microseconds(self) -> int:
        """The same time in microseconds."""
        return round(self.seconds * 1_000_000)


class ForgetfulLog(MemoryLog):
    """A log in memory that a test has lose entries, as a server does that was emptied."""

    def forget(self, ref: LogRef) -> None:
        """Lose a log."""
        with self._lock:
            if isinstance(ref, FeedRef):
                self._feeds.pop(ref, None)
                return
            self._jobs.pop(ref, None)
            self._early_cancels.discard(ref)

    def forget_entries(self, ref: JobRef) -> None:
        """Lose a job's events and keep its state."""
        with self._lock:
            if ref in self._jobs:
                self._jobs[ref].record.entries.clear()

    def forget_items(self, ref: JobRef) -> None:
        """Lose what is known of a job's items and keep its state."""
        with self._lock:
            if ref in self._jobs:
                self._jobs[ref].state.items.clear()


class _Able(Log, SupportsRevocation, SupportsCancel, SupportsResume, SupportsRun, Protocol):
    """A log with the abilities that `FaultyLog` passes on."""


class FaultyLog(Log, SupportsRevocation, SupportsCancel, SupportsResume, SupportsRun):
    """A log that fails as it is told, around one that works. For tests of what uses a log.

    `fail_next` and `lose_answers` count calls of any method; `delay_seconds` holds up each. It has
    no leases and no parts: `install` keeps them in memory.
    """

    def __init__(self, log: _Able) -> None:
        self.log = log
        #: This many of the next calls raise `LogUnavailable` and do nothing.
        self.fail_next = 0
        #: This many of the next calls are done and raise `LogUnavailable`: the answer was lost.
        self.lose_answers = 0
        self.delay_seconds = 0.0
        #: An exception that every call raises instead, as a bug would.
        self.error: Exception | None = None
        #: The number of calls so far.
        self.calls = 0

    def append(
        self, ref: JobRef, reports: Sequence[Report], *, attempt: int, seen: Cursor | None = None
    ) -> Receipt:
        """See `Log.append`."""
        return self._call(lambda: self.log.append(ref, reports, attempt=attempt, seen=seen))

    def snapshot(self, ref: LogRef) -> tuple[Snapshot | FeedSnapshot, Cursor] | None:
        """See `Log.snapshot`."""
        return self._call(lambda: self.log.snapshot(ref))

    def position(self, ref: LogRef) -> Position | None:
        """See `Log.position`."""
        return self._call(lambda: self.log.position(ref))

    def read(self, ref: LogRef, *, after: Cursor, limit: int = 1_000) -> Sequence[Entry] | Gap:
        """See `Log.read`."""
        return self._call(lambda: self.log.read(ref, after=after, limit=limit))

    def messages(self) -> Messages:
        """See `Log.messages`."""
        return self._call(self.log.messages)

    def revoke(self, account: str) -> None:
        """See `SupportsRevocation.revoke`."""
        self._call(lambda: self.log.revoke(account))

    def request_cancel(self, ref: JobRef) -> None:
        """See `SupportsCancel.request_cancel`."""
        self._call(lambda: self.log.request_cancel(ref))

    def cancel_requested(self, ref: JobRef) -> bool:
        """See `SupportsCancel.cancel_requested`."""
        return self._call(lambda: self.log.cancel_requested(ref))

    def has_succeeded(self, ref: JobRef, items: Sequence[tuple[str, str]]) -> Sequence[bool]:
        """See `SupportsResume.has_succeeded`."""
        return self._call(lambda: self.log.has_succeeded(ref, items))

    def run(self, ref: JobRef) -> Run | None:
        """See `SupportsRun.run`."""
        return self._call(lambda: self.log.run(ref))

    def _call(self, do: Callable[[], T]) -> T:
        self.calls += 1
        time.sleep(self.delay_seconds)
        if self.error is not None:
            raise self.error
        if self.fail_next > 0:
            self.fail_next -= 1
            raise LogUnavailable("The log was told to fail.")
        answer = do()
        if self.lose_answers > 0:
            self.lose_answers -= 1
            raise LogUnavailable("The log was told to lose its answer.")
        return answer
