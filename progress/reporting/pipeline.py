"""Batches on their way to a log: in a pipeline, or in halves after an error."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain

from ..cursor import Cursor
from ..errors import LogUnavailable, WriteRefused
from ..log import AppendPipeline, JobRef, Log, Receipt, SupportsPipelining
from ..reports import Report


def pipeline_of(log: Log, ref: JobRef, *, attempt: int) -> AppendPipeline:
    """A pipeline for the batches of an attempt.

    Where the log has none, each batch is appended when its receipt is due.
    """
    if isinstance(log, SupportsPipelining):
        return log.pipeline(ref, attempt=attempt)
    return _OneByOne(log, ref, attempt=attempt)


class _OneByOne:
    def __init__(self, log: Log, ref: JobRef, *, attempt: int) -> None:
        self._log = log
        self._ref = ref
        self._attempt = attempt
        self._batches: deque[tuple[Sequence[Report], Cursor | None]] = deque()

    def send(self, reports: Sequence[Report], *, seen: Cursor | None = None) -> None:
        self._batches.append((reports, seen))

    def receipt(self) -> Receipt:
        reports, seen = self._batches.popleft()
        return self._log.append(self._ref, reports, attempt=self._attempt, seen=seen)

    def close(self) -> None:
        self._batches.clear()


def append_halves(
    under_way: deque[list[Report]], append: Callable[[list[Report]], None]
) -> list[Report]:
    """Append the halves of the oldest batch under way, and return the reports that still failed.

    One report may be to blame for an unexpected error: each half that fails is halved again until
    that one is alone.

    Raises:
        LogUnavailable: what is left of the batch is the oldest one under way again.
        WriteRefused: the log takes nothing more of this attempt.
    """
    batch = under_way.popleft()
    parts = _halves(batch)
    failed: list[Report] = [] if parts else batch
    while parts:
        part = parts.pop(0)
        try:
            append(part)
        except LogUnavailable:
            under_way.appendleft([*part, *chain.from_iterable(parts)])
            raise
        except WriteRefused:
            raise
        except Exception:
            parts[:0] = halves = _halves(part)
            failed += [] if halves else part
    return failed


def _halves(batch: list[Report]) -> list[list[Report]]:
    half = len(batch) // 2
    return [batch[:half], batch[half:]] if half else []
