"""The reporter: it costs the task little, fails it never, and tells the log everything once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from progress.errors import CancelRequested, JobEnded, JobFailure, StaleAttempt
from progress.events import ItemStatus, JobStatus, Snapshot
from progress.log import JobRef
from progress.reporting.memo import Memo
from progress.reporting.reporter import JobReporter
from progress.reporting.sender import BackgroundSender
from progress.reports import ItemReport, Report
from progress.testing import FaultyLog, ForgetfulLog, events_of, fresh_ref, status
from tests.unit.progress.reporting.sent import is_sent

WAIT_SECONDS = 10


@pytest.fixture
def log() -> FaultyLog:
    return FaultyLog(ForgetfulLog())


@pytest.fixture
def ref() -> JobRef:
    return fresh_ref()


@pytest.fixture
def job(log: FaultyLog, ref: JobRef) -> Iterator[JobReporter]:
    with JobReporter(log, ref, sender=BackgroundSender()) as reporter:
        yield reporter


def state(log: FaultyLog, ref: JobRef) -> Snapshot:
    known = log.log.snapshot(ref)
    assert known is not None
    assert isinstance(known[0], Snapshot)
    return known[0]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def succeeded(log: FaultyLog, ref: JobRef) -> int:
    known = log.log.snapshot(ref)
    if known is None or not isinstance(known[0], Snapshot) or known[0].progress is None:
        return 0
    return known[0].progress.succeeded


def work(job: JobReporter, count: int, *, start: int = 0) -> None:
    for number in range(start, start + count):
        with job.item(number, kind="thing"):
            pass


def test_items_are_told_with_their_outcome(log: FaultyLog, ref: JobRef, job: JobReporter) -> None:
    with job.item("good", kind="thing", label="Good"):
        pass
    with pytest.raises(ZeroDivisionError), job.item("bad", kind="thing"):
        raise ZeroDivisionError("secret")
    with job.item("odd", kind="thing", tolerate=(KeyError,)):
        raise KeyError("told")
    with job.item("own", kind="thing") as item:
        item.fail("Its own words.")
    assert job.flush()
    errors = {item.item_id: item.error for item in state(log, ref).failed_items}
    assert errors == {"bad": "Something went wrong here.", "odd": "'told'", "own": "Its own words."}
    assert succeeded(log, ref) == 1


def test_a_reporter_counts_what_it_said_as_the_log_does(
    log: FaultyLog, ref: JobRef, job: JobReporter
) -> None:
    work(job, 3)
    work(job, 2)  # the same items once more
    with pytest.raises(ZeroDivisionError), job.item("bad", kind="thing"):
        raise ZeroDivisionError
    job.item_status("bad", ItemStatus.SUCCEEDED, kind="thing")
    job.item_status("lost", ItemStatus.FAILED, kind="thing")
    job.item_status("next", ItemStatus.QUEUED, kind="thing")
    assert job.flush()
    progress = state(log, ref).progress
    assert progress is not None
    assert (job.succeeded, job.failed) == (progress.succeeded, progress.failed) == (3, 2)


def test_what_only_stops_a_task_fails_no_item(log: FaultyLog, ref: JobRef) -> None:
    class Again(Exception):
        """A task queue's order to come back."""

    with JobReporter(log, ref, passing=(Again,), sender=BackgroundSender()) as job:
        for stop in (Again(), CancelRequested(ref.job_id), KeyboardInterrupt()):
            with pytest.raises(type(stop)), job.item(repr(stop), kind="thing"):
                raise stop
    assert state(log, ref).failed_items == ()
    assert len(state(log, ref).items_in_progress) == 3


def test_a_failure_of_the_job_says_nothing_of_the_item_it_was_at(
    log: FaultyLog, ref: JobRef, job: JobReporter
) -> None:
    with pytest.raises(JobFailure), job.item("a", kind="song"):
        raise JobFailure("The disk was disconnected.", code="source_unavailable")
    job.flush()
    known = state(log, ref)
    assert [item.item_id for item in known.items_in_progress] == ["a"]
    assert known.failed_items == ()


def test_an_answer_that_was_lost_counts_nothing_twice(
    log: FaultyLog, ref: JobRef, job: JobReporter
) -> None:
    log.lose_answers = 3
    work(job, 50)
    wait_until(lambda: job.flush() and succeeded(log, ref) == 50)
    items = [event for event in events_of(log.log, ref) if event.type == "item"]
    assert len(items) == len({(item.item_id, item.status) for item in items})


@pytest.mark.parametrize("fault", ["gone", "slow", "a bug"])
def test_no_fault_of_the_log_reaches_or_holds_up_the_task(
    log: FaultyLog, ref: JobRef, job: JobReporter, fault: str
) -> None:
    work(job, 10)
    assert job.flush()
    if fault == "gone":
        log.fail_next = 10**9
    elif fault == "slow":
        log.delay_seconds = 1.0
    else:
        log.error = ZeroDivisionError("a bug")
    began = time.monotonic()
    work(job, 500, start=10)
    job.status(JobStatus.RUNNING)
    job.flush()
    assert time.monotonic() - began < 0.05 + 0.25
    log.fail_next, log.delay_seconds, log.error = 0, 0.0, None


def test_a_batch_that_met_a_bug_is_told_again_once_it_is_gone(
    log: FaultyLog, ref: JobRef, job: JobReporter
) -> None:
    log.error = ZeroDivisionError("a bug")
    work(job, 20)
    job.flush()
    log.error = None
    work(job, 20, start=20)
    wait_until(lambda: job.flush() and succeeded(log, ref) == 40)


