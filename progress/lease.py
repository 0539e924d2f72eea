"""Leases: which process runs which part of a job, and how others tell that it does no longer.

Every execution of a task takes a lease. The worker's main process renews it for as long as the
execution is under way, so a task that keeps its own process busy keeps its lease. A lease that
somebody sees unrenewed for long enough, by a clock of their own, says that the execution was lost,
whatever the cause. Pure: no server and no clock is asked here.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, runtime_checkable

from .log import JobRef

#: A lease is looked at more often than this before anybody acts on it.
_GAPS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTerms:
    """How long leases last and how often they are looked at, in seconds."""

    #: How long one is seen unrenewed before it is taken for lost. Several renewals may fail.
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
class HeldLease:
    """A lease as it stood when somebody looked. It differs from itself after every renewal."""

    lease: Lease
    #: Rises whenever the lease is taken, renewed, vacated or claimed.
    renewals: int


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer to an execution that asks for a lease."""

    granted: bool
    #: What the book has of the part now.
    held: HeldLease
    #: How often the part was begun, this time included, since it last ended in good order.
    tries: int = 1


class LeaseBook(Protocol):
    """Keeps leases. Every method raises `LogUnavailable` when its server is gone.

    It judges none: no server's clock says whether a holder is alive. A looker judges by a `Vigil`.
    """

    def take(self, lease: Lease, *, instead_of: HeldLease | None = None) -> Grant:
        """Claim a part.

        Granted where it has no lease, a vacant one, the same execution's, or one that still stands
        as `instead_of` says.
        """
        ...

    def renew(self, leases: Iterable[Lease]) -> Sequence[Lease]:
        """Renew the leases that the same process holds; return those that the book has lost."""
        ...

    def release(self, lease: Lease) -> None:
        """Give a lease back: the execution has ended in good order.

        The lease of another execution stays. A lease that was vacated meanwhile belongs to no other
        execution, so it goes too.
        """
        ...

    def vacate(self, lease: Lease) -> None:
        """Make a lease vacant: its process lost the execution. Any process may take the part."""
        ...

    def look(self) -> Sequence[HeldLease]:
        """All leases as they stand."""
        ...

    def claim(self, held: HeldLease) -> bool:
        """Whether a lease still stands as it was seen. It no longer does for anybody else then."""
        ...


def leased_jobs(leases: Iterable[HeldLease]) -> frozenset[JobRef]:
    """The jobs that have at least one lease."""
    return frozenset(held.lease.part.ref for held in leases)


_T = TypeVar("_T", bound=Hashable)


class Vigil(Generic[_T]):
    """What one looker saw at every look, for long enough by its own monotonic clock.

    Only time in which it looked counts: a gap between two looks counts for a third of the time at
    most. So a looker that was stalled for a minute, on a machine that slept perhaps, has four looks
    to take like any other, and a holder that was stalled with it has the time to renew.

    Args:
        seconds: How long is long enough.
    """

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._looked_at: float | None = None
        #: For how long each thing was seen.
        self._seen: dict[_T, float] = {}

    def look(self, things: Iterable[_T], *, now: float) -> Sequence[_T]:
        """Take one look; returns what was there for long enough."""
        last = now if self._looked_at is None else self._looked_at
        gap, self._looked_at = min(now - last, self._seconds / _GAPS), now
        seen = self._seen
        self._seen = {thing: seen[thing] + gap if thing in seen else 0.0 for thing in things}
        # Thirds do not add up to a whole in floating point.
        return [thing for thing, age in self._seen.items() if age >= self._seconds * 0.999_999]

    def forget(self, thing: _T) -> None:
        """Begin anew with one thing."""
        self._seen.pop(thing, None)

    def interrupt(self) -> None:
        """Begin anew with everything: a look has failed."""
        self._seen.clear()
        self._looked_at = None


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
