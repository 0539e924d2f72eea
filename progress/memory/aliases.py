"""Ids that lead to jobs in this process's memory, and the sums of jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from ..aliases import Sent, SumRef
from ..cursor import Cursor
from ..events import Snapshot
from ..log import JobRef
from ..rules.sums import State, sum_of
from .record import Record


class MemoryAliases:
    """The part of the log in memory that knows ids. The log holds its lock meanwhile.

    Args:
        record: The record of a job; None without a log.
    """

    def __init__(self, record: Callable[[JobRef], Record | None]) -> None:
        self._record = record
        self._leads: dict[JobRef, JobRef] = {}
        #: The jobs of each sum, and whether each is still awaited.
        self._sums: dict[SumRef, dict[str, bool]] = {}

    def note(self, sent: Sent) -> None:
        """See `SupportsAliases.note_sent`."""
        if sent.job is not None:
            for name in sent.aliases:
                self._leads[JobRef(sent.job.account, name)] = sent.job
        if sent.sum is None:
            return
        for name in sent.sum_aliases:
            self._leads[JobRef(sent.sum.account, name)] = sent.sum
        jobs = self._sums.setdefault(sent.sum, {})
        for name in sent.awaited:
            jobs.setdefault(name, True)
        if sent.job is not None:
            jobs[sent.job.job_id] = False

    def leads_to(self, ref: JobRef) -> JobRef:
        """Where an id leads."""
        target = self._leads.get(ref, ref)
        # A chord's body is a job of its own in the chord's sum.
        is_own = not isinstance(target, SumRef) and self._record(ref) is not None
        return ref if is_own else target

    def jobs(self, ref: SumRef) -> dict[str, bool]:
        """The ids of a sum's jobs, and whether each is still awaited."""
        return dict(sorted(self._sums.get(ref, {}).items()))

    def sum(self, ref: SumRef) -> State | None:
        """A sum's state and position."""
        jobs = self.jobs(ref)
        states = {name: self._state(JobRef(ref.account, name)) for name in jobs}
        awaited = frozenset(name for name, is_awaited in jobs.items() if is_awaited)
        return sum_of(ref.job_id, states, awaited=awaited)

    def _state(self, ref: JobRef) -> tuple[Snapshot, Cursor] | None:
        record = self._record(ref)
        if record is None or record.snapshot is None:
            return None
        return cast("Snapshot", record.snapshot), record.end
