"""The open parts of jobs in this process's memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from ..lifecycle import Settlement
from ..log import JobRef
from ..parts import Standing


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

    def open(self, ref: JobRef, task_id: str, *, attempt: int) -> None:
        """See `PartBook.open`."""
        with self._lock:
            known = self._attempts.get(ref)
            if known is None or known.number < attempt:
                self._attempts[ref] = _Attempt(attempt, {task_id})

    def announce(self, ref: JobRef, task_id: str, *, attempt: int) -> None:
        """See `PartBook.announce`."""
        with self._lock:
            known = self._attempts.get(ref)
            if known is not None and known.number == attempt:
                known.open.add(task_id)

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
            known.open.discard(task_id)
            known.outcome = known.outcome or outcome
            if not known.open:
                del self._attempts[ref]
            return Standing(known.number, len(known.open), known.outcome)
