"""The memo of a reporter: what it has to repeat to a log that lost it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from ..reports import (
    CountsReport,
    ItemReport,
    NoteReport,
    PartReport,
    PhaseEndReport,
    PhaseReport,
    Report,
    ResultReport,
    StatusReport,
    TotalReport,
)

#: The memo keeps the ends of this many items, the newest ones.
MAX_REMEMBERED = 20_000


class Memo:
    """The newest report of each standing kind, and the items that are over, bounded."""

    def __init__(self) -> None:
        self._status: StatusReport | None = None
        self._part: PartReport | None = None
        self._phase: PhaseReport | None = None
        self._phase_end: PhaseEndReport | None = None
        self._counts: CountsReport | None = None
        self._note: NoteReport | None = None
        self._result: ResultReport | None = None
        self._ended: dict[tuple[str, str], ItemReport] = {}
        self._forgotten = 0
        #: How many items were over when the phase began.
        self._before_phase = 0

    def note(self, reports: Iterable[Report]) -> None:
        """Keep what reports said, in their order."""
        for report in reports:
            if type(report) is ItemReport:
                if report.status.is_end:
                    self._ended[report.item_kind, report.item_id] = report
            else:
                self._note_rare(report)
        while len(self._ended) > MAX_REMEMBERED:
            del self._ended[next(iter(self._ended))]
            self._forgotten += 1

    def _note_rare(self, report: Report) -> None:
        match report:
            case StatusReport():
                self._status = report
            case CountsReport():
                self._counts = report
            case NoteReport():
                self._note = report
            case ResultReport():
                self._result = report
            case PartReport():
                self._part = report
            case PhaseReport():
                self._phase, self._phase_end = report, None
                self._before_phase = self._forgotten + len(self._ended)
            case PhaseEndReport():
                self._phase_end = report

    def again(self, *, total: int, repaired: Iterable[ItemReport], at: float) -> list[Report]:
        """What stands, to be said again. `total` is all that was declared, 0 for nothing.

        What was over before the phase comes before it, so that its part of the fraction is
        what it was.
        """
        before = max(0, self._before_phase - self._forgotten)
        said: list[Report] = [said for said in (self._status, self._part) if said is not None]
        said += islice(self._ended.values(), before)
        if self._phase is not None:
            said.append(self._phase)
        said += islice(self._ended.values(), before, None)
        said += repaired
        if total:
            said.append(TotalReport(total, at))
        standing = (self._phase_end, self._counts, self._note, self._result)
        said += [report for report in standing if report is not None]
        if self._forgotten:
            said.append(CountsReport(self._forgotten + len(self._ended), at, None))
        return said
