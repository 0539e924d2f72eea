"""What a hub has done so far, in numbers. Read by whoever shows them."""

from __future__ import annotations

import time
from bisect import bisect_left
from dataclasses import dataclass, field


@dataclass(slots=True)
class Histogram:
    """How many observations were at most each bound, as Prometheus counts them."""

    bounds: tuple[float, ...]
    #: Of each bound, and beyond the last: not summed up.
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(slots=True)
class HubFigures:
    """Counts since the hub began. Only its thread changes them."""

    #: Streams that began.
    opened: int = 0
    #: Streams that were refused: the account or the process had too many.
    refused: int = 0
    #: Events times the readers they were sent to, replays apart.
    deliveries: int = 0
    #: Cursors that could not be gone on from: a state was sent instead.
    gaps: int = 0
    #: Readers dropped because they took nothing.
    slow_drops: int = 0
    #: Times the log's server was lost and found again.
    reconnects: int = 0
    #: Streams ended because their account's sessions changed.
    revoked: int = 0
    #: Replays by the number of their events.
    replays: Histogram = field(default_factory=lambda: Histogram((0, 1, 10, 50, 100, 500, 1000)))
    #: Seconds from an event's time to its first write.
    lag_seconds: Histogram = field(
        default_factory=lambda: Histogram(
            (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
        )
    )

    def observe_lag(self, made_at: float | None) -> None:
        """Count a write now of what was made at a time, in seconds since 1970, if it is known."""
        if made_at is not None:
            self.lag_seconds.observe(max(0.0, time.time() - made_at))
