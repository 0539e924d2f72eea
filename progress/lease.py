"""Leases: which process runs which part of a job, and until when others believe that.

Every execution of a task takes a lease. The worker's main process renews it for as long as the
execution is under way, so a task that keeps its own process busy keeps its lease. A lease that runs
out says that the execution was lost, whatever the cause. Pure: no server is asked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .log import JobRef


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTerms:
    """How long leases last and how often they are looked at, in seconds."""

    #: Several renewals may fail before a lease runs out.
    lease_seconds: float = 15.0
    renew_seconds: float = 4.0
    reap_seconds: float = 4.0
    #: A task that was asked to stop and does not is terminated after this long.
    cancel_seconds: float = 10.0
    #: Executions of one task that may be lost before its job is given up.
    max_tries: int = 3


@dataclass(frozen=True, slots=True)
class Part:
    """One task of a job. Each part has one lease at most."""

    ref: JobRef
    task_id: str


@dataclass(frozen=True, slots=True)
class Lease:
    """One execution's claim to a part of a job."""

    part: Part
    #: The process that runs it; empty where none does and the queue is to deliver it to one.
    process: str
    #: Tells the executions of one process apart; empty where it is not known.
    execution: str = ""
    #: The job's attempt that the message of the task named; 0 where it named none.
    attempt: int = 0

    @property
    def is_vacant(self) -> bool:
        """Whether no process runs the part: its message is in the queue again."""
        return not self.process


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer to an execution that asks for a lease."""

    granted: bool
    #: How much longer the lease of the other execution lasts.
    left_seconds: float = 0.0
    #: How often the part was begun, this time included, since it last ended in good order.
    tries: int = 1


class LeaseBook(Protocol):
    """Keeps leases. Every method raises `LogUnavailable` when its server is gone."""

    def take(self, lease: Lease, *, seconds: float) -> Grant:
        """Claim a part that nobody holds, whose lease has run out, or is vacant."""
        ...

    def renew(self, leases: Iterable[Lease], *, seconds: float) -> Sequence[Lease]:
        """Extend what is held by the same process; the leases the server knows nothing of."""
        ...

    def release(self, lease: Lease) -> None:
        """The execution has ended in good order; of another's lease, nothing changes.

        A lease that was vacated meanwhile, since the task itself was over, is nobody else's.
        """
        ...

    def vacate(self, lease: Lease, *, seconds: float) -> None:
        """The process lost the execution. Whoever the queue gives the part to may take it."""
        ...

    def expired(self, *, claim_seconds: float, limit: int = 100) -> Sequence[Lease]:
        """Leases that have run out, each given to one caller for `claim_seconds`."""
        ...

    def held(self) -> frozenset[JobRef]:
        """The jobs of which anything is leased."""
        ...


@runtime_checkable
class SupportsLeases(Protocol):
    """The ability of a log to keep leases beside it, for all processes that share the log.

    Without it each process keeps its own: a job whose whole process is lost is then found by nobody
    but the queue.
    """

    @property
    def leases(self) -> LeaseBook:
        """The leases of the jobs' tasks."""
        ...
