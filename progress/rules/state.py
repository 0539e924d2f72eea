"""The rules by which reports become events. Pure; their twin in the server is `append.lua`.

Counts come from item transitions. Within an attempt an item only moves forward: queued,
in progress, and then succeeded or failed for good. A report that repeats a status or goes back
changes nothing and becomes no event. A new attempt keeps the items that have succeeded and forgets
the others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from ..events import ItemStatus, JobStatus
from ..reports import (
    CountsReport,
    ErrorReport,
    ItemReport,
    NoteReport,
    PhaseEndReport,
    PhaseReport,
    Report,
    ResultReport,
    StatusReport,
    TotalReport,
    error_json,
    head,
    item_json,
    note_json,
    result_json,
    said_json,
    status_json,
)
from ..wire import iso_utc
from .constants import RULES
from .rate import Rate


@dataclass(slots=True)
class _PhaseState:
    report: PhaseReport
    #: How many items were done before the phase began.
    done_before: int
    is_over: bool = False


@dataclass(slots=True)
class JobState:
    """What a log knows of a job beside its events: enough to derive the next ones."""

    job_id: str
    attempt: int = 0
    status: JobStatus | None = None
    reason: str | None = None
    status_attempt: int = 0
    error: tuple[str, str] | None = None
    note: bytes | None = None
    result: bytes | None = None
    #: By kind and id: each item's newest status, and the attempt in which it came to that status.
    items: dict[tuple[str, str], tuple[ItemStatus, int]] = field(default_factory=dict)
    #: Distinct items of this attempt and those that succeeded in earlier ones.
    known: int = 0
    succeeded: int = 0
    failed: int = 0
    #: The count that a job without items reported itself.
    own_done: int = 0
    total: int | None = None
    fraction: float | None = None
    phase: _PhaseState | None = None
    rate: Rate | None = None
    last_counts: dict[str, object] | None = None

    @property
    def done(self) -> int:
        """How many items are over, or the count that the job reported itself if that is more."""
        return max(self.own_done, self.succeeded + self.failed)

    @property
    def ended(self) -> bool:
        """Whether the terminal status was reached."""
        return self.status is not None and self.status.is_terminal

    def apply(self, reports: Sequence[Report], *, attempt: int, now_us: int) -> list[bytes]:
        """Take a batch, and return the documents of the events that it comes to, in order.

        One progress event closes a batch that changed the counts, and also a batch that began an
        attempt and came to no other event. A terminal status ends the batch, and the progress event
        stands before it. Without reports nothing happens. The caller has refused stale attempts.
        """
        if not reports:
            return []
        is_new_attempt = attempt > self.attempt
        if is_new_attempt:
            self._begin_attempt(attempt, now_us)
        documents: list[bytes] = []
        for report in reports:
            if isinstance(report, StatusReport) and report.status.is_terminal:
                documents += self._end(report, now_us)
                return documents
            documents += self._take(report)
        # A reader has to see every attempt begin: what it knew of the last one is void.
        must = is_new_attempt and not documents
        documents += self._progress(reports[-1].at, now_us, must=must)
        return documents

    def lose_items(self, now_us: int) -> None:
        """Forget every item: the server lost them, and their writer is asked to repeat them."""
        self.items.clear()
        self.known = self.succeeded = self.failed = 0
        self.rate = Rate(now_us, self.done, now_us, self.done)

    def _begin_attempt(self, attempt: int, now_us: int) -> None:
        self.attempt = attempt
        self.failed = 0
        self.known = self.succeeded
        self.own_done = 0
        self.fraction = None
        self.phase = None
        self.error = self.note = self.result = None
        self.rate = Rate(now_us, self.done, now_us, self.done)

    def _take(self, report: Report) -> list[bytes]:
        match report:
            case ItemReport():
                return self._take_item(report)
            case StatusReport():
                return self._take_status(report)
            case ErrorReport():
                return self._take_error(report)
            case NoteReport():
                return self._take_note(report)
            case ResultReport():
                return self._take_result(report)
        self._take_counts(report)
        return []

    def _take_counts(self, report: Report) -> None:
        match report:
            case TotalReport():
                self.total = max(self.total or 0, report.total)
            case CountsReport():
                self.own_done = max(self.own_done, report.done)
                if report.total is not None:
                    self.total = max(self.total or 0, report.total)
            case PhaseReport():
                self._take_phase(report)
            case PhaseEndReport():
                self._end_phase(report)

    def _take_item(self, report: ItemReport) -> list[bytes]:
        key, order = (report.item_kind, report.item_id), RULES.item_order
        was = self.items.get(key)
        if was is not None:
            status, attempt = was
            if status is ItemStatus.SUCCEEDED:
                return []
            if attempt == self.attempt and order[report.status] <= order[status]:
                return []
        if was is None or was[1] != self.attempt:
            self.known += 1
        self.items[key] = (report.status, self.attempt)
        self.succeeded += report.status is ItemStatus.SUCCEEDED
        self.failed += report.status is ItemStatus.FAILED
        at = iso_utc(report.at).encode()
        return [item_json(report, head(self.job_id, self.attempt), at)]

    def _take_status(self, report: StatusReport) -> list[bytes]:
        said = (report.status, report.reason, self.attempt)
        if said == (self.status, self.reason, self.status_attempt):
            return []
        if report.status is JobStatus.PENDING and self.status is not None:
            return []
        self.status, self.reason, self.status_attempt = said
        return [status_json(report, job_id=self.job_id, attempt=self.attempt)]

    def _take_error(self, report: ErrorReport) -> list[bytes]:
        said = (report.message, report.code)
        if said == self.error:
            return []
        self.error = said
        return [error_json(report, job_id=self.job_id, attempt=self.attempt)]

    def _take_note(self, report: NoteReport) -> list[bytes]:
        said = said_json(report)
        if said == self.note:
            return []
        self.note = said
        return [note_json(report, job_id=self.job_id, attempt=self.attempt)]

    def _take_result(self, report: ResultReport) -> list[bytes]:
        if report.value == self.result:
            return []
        self.result = report.value
        return [result_json(report, job_id=self.job_id, attempt=self.attempt)]

    def _end_phase(self, report: PhaseEndReport) -> None:
        if self.phase is not None and self.phase.report.phase_index == report.phase_index:
            self.phase.is_over = True

    def _take_phase(self, report: PhaseReport) -> None:
        if self.phase is not None and report.phase_index <= self.phase.report.phase_index:
            return  # a redelivered task, or a second worker, reports it again
        self.phase = _PhaseState(report, self.done)
        if report.total is not None:
            self.total = (self.total or 0) + report.total

    def _end(self, report: StatusReport, now_us: int) -> list[bytes]:
        if report.status is JobStatus.COMPLETED:
            self.total = max(self.total or 0, self.done)
            # A job that ends short of its total shows so: nine of ten is no full bar.
            if self.done == self.total:
                self.fraction = 1.0
        final = self._progress(report.at, now_us, ended=True, must=False)
        return [*final, *self._take_status(report)]

    def _progress(self, at: float, now_us: int, *, must: bool, ended: bool = False) -> list[bytes]:
        done = self.done
        if self.total is not None:
            self.total = max(self.total, self.known, done)
        self.fraction = self._fraction(done)
        if self.rate is not None:
            self.rate.observe(done, now_us)
        counts = self._counts(done)
        is_news = ended or counts != self.last_counts
        if not must and not (is_news and self._has_counts):
            return []
        self.last_counts = counts
        document = {
            "type": "progress",
            "jobId": self.job_id,
            "at": iso_utc(at),
            "attempt": self.attempt,
            **counts,
            **self._pace(done, now_us, ended=ended),
        }
        return [orjson.dumps(document)]

    @property
    def _has_counts(self) -> bool:
        return bool(self.known or self.own_done or self.phase) or self.total is not None

    def _fraction(self, done: int) -> float | None:
        if self.phase is not None:
            report, before = self.phase.report, self.phase.done_before
            # A phase without a total has at most what was left of the job's when it began.
            total = (self.total or 0) - before if report.total is None else report.total
            part = 1.0 if self.phase.is_over else 0.0
            if total > 0 and not self.phase.is_over:
                part = min(1.0, (done - before) / total)
            value = (report.weight_before + report.weight * part) / report.weight_in_all
        elif self.total is not None:
            value = done / self.total if self.total else 0.0
        else:
            return self.fraction
        # Rounded down: only a job that is done has the fraction 1.
        parts = RULES.fraction_parts
        return max(self.fraction or 0.0, math.floor(min(1.0, value) * parts) / parts)

    def _counts(self, done: int) -> dict[str, object]:
        counts: dict[str, object] = {
            "done": done,
            "total": self.total,
            "succeeded": self.succeeded,
            "failed": self.failed,
        }
        if self.phase is not None:
            report = self.phase.report
            counts["phase"] = {
                "name": report.name,
                "index": report.phase_index,
                "count": report.phase_count,
            }
        counts["fraction"] = self.fraction
        return counts

    def _pace(self, done: int, now_us: int, *, ended: bool) -> dict[str, object]:
        if self.rate is None:
            return {}
        rate = self.rate.mean(done, now_us) if ended else self.rate.per_second
        if rate is None:
            return {}
        # Halves go up, as in Lua; Python's round takes them to the even neighbour.
        parts = RULES.rate_parts
        pace: dict[str, object] = {"perSecond": math.floor(rate * parts + 0.5) / parts}
        if not ended and rate > 0 and self.total is not None:
            pace["etaSeconds"] = math.ceil((self.total - done) / rate)
        return pace
