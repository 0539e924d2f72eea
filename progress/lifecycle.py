"""How the outcome of a task becomes the status of its job. It knows no task queue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from .events import JobStatus
from .fit import fit_text, fit_word
from .log import JobRef
from .reports import ErrorReport, Report, StatusReport


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a job ends, and why, in words fit for the person whose job it is."""

    status: JobStatus
    message: str | None = None
    code: str | None = None
    #: A part of the job has found that the whole of it fails: nothing more of it is to be begun.
    is_final: bool = field(default=False, compare=False)


def reports_of(settlement: Settlement, *, at: float) -> list[Report]:
    """The reports of a job's end: a failure's error, then the terminal status."""
    message = fit_text(settlement.message)
    reports: list[Report] = []
    if settlement.status is JobStatus.FAILED and message:
        reports.append(ErrorReport(message, fit_word(settlement.code, otherwise="failed"), at))
    return [*reports, StatusReport(settlement.status, at, message)]


@dataclass(frozen=True, slots=True)
class Begun:
    """A store's answer to an execution that begins."""

    #: From 1.
    attempt: int
    #: How the job has ended already: the execution has nothing to do.
    ended: Settlement | None = None
    #: Somebody asked for the job to be cancelled before it began.
    cancel_requested: bool = False
    #: A newer attempt has begun: the execution is to do nothing, and to say nothing.
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class Recovery:
    """A store's answer about a job that lost an execution, or that no worker took up."""

    #: The attempt that is over.
    attempt: int
    #: How the job has ended, now or before; None: it is to be sent once more.
    ended: Settlement | None = None


COMPLETED = Settlement(JobStatus.COMPLETED)
CANCELLED = Settlement(JobStatus.CANCELLED)
WORKER_LOST = Settlement(
    JobStatus.FAILED, "The process that did this work was lost. Try again.", "worker_lost"
)


class JobStore(Protocol):
    """The truth about a job's status: the application's own rows. Written before the log.

    A method may raise `StoreUnavailable` where the rows cannot be reached for a moment: tasks
    then ask again for a while, rather than fail.
    """

    def begin(self, job_id: str, /, *, attempt: int) -> Begun:
        """Note that an execution begins, and say in which attempt.

        Above 0, `attempt` says which one it goes on with: it takes the place of the execution
        before it (a chord's body, a replaced task) rather than doing its work again. With 0,
        the next attempt begins.
        """
        ...

    def retrying(self, job_id: str, /, *, attempt: int, in_seconds: float) -> None:
        """Note that a passing fault has the job wait for its next attempt."""
        ...

    def lost(self, job_id: str, /, *, attempt: int) -> Recovery | None:
        """Note that an execution was lost; `attempt` is 0 where it is not known.

        None when that changes nothing: a newer attempt is under way.
        """
        ...

    def overdue(self) -> Iterable[JobRef]:
        """All jobs that have not ended and that a worker should have taken up by now.

        The oldest comes first; the caller reads only as many as it needs.
        """
        ...

    def finish(self, job_id: str, /, *, attempt: int, settlement: Settlement) -> Settlement | None:
        """Make a job terminal; returns how it ended, which may have been earlier and otherwise.

        None when a newer attempt has begun: the job goes on without this one.
        """
        ...


#: Without rows, a job whose process is lost in this attempt or a later one is not sent again.
_MOST_ATTEMPTS = 3


class NoStore:
    """For applications that keep no rows: the log alone knows."""

    def begin(self, _job_id: str, /, *, attempt: int) -> Begun:
        """See `JobStore.begin`: the queue counts the attempts, and nothing is known to be over."""
        return Begun(attempt)

    def retrying(self, _job_id: str, /, *, attempt: int, in_seconds: float) -> None:
        """See `JobStore.retrying`."""

    def lost(self, _job_id: str, /, *, attempt: int) -> Recovery | None:
        """See `JobStore.lost`: it is sent again, where the application can, a few times."""
        return Recovery(attempt, WORKER_LOST if attempt >= _MOST_ATTEMPTS else None)

    def overdue(self) -> Iterable[JobRef]:
        """See `JobStore.overdue`."""
        return ()

    def finish(self, _job_id: str, /, *, attempt: int, settlement: Settlement) -> Settlement | None:
        """See `JobStore.finish`."""
        del attempt
        return settlement
