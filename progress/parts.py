"""The open parts of an attempt: which of a job's tasks are sent and not over. Pure of any server.

A job is done when all of it is done. Every task announces the tasks it sends before it ends
itself, so that the last one to end finds nothing open any more: one step for each, however
many there are.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Protocol

from .lifecycle import Settlement
from .log import JobRef


@dataclass(frozen=True, slots=True)
class Standing:
    """How an attempt stands when one of its parts has ended."""

    attempt: int
    #: Parts that are not over.
    open: int
    #: How the first part ended that did not succeed.
    outcome: Settlement | None = None
    #: The part belongs to an attempt that a newer one has replaced.
    is_stale: bool = False


class PartBook(Protocol):
    """Keeps the open parts. Every method raises `LogUnavailable` when its server is gone."""

    def announce(self, ref: JobRef, task_id: str, *, attempt: int) -> None:
        """A part is about to be sent, or has begun. The first of a newer attempt replaces all."""
        ...

    def end(
        self, ref: JobRef, task_id: str, *, attempt: int, outcome: Settlement | None = None
    ) -> Standing:
        """A part is over, with the outcome of one that did not succeed. 0 is any attempt."""
        ...


@dataclass(slots=True)
class _Attempt:
    number: int
    open: set[str] = field(default_factory=set)
    outcome: Settlement | None = None


class MemoryPartBook:
    """The open parts of one process's jobs: for tests, and for eager mode."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._attempts: dict[JobRef, _Attempt] = {}

    def announce(self, ref: JobRef, task_id: str, *, attempt: int) -> None:
        """See `PartBook.announce`."""
        with self._lock:
            known = self._attempts.get(ref)
            if known is None or known.number < attempt:
                known = self._attempts[ref] = _Attempt(attempt)
            if known.number == attempt:
                known.open.add(task_id)

    def end(
        self, ref: JobRef, task_id: str, *, attempt: int, outcome: Settlement | None = None
    ) -> Standing:
        """See `PartBook.end`."""
        with self._lock:
            known = self._attempts.setdefault(ref, _Attempt(attempt))
            if 0 < attempt < known.number:
                return Standing(known.number, len(known.open), is_stale=True)
            known.open.discard(task_id)
            known.outcome = known.outcome or outcome
            if not known.open:
                del self._attempts[ref]
            return Standing(known.number, len(known.open), known.outcome)
