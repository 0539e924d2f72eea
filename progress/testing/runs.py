"""The suite for a log that tells how a job went. Subclass it if your log does."""

from __future__ import annotations

from itertools import pairwise
from typing import Protocol

from ..events import JobStatus
from ..log import JobRef, Log, SupportsRun
from ..reports import PartEndReport, PartReport, PhaseEndReport, PhaseReport, Report, TotalReport
from ..run import RowStatus, Run, RunRow
from .doubles import ManualClock
from .reading import fresh_ref, item, status


class _Telling(Log, SupportsRun, Protocol):
    """A log with the ability that `RunContract` tests."""


class RunContract:
    """What a log has to do that declares `SupportsRun`. Needs the fixtures `log` and `clock`."""

    def test_it_declares_runs(self, log: Log) -> None:
        assert isinstance(log, SupportsRun)

    def test_nothing_is_told_of_a_job_that_nobody_reported(self, log: _Telling) -> None:
        assert log.run(fresh_ref()) is None

    def test_a_job_waits_from_its_sending_to_its_first_work(
        self, log: _Telling, clock: ManualClock
    ) -> None:
        ref, sent = fresh_ref(), clock()
        log.append(ref, [status("pending", at=sent)], attempt=1)
        run = run_of(log, ref)
        assert (run.status, run.rows, run.points) == (JobStatus.PENDING, (), ())
        clock.advance(7)
        log.append(ref, [status("running", at=clock())], attempt=1)
        run = run_of(log, ref)
        assert run.sent_at is not None
        assert run.sent_at.timestamp() == sent
        assert spans(run, sent) == [("attempt", 1, None, 7, None, RowStatus.RUNNING)]

    def test_a_worker_that_is_faster_than_the_sender_leaves_no_time_of_waiting(
        self, log: _Telling, clock: ManualClock
    ) -> None:
        ref, began = fresh_ref(), clock()
        log.append(ref, [status("running", at=began)], attempt=1)
        clock.advance(1)
        log.append(ref, [status("pending", at=clock())], attempt=1)
        run = run_of(log, ref)
        assert run.sent_at == run.rows[0].begin

    def test_attempts_phases_and_parts_are_rows(self, log: _Telling, clock: ManualClock) -> None:
        ref, began = fresh_ref(), clock()
        log.append(ref, [status("running", at=began), _phase("read", 1, began)], attempt=1)
        log.append(ref, [PartReport("a\t1", clock()), PartReport("b", clock())], attempt=1)
        clock.advance(2)
        log.append(ref, [PartEndReport("a\t1", clock(), JobStatus.FAILED)], attempt=1)
        clock.advance(1)
        log.append(ref, [status("retrying", at=clock())], attempt=1)
        clock.advance(4)
        log.append(ref, [status("running", at=clock()), _phase("read", 1, clock())], attempt=2)
        clock.advance(1)
        log.append(ref, [PhaseEndReport(1, clock())], attempt=2)
        clock.advance(1)
        log.append(ref, [_phase("play", 2, clock())], attempt=2)
        clock.advance(3)
        log.append(ref, [status("completed", at=clock())], attempt=2)
        run = run_of(log, ref)
        assert (run.status, run.left_out) == (JobStatus.COMPLETED, 0)
        assert spans(run, began) == [
            ("attempt", 1, None, 0, 3, RowStatus.RETRYING),
            ("phase", 1, "read", 0, 3, RowStatus.RETRYING),
            ("part", 1, "a\t1", 0, 2, RowStatus.FAILED),
            ("part", 1, "b", 0, 3, RowStatus.RETRYING),
            ("attempt", 2, None, 7, 12, RowStatus.COMPLETED),
            ("phase", 2, "read", 7, 8, RowStatus.COMPLETED),
            ("phase", 2, "play", 9, 12, RowStatus.COMPLETED),
        ]

    def test_an_attempt_whose_end_nobody_told_is_lost_when_the_next_begins(
        self, log: _Telling, clock: ManualClock
    ) -> None:
        ref, began = fresh_ref(), clock()
        log.append(ref, [status("running", at=began), PartReport("1", began)], attempt=1)
        clock.advance(9)
        log.append(ref, [status("running", at=clock())], attempt=2)
        assert spans(run_of(log, ref), began) == [
            ("attempt", 1, None, 0, 9, RowStatus.LOST),
            ("part", 1, "1", 0, 9, RowStatus.LOST),
            ("attempt", 2, None, 9, None, RowStatus.RUNNING),
        ]

    def test_what_is_told_twice_is_one_row(self, log: _Telling, clock: ManualClock) -> None:
        ref, began = fresh_ref(), clock()
        for _ in range(3):
            said: list[Report] = [status("running", at=clock()), _phase("read", 1, clock())]
            log.append(ref, [*said, PartReport("1", clock())], attempt=1)
            clock.advance(1)
            log.append(ref, [PartEndReport("1", clock(), JobStatus.COMPLETED)], attempt=1)
        assert spans(run_of(log, ref), began) == [
            ("attempt", 1, None, 0, None, RowStatus.RUNNING),
            ("phase", 1, "read", 0, None, RowStatus.RUNNING),
            ("part", 1, "1", 0, 1, RowStatus.COMPLETED),
        ]

    def test_a_job_that_never_ran_has_an_end_and_no_attempt(
        self, log: _Telling, clock: ManualClock
    ) -> None:
        ref = fresh_ref()
        log.append(ref, [status("pending", at=clock())], attempt=1)
        log.append(ref, [status("cancelled", at=clock())], attempt=1)
        run = run_of(log, ref)
        assert (run.status, run.rows, run.points) == (JobStatus.CANCELLED, (), ())
        assert run.finished_at is not None

    def test_the_series_is_bounded_and_spans_the_whole_run(
        self, log: _Telling, clock: ManualClock
    ) -> None:
        ref, began = fresh_ref(), clock()
        log.append(ref, [status("running", at=began), TotalReport(2_000, began)], attempt=1)
        for number in range(1, 1_001):
            clock.advance(1)
            done = item(str(number), "failed" if number % 10 == 0 else "succeeded", at=clock())
            log.append(ref, [done], attempt=1)
        log.append(ref, [status("failed", at=clock())], attempt=1)
        points = run_of(log, ref).points
        assert 150 <= len(points) <= 300
        assert points[0].at.timestamp() == began
        assert (points[-1].done, points[-1].failed) == (1_000, 100)
        assert points[-1].at.timestamp() == clock()
        gaps = [(b.at - a.at).total_seconds() for a, b in pairwise(points[:-1])]
        assert set(gaps) == {4.0}
        assert [point.done for point in points] == sorted(point.done for point in points)

    def test_rows_are_bounded_and_what_has_no_room_is_counted(
        self, log: _Telling, clock: ManualClock
    ) -> None:
        ref = fresh_ref()
        parts = [PartReport(str(number), clock()) for number in range(1_000)]
        log.append(ref, [status("running", at=clock()), *parts], attempt=1)
        phases = [_phase(f"p{number}", number, clock()) for number in range(1, 200)]
        log.append(ref, phases, attempt=1)
        for attempt in range(2, 60):
            log.append(ref, [status("running", at=clock())], attempt=attempt)
        run = run_of(log, ref)
        assert len(run.rows) == 300
        assert len(run.rows) + run.left_out == 1_000 + 199 + 59
        assert len(run.to_json()) < 64_000


def run_of(log: SupportsRun, ref: JobRef) -> Run:
    """The run that a log tells."""
    run = log.run(ref)
    if run is None:
        raise AssertionError(f"no run of {ref}")
    return run


Span = tuple[str, int, str | None, float, float | None, RowStatus]


def spans(run: Run, zero: float) -> list[Span]:
    """The rows of a run, with seconds since a moment."""
    return [_span(row, zero) for row in run.rows]


def _span(row: RunRow, zero: float) -> Span:
    end = None if row.end is None else row.end.timestamp() - zero
    return row.kind, row.attempt, row.name, row.begin.timestamp() - zero, end, row.status


def _phase(name: str, index: int, at: float) -> PhaseReport:
    return PhaseReport(name, at, index, max(2, index), 0.0, 1.0, 2.0)
