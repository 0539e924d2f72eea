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


@dataclass(frozen=True, slots=True)
class Begun:
    """What a store says to an execution that begins."""

    #: From 1.
    attempt: int
    #: How the job has ended already: there is nothing to do.
    ended: Settlement | None = None
    #: Somebody asked for the job to be cancelled before it began.
    cancel_requested: bool = False


class JobStore(Protocol):
    """The truth about a job's status: the application's own rows. Written before the log."""

    def begin(self, job_id: str, /, *, continues: bool) -> Begun:
        """An execution begins.

        `continues` says that it takes the place of the execution before it (a chord's body,
        a replaced task) rather than doing its work again: the attempt stays.
        """
        ...

    def retrying(self, job_id: str, /, *, attempt: int) -> None:
        """A passing fault has the job wait for its next attempt."""
        ...

    def finish(self, job_id: str, /, *, attempt: int, settlement: Settlement) -> Settlement | None:
        """Make a job terminal; how it has ended in truth, which may be otherwise and earlier.

        None when a newer attempt has begun: the job goes on without this one.
        """
        ...


class NoStore:
    """For applications that keep no rows: the log alone knows."""

    def begin(self, _job_id: str, /, *, continues: bool) -> Begun:
        """See `JobStore.begin`: the queue counts the attempts, and nothing is known to be over."""
        del continues
        return Begun(attempt=0)

    def retrying(self, _job_id: str, /, *, attempt: int) -> None:
        """See `JobStore.retrying`."""

    def finish(self, _job_id: str, /, *, attempt: int, settlement: Settlement) -> Settlement | None:
        """See `JobStore.finish`."""
        del attempt
        return settlement
