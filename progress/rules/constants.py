"""Every constant of the rules, said once. `script` hands them to the server. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ..events import MAX_SLOWEST_ITEMS, MAX_SNAPSHOT_ITEMS, TERMINAL_STATUSES, ItemStatus, JobStatus


def _item_order() -> Mapping[ItemStatus, int]:
    return MappingProxyType(
        {
            ItemStatus.QUEUED: 1,
            ItemStatus.IN_PROGRESS: 2,
            ItemStatus.SUCCEEDED: 3,
            ItemStatus.FAILED: 3,
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The constants that both twins go by: a different value makes different events."""

    #: A feed carries the progress of one job at most this often; its last one is never lost.
    feed_every_us: int = 250_000
    #: The rate is an average in which a second counts e times less than one this much later.
    rate_memory_seconds: float = 10.0
    #: The rate is taken anew at most this often: shorter spans are noise.
    rate_step_seconds: float = 0.5
    #: A rate is told in parts of this size of an item a second.
    rate_parts: int = 1_000
    #: A fraction is told in parts of this size.
    fraction_parts: int = 10_000
    #: A snapshot lists at most this many items in progress and this many failed ones.
    max_listed: int = MAX_SNAPSHOT_ITEMS
    #: A snapshot lists at most this many of the slowest items.
    max_slowest: int = MAX_SLOWEST_ITEMS
    #: Within an attempt an item goes only to a status with a greater number.
    item_order: Mapping[ItemStatus, int] = field(default_factory=_item_order)
    #: Nothing follows one of these.
    terminal_statuses: frozenset[JobStatus] = TERMINAL_STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBounds:
    """How much is kept of a job's run beside its state: 300 rows and 300 points in all."""

    max_attempts: int = 40
    max_phases: int = 60
    max_parts: int = 200
    #: A series that is full loses every second point, and the time between two points doubles.
    max_points: int = 300
    #: The first points are at least this far apart.
    point_every_us: int = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """How often the server's script tidies up. No event and no state tells these apart."""

    #: A trim drops whole nodes of a hundred entries: it is not worth a call for every event.
    trim_every_events: int = 50
    #: The script says how long a live log's keys last at most this often …
    keep_every_seconds: int = 60
    #: … and at least this many times within the time that they last.
    keeps_in_a_life: int = 10


RULES = Rules()
RUN_BOUNDS = RunBounds()
UPKEEP = Upkeep()

#: An item's status as a batch and an items hash spell it.
ITEM_LETTERS: Mapping[ItemStatus, str] = MappingProxyType(
    {
        ItemStatus.QUEUED: "q",
        ItemStatus.IN_PROGRESS: "p",
        ItemStatus.SUCCEEDED: "s",
        ItemStatus.FAILED: "f",
    }
)

#: The numbers of a job's state, in the order in which they stand in its one field of numbers. A
#: later version adds at the end, and never takes one out.
STATE_NUMBERS = (
    "epoch",
    "seq",
    "attempt",
    "known",
    "succeeded",
    "failed",
    "own_done",
    "total",
    "fraction",
    "phase_index",
    "phase_before",
    "phase_weight",
    "phase_in_all",
    "phase_total",
    "phase_done",
    "phase_over",
    "rate",
    "rate_at",
    "rate_done",
    "began_at",
    "began_done",
    "feed_at",
    "feed_due",
    "kept_at",
    "status_attempt",
    "keyed",
    "running_count",
    "failures_count",
    "slowest_count",
    "slow_least",
    "run_attempt",
    "points",
    "point_at",
    "point_every",
)
