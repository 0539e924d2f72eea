"""An item in progress: the block a task puts around the work on one thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from ..events import ItemStatus
from ..fit import fit_text
from ..reports import ItemReport, Report
from .tally import Tally

_WRONG = "Something went wrong here."
#: Reports say how long an item took where that was at least this long.
TOLD_FROM_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where the items of one reporter send their reports, and what else they share."""

    send: Callable[[Report], None]
    tally: Tally
    #: Seconds since 1970.
    clock: Callable[[], float]
    #: Exceptions that stop a task and say nothing of the item it is at.
    passing: tuple[type[Exception], ...]


class ItemContext:
    """An item in progress; see `JobReporter.item`."""

    __slots__ = ("_failure", "_outlet", "_report", "_tolerate")

    def __init__(self, report: ItemReport, outlet: Outlet, tolerate: object) -> None:
        self._report = report
        self._outlet = outlet
        self._tolerate = tolerate
        self._failure: str | None = None

    @property
    def error(self) -> str | None:
        """Why the item failed, after the block; None where it did not."""
        return self._failure

    def fail(self, error: object) -> None:
        """Have the item fail, with a reason fit for the person whose job it is."""
        self._failure = fit_text(error) or _WRONG

    def __enter__(self) -> Self:
        self._outlet.send(self._report)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        tolerated = False
        if exception is not None:
            if self._passes(exception):
                return False
            tolerated = isinstance(exception, _classes(self._tolerate))
            # The text of an exception that is not tolerated may hold arguments and paths.
            self._failure = (fit_text(exception) if tolerated else self._failure) or _WRONG
        failure, begun, outlet = self._failure, self._report, self._outlet
        status = ItemStatus.SUCCEEDED if failure is None else ItemStatus.FAILED
        # Not `_replace`, which costs three times as much.
        at = outlet.clock()
        took_seconds = at - begun.at
        report = ItemReport(
            begun.item_id,
            begun.item_kind,
            status,
            at,
            begun.label,
            begun.item_index,
            begun.item_count,
            failure,
            None if took_seconds < TOLD_FROM_SECONDS else round(took_seconds, 3),
        )
        outlet.tally.note(begun.item_kind, begun.item_id, status)
        outlet.send(report)
        return tolerated

    def _passes(self, exception: BaseException) -> bool:
        """Whether an exception only stops the task, which goes on with the item later."""
        return isinstance(exception, self._outlet.passing) or not isinstance(exception, Exception)


def _classes(given: object) -> tuple[type[BaseException], ...]:
    """The exceptions among what was given as one, or as a tuple of them."""
    found = given if type(given) is tuple else (given,)
    return tuple(
        kind for kind in found if isinstance(kind, type) and issubclass(kind, BaseException)
    )
