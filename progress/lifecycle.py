"""How the outcome of a task becomes the status of its job. Pure of any task queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .events import JobStatus


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a job ends, and why, in words fit for the person whose job it is."""

    status: JobStatus
    message: str | None = None
    code: str | None = None


class JobStore(Protocol):
    """The truth about a job's status: the application's own rows. Written before the log."""

    def begin(self, job_id: str, /, *, continues: bool) -> int | None:
        """An execution begins; its attempt, counted from 1, or None when the job is over.

        `continues` says that it takes the place of the execution before it (a chord's body,
        a replaced task) rather than doing its work again: the attempt stays.
        """
        ...

    def finish(self, job_id: str, /, *, attempt: int, settlement: Settlement) -> Settlement | None:
        """Make a job terminal; how it has ended in truth, which may be otherwise and earlier.

        None when a newer attempt has begun: the job goes on without this one.
        """
        ...


class NoStore:
    """For applications that keep no rows: the log alone knows."""

    def begin(self, _job_id: str, /, *, continues: bool) -> int | None:
        """See `JobStore.begin`: whatever the queue says, or the first attempt."""
        del continues
        return 1

    def finish(self, _job_id: str, /, *, attempt: int, settlement: Settlement) -> Settlement | None:
        """See `JobStore.finish`."""
        del attempt
        return settlement
