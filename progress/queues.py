"""Why a job waits: where it was sent, which workers take jobs from there, and what is before it.

A log may keep such a book beside it. Whoever sends a job writes where to; each worker's main
process writes which queues it takes, and, for as long as somebody asks, how much waits in them.
A reader of a stream costs the broker nothing. Pure: no server and no clock is asked here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

from .events import JobWaiting
from .log import JobRef, Log, LogRef


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a job was last sent."""

    queue: str
    #: It is not begun before this, in seconds since 1970; None where it may begin at once.
    due_at: float | None = None


@dataclass(frozen=True, slots=True)
class QueueLook:
    """What waits in a queue, as somebody saw it."""

    messages: int
    #: The jobs that these messages belong to, each once, the next one first; None where the broker
    #: does not tell, or where there are too many.
    jobs: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class QueueState:
    """What is known of a queue."""

    #: How many workers take jobs from it.
    workers: int = 0
    look: QueueLook | None = None


class QueueBook(Protocol):
    """Keeps what tells why jobs wait. Every method raises `LogUnavailable` with its server gone."""

    def sent(self, ref: JobRef, sent: Destination) -> None:
        """A job was sent. Nothing is kept of a job that has no log."""
        ...

    def take(self, worker: str, queues: Sequence[str], *, seconds: float) -> Sequence[str]:
        """A worker takes jobs from these queues; for so many seconds, unless it says so again.

        Returns:
            The queues that this worker is to look into: somebody asks, and no other worker does.
        """
        ...

    def leave(self, worker: str, queues: Sequence[str]) -> None:
        """A worker takes no jobs from these queues any more."""
        ...

    def looked(self, queue: str, look: QueueLook, *, seconds: float) -> None:
        """What waits in a queue; to be believed for so many seconds."""
        ...

    def why(self, refs: Sequence[JobRef]) -> Sequence[JobWaiting | None]:
        """Why each of these jobs waits; None for one that does not, or whose queue is not known."""
        ...


@runtime_checkable
class SupportsQueues(Protocol):
    """The ability of a log to keep beside it why jobs wait.

    Without it, a job that waits is shown as one that waits, without a reason.
    """

    @property
    def queues(self) -> QueueBook:
        """Where jobs were sent, and what is known of the queues."""
        ...


def why_job_waits(log: Log, ref: LogRef) -> JobWaiting | None:
    """Why a job waits; None for one that does not, and where the log does not know.

    Raises:
        LogUnavailable: the log cannot be asked.
    """
    if not isinstance(log, SupportsQueues) or not isinstance(ref, JobRef):
        return None
    return log.queues.why([ref])[0]


def why_waiting(ref: JobRef, sent: Destination, state: QueueState, *, now: float) -> JobWaiting:
    """Why a job waits that was sent to a queue."""
    due_at = sent.due_at if sent.due_at is not None and sent.due_at > now else None
    # A worker takes a message that is due later, and keeps it: it stands in no queue.
    before = None if due_at is not None else _before(ref.job_id, state)
    return JobWaiting(
        job_id=ref.job_id,
        queue=sent.queue,
        workers=state.workers,
        before=before,
        until=None if due_at is None else datetime.fromtimestamp(due_at, UTC),
    )


def _before(job_id: str, state: QueueState) -> int | None:
    look = state.look
    if look is None or not state.workers:
        return None
    if look.jobs is None:
        return max(0, look.messages - 1)
    # One that is not there was taken by a worker meanwhile, which is about to begin it.
    return look.jobs.index(job_id) if job_id in look.jobs else None