def test_what_a_log_lost_is_told_again(log: FaultyLog, ref: JobRef, job: JobReporter) -> None:
    job.plan(("one", 1.0), ("two", 3.0))
    with job.phase("one", total=4):
        work(job, 4)
    with job.phase("two", total=6):
        work(job, 3, start=4)
    job.status(JobStatus.RUNNING)
    before = state(log, ref)
    assert isinstance(log.log, ForgetfulLog)
    log.log.forget(ref)
    assert job.confirm()
    after = state(log, ref)
    assert after.status == "running"
    assert before.progress is not None
    assert after.progress is not None
    counts = ("phase", "fraction", "done", "total", "succeeded", "failed")
    assert [getattr(after.progress, name) for name in counts] == [
        getattr(before.progress, name) for name in counts
    ]


def test_what_other_processes_did_is_told_again_from_the_database(log: FaultyLog) -> None:
    ref = fresh_ref()

    def repair() -> list[ItemReport]:
        return [ItemReport("theirs", "thing", ItemStatus.SUCCEEDED, 0.0)]

    with JobReporter(log, ref, repair=repair, sender=BackgroundSender()) as job:
        work(job, 1)
        job.flush()
        assert isinstance(log.log, ForgetfulLog)
        log.log.forget(ref)
        job.confirm()
        assert succeeded(log, ref) == 2


def test_a_database_that_is_away_when_the_log_is_lost_is_asked_again(log: FaultyLog) -> None:
    ref = fresh_ref()
    answers: list[list[ItemReport] | None] = [
        None,
        [ItemReport("theirs", "thing", ItemStatus.SUCCEEDED, 0.0)],
    ]

    def repair() -> list[ItemReport]:
        found = answers.pop(0)
        if found is None:
            raise ConnectionError("The database is away.")
        return found

    with JobReporter(log, ref, repair=repair, sender=BackgroundSender()) as job:
        work(job, 1)
        job.flush()
        assert isinstance(log.log, ForgetfulLog)
        log.log.forget(ref)
        work(job, 1, start=1)
        job.flush()
        job.confirm()
        assert succeeded(log, ref) == 3
        assert answers == []


def test_more_than_is_remembered_is_still_counted(
    log: FaultyLog, ref: JobRef, job: JobReporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("progress.reporting.memo.MAX_REMEMBERED", 10)
    job.total(100)
    work(job, 60)
    job.flush()
    assert isinstance(log.log, ForgetfulLog)
    log.log.forget(ref)
    job.confirm()
    progress = state(log, ref).progress
    assert progress is not None
    assert (progress.done, progress.total) == (60, 100)


def test_a_stale_writer_is_told_and_stops(log: FaultyLog, ref: JobRef, job: JobReporter) -> None:
    log.log.append(ref, [status("running")], attempt=2)
    work(job, 1)
    wait_until(lambda: not job.flush() or True)
    with pytest.raises(StaleAttempt):
        work(job, 1)


def test_a_writer_to_a_job_that_is_over_is_told_and_stops(
    log: FaultyLog, ref: JobRef, job: JobReporter
) -> None:
    log.log.append(ref, [status("cancelled")], attempt=1)
    work(job, 1)
    job.flush()
    with pytest.raises(JobEnded):
        work(job, 1)


def test_a_cancel_is_heard_at_the_next_report(
    log: FaultyLog, ref: JobRef, job: JobReporter
) -> None:
    work(job, 1)
    job.flush()
    log.request_cancel(ref)
    job.confirm()
    assert job.cancel_requested
    for ask in (lambda: job.item(1, kind="thing"), lambda: job.phase("x"), job.raise_if_stopped):
        with pytest.raises(CancelRequested):
            ask()
    with pytest.raises(CancelRequested):
        next(job.track(["a"]))


def test_threads_may_report_together(log: FaultyLog, ref: JobRef, job: JobReporter) -> None:
    threads = [
        threading.Thread(target=work, args=(job, 200), kwargs={"start": 200 * number})
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: job.flush() and succeeded(log, ref) == 800)


def test_many_items_reach_the_log_in_few_calls(
    log: FaultyLog, ref: JobRef, job: JobReporter
) -> None:
    work(job, 5_000)
    wait_until(lambda: job.flush() and succeeded(log, ref) == 5_000)
    assert log.calls < 200


def test_track_counts_and_goes_through_any_iterable(
    log: FaultyLog, ref: JobRef, job: JobReporter
) -> None:
    assert list(job.track(["a", "b"], kind="letter")) == ["a", "b"]
    assert list(job.track(iter("cd"), kind="letter", total=2)) == ["c", "d"]
    job.flush()
    progress = state(log, ref).progress
    assert progress is not None
    assert (progress.done, progress.total) == (4, 4)


def test_a_task_that_drops_reports_and_the_sender_never_change_the_memo_at_once(
    ref: JobRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, clashes, note = [], [], Memo.note

    def watched(memo: Memo, reports: Sequence[Report]) -> None:
        clashes.extend(inside)
        inside.append(threading.get_ident())
        time.sleep(0.002)
        note(memo, reports)
        inside.pop()

    monkeypatch.setattr(Memo, "note", watched)
    monkeypatch.setattr("progress.reporting.buffer.MAX_WAITING", 40)
    monkeypatch.setattr("progress.reporting.buffer.BATCH", 10)
    monkeypatch.setattr("progress.reporting.buffer.PATIENCE_SECONDS", 0.002)
    log = FaultyLog(ForgetfulLog())
    log.delay_seconds = 0.001
    with JobReporter(log, ref, sender=BackgroundSender()) as job:
        for number in range(500):
            job.item_status(number, "succeeded", kind="thing")
        log.delay_seconds = 0
        assert is_sent(job)
    assert clashes == []
    assert succeeded(log, ref) == 500
