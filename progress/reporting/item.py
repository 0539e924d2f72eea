"""An item in progress: the block a task puts around the work on one thing."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from ..events import ItemStatus
from ..fit import fit_text
from ..reports import ItemReport, Report
from .tally import Tally

_WRONG = "Something went wrong here."


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
        tolerate: object,
        passing: tuple[type[Exception], ...],
    ) -> None:
        self._send = send
        self._tally = tally
        self._clock = clock
        self._report = report
        self._tolerate = _classes(tolerate)
        self._passing = passing
        self._failure: object = None

    def fail(self, error: object) -> None:
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
            failure = fit_text(exception) or _WRONG
        elif exception is not None:
            # Its text may hold what is not for everybody's eyes.
            failure = failure or _WRONG
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
            None if failure is None else fit_text(failure) or _WRONG,
        )
        self._tally.note(report.item_id, status)
        self._send(report)
        return tolerated

    def _passes(self, exception: BaseException) -> bool:
        """Whether it says nothing of the item: the task stops here, to go on with it later."""
        return isinstance(exception, self._passing) or not isinstance(exception, Exception)


def _classes(given: object) -> tuple[type[BaseException], ...]:
    """The exceptions among what was given as one, or as a tuple of them."""
    found = given if type(given) is tuple else (given,)
    return tuple(
        kind for kind in found if isinstance(kind, type) and issubclass(kind, BaseException)
    )
