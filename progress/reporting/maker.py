"""Makes reports of a task's values. This is the one place that makes each value fit."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import count
from typing import TypeVar, cast

import orjson

from ..events import ItemStatus, JobStatus
from ..fit import (
    MAX_DETAILS_BYTES,
    MAX_RESULT_BYTES,
    MAX_WORD,
    fit_count,
    fit_id,
    fit_json,
    fit_number,
    fit_text,
    fit_word,
)
from ..reports import (
    CountsReport,
    ErrorReport,
    ItemReport,
    NoteReport,
    PartEndReport,
    PartReport,
    PhaseReport,
    Report,
    ResultReport,
    StatusReport,
    TotalReport,
)

logger = logging.getLogger(__name__)

T = TypeVar("T")


class ReportMaker:
    """The reports of one attempt. Raises nothing; what cannot be made fit is None.

    Args:
        job_id: Named in lines of the process's log.
        part: The number of the task within its job, for the ids of items without a name.
        clock: Seconds since 1970.
    """

    def __init__(self, *, job_id: str, part: str, clock: Callable[[], float]) -> None:
        self._job_id = job_id
        self._part = part
        self._clock = clock
        self._nameless = count(1)
        self._said: set[str] = set()
        self._lock = threading.Lock()

    def begin_anew(self, *, part: str) -> None:
        """In a child after a fork: it is a part of its own, and has a lock of its own."""
        self._part = part
        self._lock = threading.Lock()

    def item(
        self,
        item_id: object,
        status: ItemStatus,
        kind: object,
        label: object = None,
        index: object = None,
        of: object = None,
        error: object = None,
    ) -> ItemReport:
        """An item's report. One whose id names nothing gets an id of its own."""
        return ItemReport(
            fit_id(item_id) or self._own_id(),
            fit_kind(kind),
            status,
            self._clock(),
            None if label is None else fit_text(label),
            None if index is None else self._count("index", index),
            None if of is None else self._count("count", of),
            None if error is None else fit_text(error),
        )

    def status(self, status: object, *, reason: object) -> StatusReport | None:
        """A status' report."""
        found = self.one_of(JobStatus, "status", status)
        return None if found is None else StatusReport(found, self._clock(), fit_text(reason))

    def error(self, message: object, *, code: object) -> ErrorReport:
        """An error's report."""
        word = fit_word(code, otherwise="failed")
        return ErrorReport(fit_text(message) or word, word, self._clock())

    def counts(self, done: object, total: object) -> CountsReport | None:
        """The report of a job that counts by itself."""
        number = self._count("done", done)
        if number is None:
            return None
        return CountsReport(
            number, self._clock(), None if total is None else self._count("total", total)
        )

    def total(self, total: object) -> TotalReport | None:
        """The report of how many items there are."""
        number = self._count("total", total)
        return None if number is None else TotalReport(number, self._clock())

    def note(self, text: object, details: Mapping[str, object] | None) -> NoteReport | None:
        """A note's report; one whose details are too much is told without them."""
        words = fit_text(text)
        if not words:
            self.complain("note", text)
            return None
        beside = fit_json(details, most_bytes=MAX_DETAILS_BYTES) if details else None
        if details and beside is None:
            self._too_large("details", MAX_DETAILS_BYTES)
        return NoteReport(words, self._clock(), beside)

    def result(self, value: object) -> ResultReport | None:
        """A result's report; None for one that is too much."""
        document = fit_json(value, most_bytes=MAX_RESULT_BYTES)
        if document is None:
            self._too_large("result", MAX_RESULT_BYTES)
            return None
        return ResultReport(document, self._clock())

    def made_fit(self, report: Report) -> Report | None:
        """A report that an application has made itself."""
        match report:
            case ItemReport():
                return self._item(report)
            case StatusReport():
                return self.status(report.status, reason=report.reason)
            case ErrorReport():
                return self.error(report.message, code=report.code)
            case TotalReport():
                return self.total(report.total)
            case CountsReport():
                return self.counts(report.done, report.total)
            case PhaseReport():
                return self._phase(report)
            case NoteReport():
                return self.note(report.text, _object(report.details))
            case ResultReport():
                return self.result(_parsed(report.value))
            case PartReport() | PartEndReport():
                return self._of_part(report)
        # The end of a phase is the reporter's own to tell.
        self.complain("report", report)
        return None

    def _item(self, report: ItemReport) -> ItemReport | None:
        status = self.one_of(ItemStatus, "status", report.status)
        if status is None:
            return None
        made = self.item(
            report.item_id,
            status,
            report.item_kind,
            report.label,
            report.item_index,
            report.item_count,
            report.error,
        )
        took = None if report.took_seconds is None else fit_number(report.took_seconds)
        took = None if took is None else round(max(0.0, took), 3)
        return made._replace(at=self._moment(report.at), took_seconds=took)

    def _of_part(self, report: PartReport | PartEndReport) -> PartReport | PartEndReport | None:
        made = PartReport(fit_id(report.part) or "?", self._moment(report.at))
        if isinstance(report, PartReport):
            return made
        outcome = self.one_of(JobStatus, "part's outcome", report.outcome)
        if outcome is None or not outcome.is_terminal:
            return None
        return PartEndReport(made.part, made.at, outcome)

    def _phase(self, report: PhaseReport) -> PhaseReport | None:
        index, of = fit_count(report.phase_index), fit_count(report.phase_count)
        before, weight = fit_weight(report.weight_before), fit_weight(report.weight)
        total = None if report.total is None else self._count("total", report.total)
        if not index or not of:
            self.complain("phase", report.phase_index)
            return None
        in_all = max(before + weight, fit_weight(report.weight_in_all)) or 1.0
        name = fit_text(report.name) or "?"
        return PhaseReport(name, self._moment(report.at), index, of, before, weight, in_all, total)

    def pairs(self, field: str, given: Iterable[object]) -> Iterator[tuple[object, object]]:
        """The pairs among the things that a task gave as pairs."""
        try:
            found = iter(given)
        except TypeError:
            self.complain(field, given)
            return
        for pair in found:
            given_as = cast("tuple[object, ...]", pair) if type(pair) in (tuple, list) else ()
            if len(given_as) == 2:
                yield given_as[0], given_as[1]
            else:
                self.complain(field, pair)

    def one_of(self, choices: type[T], field: str, value: object) -> T | None:
        """A member of an enumeration, also by its value; None for what is none."""
        if type(value) is choices:
            return value
        try:
            return choices(fit_text(value))  # type: ignore[call-arg] # an enumeration
        except ValueError:
            self.complain(field, value)
            return None

    def complain(self, field: str, value: object) -> None:
        """Say once in the log of the process that a value was left out; not the value itself."""
        sentence = f"reported a {field} that is of no use ({type(value).__name__}); it is left out."
        self.say_once(f"unfit_{field}", sentence)

    def _too_large(self, field: str, most_bytes: int) -> None:
        sentence = f"reported more than {most_bytes:,} bytes of JSON as {field}; it is left out."
        self.say_once(f"unfit_{field}", sentence)

    def say_once(self, action: str, sentence: str) -> None:
        """Say something of the job in the log of the process, the first time."""
        with self._lock:
            if action in self._said:
                return
            self._said.add(action)
        extra = {"action": action, "job_id": self._job_id}
        logger.warning("Job %s %s", self._job_id, sentence, extra=extra)

    def _count(self, field: str, value: object) -> int | None:
        number = fit_count(value)
        if number is None:
            self.complain(field, value)
        return number

    def _moment(self, at: object) -> float:
        found = fit_number(at)
        # The years that a date can have, within a margin.
        return found if found is not None and 0 <= found < 250_000_000_000 else self._clock()

    def _own_id(self) -> str:
        return f"{self._part}?{next(self._nameless)}"


def fit_kind(kind: object) -> str:
    """An item's kind."""
    return fit_text(kind, most=MAX_WORD) or "item"


def _parsed(document: object) -> object:
    """What a JSON document says; the document itself where it is none."""
    with suppress(ValueError, TypeError):
        return orjson.loads(document)  # type: ignore[arg-type] # what is no text raises
    return document


def _object(document: object) -> dict[str, object] | None:
    found = _parsed(document)
    return found if type(found) is dict else None


def fit_weight(weight: object) -> float:
    """A phase's weight: a number that is not negative, 1 where it is none."""
    found = fit_number(weight)
    return 1.0 if found is None else min(max(0.0, found), 1e9)
