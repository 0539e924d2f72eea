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
        """Claim a part. Granted where it has no lease, or one that has run out or is vacant."""
        ...

    def renew(self, leases: Iterable[Lease], *, seconds: float) -> Sequence[Lease]:
        """Extend the leases that the same process holds; return those that the book has lost."""
        ...

    def release(self, lease: Lease) -> None:
        """Give a lease back: the execution has ended in good order.

        The lease of another execution stays. A lease that was vacated meanwhile belongs to no other
        execution, so it goes too.
        """
        ...

    def vacate(self, lease: Lease, *, seconds: float) -> None:
        """Make a lease vacant: its process lost the execution. Any process may take the part."""
        ...

    def expired(self, *, claim_seconds: float, limit: int = 100) -> Sequence[Lease]:
        """Leases that have run out, each given to one caller for `claim_seconds`."""
        ...

    def held(self) -> frozenset[JobRef]:
        """The jobs that have at least one lease."""
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
