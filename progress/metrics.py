"""Metrics: the counts and histograms of a hub, and their text for Prometheus (format 0.0.4)."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Histogram:
    """How many observations were at most each bound, as Prometheus counts them."""

    bounds: tuple[float, ...]
    #: Observations between each bound and the one before it, and beyond the last; not summed up.
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(slots=True)
class HubMetrics:
    """Counts since the hub began.

    The hub's thread alone changes them, but for `refused`: threads of requests change it, under the
    lock of `progress.hub.admission`.
    """

    #: Streams that began.
    opened: int = 0
    #: Streams that were refused because the account or the process had too many.
    refused: int = 0
    #: Events times the readers they were sent to, replays apart.
    deliveries: int = 0
    #: Cursors after which events are missing: a snapshot was sent instead.
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


def exposition(metrics: HubMetrics, *, open_streams: int) -> str:
    """All metrics of a hub, for a view or a server that Prometheus asks."""
    return "".join(f"{line}\n" for line in _lines(metrics, open_streams))


def _lines(metrics: HubMetrics, open_streams: int) -> Iterator[str]:
    yield from _number("streams_open", "gauge", "Streams that are open.", open_streams)
    for name, text, count in (
        ("streams_opened", "Streams that began.", metrics.opened),
        ("streams_refused", "Streams refused for the caps.", metrics.refused),
        ("streams_revoked", "Streams ended by a sign-out or a new password.", metrics.revoked),
        ("deliveries", "Events times the streams they were written to.", metrics.deliveries),
        ("gaps", "Cursors answered with a snapshot.", metrics.gaps),
        ("slow_drops", "Streams dropped because they took nothing.", metrics.slow_drops),
        ("redis_reconnects", "Times the log's server was lost.", metrics.reconnects),
    ):
        yield from _number(f"{name}_total", "counter", text, count)
    yield from _histogram("replay_events", "Events of each replay.", metrics.replays)
    yield from _histogram(
        "publish_to_write_seconds",
        "Seconds from an event's time to its first write.",
        metrics.lag_seconds,
    )


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP progress_{name} {text}"
    yield f"# TYPE progress_{name} {kind}"


def _number(name: str, kind: str, text: str, value: int) -> Iterator[str]:
    yield from _head(name, kind, text)
    yield f"progress_{name} {value}"


def _histogram(name: str, text: str, histogram: Histogram) -> Iterator[str]:
    yield from _head(name, "histogram", text)
    so_far = 0
    for bound, count in zip((*histogram.bounds, "+Inf"), histogram.counts, strict=True):
        so_far += count
        yield f'progress_{name}_bucket{{le="{bound}"}} {so_far}'
    yield f"progress_{name}_sum {histogram.total}"
    yield f"progress_{name}_count {so_far}"
