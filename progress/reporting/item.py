"""An item in progress: the block a task puts around the work on one thing."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from ..events import ItemStatus
from ..reports import ItemReport, Report, bounded_text
from .tally import Tally


class ItemContext:
    """An item in progress; see `JobReporter.item`."""

    __slots__ = ("_clock", "_failure", "_passing", "_report", "_send", "_tally", "_tolerate")

    def __init__(
        self,
        report: ItemReport,
        *,
        send: Callable[[Report], None],
        tally: Tally,
        clock: Callable[[], float],
        tolerate: tuple[type[Exception], ...],
        passing: tuple[type[Exception], ...],
    ) -> None:
        self._send = send
        self._tally = tally
        self._clock = clock
        self._report = report
        self._tolerate = tolerate
        self._passing = passing
        self._failure: str | None = None

    def fail(self, error: str) -> None:
        """Have the item fail, with a reason fit for the person whose job it is."""
        self._failure = error

    def __enter__(self) -> Self:
        self._send(self._report)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if exception is not None and self._passes(exception):
            return False
        tolerated = exception is not None and isinstance(exception, self._tolerate)
        failure = self._failure
        if tolerated:
            failure = str(exception)
        elif exception is not None:
            # Its text may hold what is not for everybody's eyes.
            failure = failure or "Something went wrong here."
        status = ItemStatus.SUCCEEDED if failure is None else ItemStatus.FAILED
        begun = self._report
        # Not `_replace`, which costs three times as much.
        report = ItemReport(
            begun.item_id,
            begun.item_kind,
            status,
            self._clock(),
            begun.label,
            begun.item_index,
            begun.item_count,
            bounded_text(failure),
        )
        self._tally.note(report.item_id, status)
        self._send(report)
        return tolerated

    def _passes(self, exception: BaseException) -> bool:
        """Whether it says nothing of the item: the task stops here, to go on with it later."""
        return isinstance(exception, self._passing) or not isinstance(exception, Exception)
