"""What a job says in words and what it came to; phases as blocks; how long items take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from progress.events import ItemStatus, JobStatus, Snapshot
from progress.log import JobRef
from progress.memory import MemoryLog
from progress.reporting.reporter import JobReporter
from progress.reporting.sender import BackgroundSender
from progress.testing import FaultyLog, ForgetfulLog, ManualClock, events_of, fresh_ref
from tests.unit.progress.reporting.sent import is_sent


def state(log: Any, ref: JobRef) -> Snapshot:
    known = log.snapshot(ref)
    assert known is not None
    assert isinstance(known[0], Snapshot)
    return known[0]


@pytest.fixture
def ref() -> JobRef:
    return fresh_ref()


def test_the_newest_note_is_shown_with_its_details(ref: JobRef) -> None:
    log = MemoryLog()
    with JobReporter(log, ref) as job:
        job.note("Listing /music/Jazz", files=3, bpm=float("nan"), folders=["a", {"b": None}])
        assert is_sent(job)
        note = state(log, ref).note
        assert note is not None
        assert note.text == "Listing /music/Jazz"
        assert note.details == {"files": 3, "bpm": None, "folders": ["a", {"b": None}]}
        job.note("Nearly there")
        assert is_sent(job)
    note = state(log, ref).note
    assert note is not None
    assert (note.text, note.details) == ("Nearly there", None)


def test_a_loop_that_says_a_note_each_time_sends_the_last_of_a_batch(ref: JobRef) -> None:
    log = MemoryLog()
    with JobReporter(log, ref, sender=BackgroundSender()) as job:
        for number in range(2_000):
            job.note(f"Number {number}")
        assert is_sent(job)
    said = [event.text for event in events_of(log, ref) if event.type == "note"]
    assert said[-1] == "Number 1999"
    assert len(said) < 200


def test_details_that_are_too_much_go_and_the_words_stay(ref: JobRef) -> None:
    log = MemoryLog()
    with JobReporter(log, ref) as job:
        job.note("x" * 1_000, much="y" * 3_000)
        assert is_sent(job)
    note = state(log, ref).note
    assert note is not None
    assert (len(note.text), note.details) == (300, None)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"songs": 12, "path": b"caf\xe9"}, {"songs": 12, "path": "caf\ufffd"}),
        ([1, 2.5, None, True, "x"], [1, 2.5, None, True, "x"]),
        ("done", "done"),
        (0, 0),
        ("x" * 5_000, None),
        ({"deep": [[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]}, None),
    ],
)
def test_a_result_is_what_json_has_and_bounded(ref: JobRef, value: Any, shown: Any) -> None:
    log = MemoryLog()
    with JobReporter(log, ref) as job:
        job.result(value)
        job.status(JobStatus.COMPLETED)
        assert is_sent(job)
    assert state(log, ref).result == shown


def test_a_value_that_holds_itself_is_left_out(ref: JobRef) -> None:
    log, endless = MemoryLog(), [1]
    endless.append(endless)  # type: ignore[arg-type]
    with JobReporter(log, ref) as job:
        job.result(endless)
        job.result({"fine": 1})
        assert is_sent(job)
    assert state(log, ref).result == {"fine": 1}


def test_a_new_attempt_begins_without_the_words_of_the_last(ref: JobRef) -> None:
    log = MemoryLog()
    with JobReporter(log, ref) as job:
        job.note("one")
        job.result(1)
        assert is_sent(job)
    with JobReporter(log, ref, attempt=2) as job:
        job.total(3)
        assert is_sent(job)
    assert (state(log, ref).note, state(log, ref).result) == (None, None)


def test_words_that_a_log_lost_are_said_again(ref: JobRef) -> None:
    log = FaultyLog(ForgetfulLog())
    with JobReporter(log, ref, sender=BackgroundSender()) as job:
        with job.phase("one", total=4):
            job.item_status("a", ItemStatus.SUCCEEDED, kind="thing")
        job.note("still here", n=1)
        job.result({"a": 1})
        assert is_sent(job)
        before = state(log.log, ref)
        assert isinstance(log.log, ForgetfulLog)
        log.log.forget(ref)
        job.confirm()
        assert is_sent(job)
    after = state(log.log, ref)
    assert (after.note, after.result) == (before.note, before.result)
    assert after.progress is not None
    assert after.progress.fraction == 1.0


def test_a_phase_is_over_with_its_block_though_not_all_of_it_was_done(ref: JobRef) -> None:
    log = MemoryLog()
    with JobReporter(log, ref) as job:
        job.plan(("read", 1), ("write", 3))
        with job.phase("read", total=10):
            job.item_status("a", ItemStatus.SUCCEEDED, kind="thing")
        assert is_sent(job)
        progress = state(log, ref).progress
        assert progress is not None
        assert progress.fraction == 0.25
        with pytest.raises(ZeroDivisionError), job.phase("write", total=2):
            raise ZeroDivisionError
        assert is_sent(job)
    progress = state(log, ref).progress
    assert progress is not None
    assert (progress.fraction, progress.phase and progress.phase.name) == (0.25, "write")


def total_of(log: MemoryLog, ref: JobRef, say: Callable[[JobReporter], None]) -> tuple[int, object]:
    with JobReporter(log, ref) as job:
        say(job)
        assert is_sent(job)
    progress = state(log, ref).progress
    assert progress is not None
    return progress.done, progress.total


def test_a_loop_through_a_phase_of_a_known_total_is_counted_once(ref: JobRef) -> None:
    def reads_and_writes(job: JobReporter) -> None:
        with job.phase("read", total=5):
            for _ in job.track(range(3), kind="r"):
                pass
            for _ in job.track(range(4), kind="more"):  # two more than the phase was to have
                pass
        with job.phase("write", total=5):
            for number in range(2):
                job.item_status(number, ItemStatus.SUCCEEDED, kind="w")
        for _ in job.track(range(6), kind="rest"):
            pass

    assert total_of(MemoryLog(), ref, reads_and_writes) == (15, 7 + 5 + 6)


def test_a_loop_through_a_job_of_a_known_total_is_counted_once(ref: JobRef) -> None:
    def in_all(job: JobReporter) -> None:
        job.total(10)
        for kind in ("a", "b", "c"):
            for _ in job.track(range(4), kind=kind):
                pass
        job.add_total(3)
        for _ in job.track(range(1), kind="d"):
            pass

    assert total_of(MemoryLog(), ref, in_all) == (13, 10 + 2 + 3 + 1)


def fractions(ref: JobRef, say: Callable[[JobReporter], Iterator[None]]) -> list[float | None]:
    """The fraction after each step."""
    log, found = MemoryLog(), []
    with JobReporter(log, ref) as job:
        for _ in say(job):
            assert is_sent(job)
            progress = state(log, ref).progress
            found.append(None if progress is None else progress.fraction)
    return found


def test_a_loop_in_a_phase_without_a_total_moves_the_fraction(ref: JobRef) -> None:
    def steps(job: JobReporter) -> Iterator[None]:
        job.plan(("read", 1), ("write", 1))
        for name, count in (("read", 4), ("write", 2)):
            with job.phase(name):
                for _ in job.track(range(count), kind=name):
                    yield
            yield

    assert fractions(ref, steps) == [0.0, 0.125, 0.25, 0.375, 0.5, 0.5, 0.75, 1.0]


def test_a_phase_without_a_total_may_have_all_that_is_left_of_the_jobs(ref: JobRef) -> None:
    def steps(job: JobReporter) -> Iterator[None]:
        job.plan(("read", 1), ("write", 1))
        job.total(10)
        for name in ("read", "write"):
            with job.phase(name):
                for number in range(5):
                    job.item_status(number, ItemStatus.SUCCEEDED, kind=name)
                yield
            yield

    assert fractions(ref, steps) == [0.25, 0.5, 1.0, 1.0]


def test_a_phase_of_which_nothing_is_known_moves_the_fraction_at_its_end(ref: JobRef) -> None:
    def steps(job: JobReporter) -> Iterator[None]:
        job.plan(("read", 1), ("write", 1))
        with job.phase("read"):
            for _ in job.track(iter(range(3))):
                yield
        yield

    assert fractions(ref, steps) == [0.0, 0.0, 0.0, 0.5]


def test_a_phase_within_a_phase_is_not_ended_by_the_outer_one(ref: JobRef) -> None:
    log = MemoryLog()
    with JobReporter(log, ref) as job:
        with job.phase("outer", total=2), job.phase("inner", total=2):
            pass
        with job.phase("last"):
            assert is_sent(job)
            progress = state(log, ref).progress
    assert progress is not None
    assert progress.fraction == pytest.approx(2 / 3, abs=1e-4)


def test_items_in_progress_say_since_when_and_the_slowest_are_kept(ref: JobRef) -> None:
    clock = ManualClock()
    log = MemoryLog(clock=clock)
    with JobReporter(log, ref, clock=clock) as job:
        for seconds in (0.5, 61.5, 3.0, 2.0, 9.0, 1.0, 4.0):
            with job.item(f"{seconds}", kind="song"):
                clock.advance(seconds)
        with job.item("now", kind="song"):
            begun_at = clock()
            clock.advance(30)
            assert is_sent(job)
            (running,) = state(log, ref).items_in_progress
    assert running.since is not None
    assert running.since.timestamp() == pytest.approx(begun_at, abs=0.001)
    slowest = state(log, ref).slowest_items
    assert [item.took_seconds for item in slowest] == [61.5, 30.0, 9.0, 4.0, 3.0]


def test_one_id_in_two_kinds_is_two_items(ref: JobRef) -> None:
    log = MemoryLog()
    with JobReporter(log, ref) as job:
        for kind in ("song", "playlist"):
            with job.item(7, kind=kind):
                pass
        assert is_sent(job)
        assert job.succeeded == 2
    progress = state(log, ref).progress
    assert progress is not None
    assert progress.succeeded == 2


def rows(count: int) -> list[dict[str, int]]:
    return [{"id": number} for number in range(count)]


def first_attempt(log: Any, ref: JobRef, *, done: int) -> None:
    with JobReporter(log, ref) as job:
        for number, _ in enumerate(job.track(rows(done + 5), key=lambda row: row["id"])):
            if number == done:
                break
        assert is_sent(job)


def test_a_loop_goes_on_with_what_has_not_succeeded(ref: JobRef) -> None:
    log = MemoryLog()
    first_attempt(log, ref, done=700)
    with JobReporter(log, ref, attempt=2) as job:
        again = [
            row["id"] for row in job.track(rows(1_200), key=lambda row: row["id"], resume=True)
        ]
        assert is_sent(job)
    assert again == list(range(700, 1_200))
    progress = state(log, ref).progress
    assert progress is not None
    assert (progress.done, progress.total) == (1_200, 1_200)


def test_unfinished_items_are_told_for_a_loop_of_ones_own(ref: JobRef) -> None:
    log = MemoryLog()
    first_attempt(log, ref, done=3)
    with JobReporter(log, ref, attempt=2) as job:
        left = [row["id"] for row in job.unfinished(rows(6), key=lambda row: row["id"])]
        other = [row["id"] for row in job.unfinished(rows(2), key=lambda row: row["id"], kind="x")]
    assert (left, other) == ([3, 4, 5], [0, 1])


def test_without_a_key_nothing_is_left_out_and_that_is_said(
    ref: JobRef, caplog: pytest.LogCaptureFixture
) -> None:
    log = MemoryLog()
    with JobReporter(log, ref) as job:
        assert list(job.track("abc", resume=True)) == ["a", "b", "c"]
    assert [record.action for record in caplog.records] == ["resume_without_key"]  # type: ignore[attr-defined]


def _gone(log: FaultyLog) -> None:
    log.fail_next = 10**9


def _broken(log: FaultyLog) -> None:
    log.error = ZeroDivisionError("a bug")


@pytest.mark.parametrize("fault", [_gone, _broken])
def test_a_log_that_cannot_tell_has_all_done_again_and_says_so(
    ref: JobRef, fault: Callable[[FaultyLog], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("progress.reporting.resume.PATIENCE_SECONDS", 0.6)
    log = FaultyLog(MemoryLog())
    first_attempt(log, ref, done=3)
    with JobReporter(log, ref, attempt=2, sender=BackgroundSender()) as job:
        fault(log)
        began = time.monotonic()
        again = [row["id"] for row in job.unfinished(rows(6), key=lambda row: row["id"])]
        assert time.monotonic() - began < 3
        log.fail_next, log.error = 0, None
        job.total(6)
        assert is_sent(job)
    assert again == list(range(6))
    note = state(log.log, ref).note
    assert note is not None
    assert "Everything is done again" in note.text
