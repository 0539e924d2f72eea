"""A hub's figures in Prometheus' text format, version 0.0.4. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .figures import Histogram, HubFigures

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(figures: HubFigures, *, open_streams: int) -> str:
    """All figures of a hub, for a view or a server that Prometheus asks."""
    return "".join(f"{line}\n" for line in _lines(figures, open_streams))


def _lines(figures: HubFigures, open_streams: int) -> Iterator[str]:
    yield from _number("streams_open", "gauge", "Streams that are open.", open_streams)
    for name, text, count in (
        ("streams_opened", "Streams that began.", figures.opened),
        ("streams_refused", "Streams refused for the caps.", figures.refused),
        ("streams_revoked", "Streams ended by a sign-out or a new password.", figures.revoked),
        ("deliveries", "Events times the streams they were written to.", figures.deliveries),
        ("gaps", "Cursors answered with a snapshot.", figures.gaps),
        ("slow_drops", "Streams dropped because they took nothing.", figures.slow_drops),
        ("redis_reconnects", "Times the log's server was lost.", figures.reconnects),
    ):
        yield from _number(f"{name}_total", "counter", text, count)
    yield from _histogram("replay_events", "Events of each replay.", figures.replays)
    yield from _histogram(
        "publish_to_write_seconds",
        "Seconds from an event's time to its first write.",
        figures.lag_seconds,
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
