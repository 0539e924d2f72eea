"""The suite that every log has to pass. `abilities` has one more for each ability of a log."""

from __future__ import annotations

from collections.abc import Sequence

from ..cursor import Cursor
from ..errors import JobEnded, StaleAttempt
from ..events import FeedSnapshot, Snapshot
from ..log import Entry, FeedRef, Gap, JobRef, Log
from ..reports import CountsReport, ErrorReport, PhaseReport, Report, TotalReport
from .doubles import ManualClock
from .reading import (
    entries_of,
    events_of,
    folded,
    folded_feed,
    following,
    fresh_ref,
    heard,
    item,
    status,
)


class LogContract:
    """What every log has to do. Subclasses give the fixtures `log` and `clock`.

    The log's clock is `clock`, and it keeps at least 1,000 events of a job.
    """

    def test_an_empty_log_has_no_snapshot(self, log: Log) -> None:
        assert log.snapshot(fresh_ref()) is None
        assert log.snapshot(FeedRef(fresh_ref().account)) is None

    def test_positions_count_from_one_without_holes(self, log: Log) -> None:
        ref = fresh_ref()
        for number in range(30):
            log.append(ref, [item(str(number), "queued"), item(str(number), "failed")], attempt=1)
        cursors = [entry.cursor for entry in entries_of(log, ref)]
        assert [cursor.seq for cursor in cursors] == list(range(1, len(cursors) + 1))
        assert len({cursor.epoch for cursor in cursors}) == 1

    def test_the_snapshot_is_the_fold_of_the_events_after_every_append(
        self, log: Log, clock: ManualClock
    ) -> None:
        ref = fresh_ref()
        for reports, attempt in _A_FULL_LIFE:
            clock.advance(0.7)
            receipt = log.append(ref, reports, attempt=attempt)
            state = log.snapshot(ref)
            assert state is not None
            assert state[1] == receipt.cursor
            assert state[0] == folded(events_of(log, ref))

    def test_the_feed_is_the_fold_of_its_events_after_every_append(
        self, log: Log, clock: ManualClock
    ) -> None:
        ref = fresh_ref()
        feed = FeedRef(ref.account)
        for reports, attempt in _A_FULL_LIFE:
            clock.advance(0.1)
            log.append(ref, reports, attempt=attempt)
            other = JobRef(ref.account, f"{ref.job_id}-{len(reports)}")
            log.append(other, [status("running"), TotalReport(3, clock())], attempt=1)
            state = log.snapshot(feed)
            assert state is not None
            assert state[0] == folded_feed(events_of(log, feed))

    def test_an_item_reported_twice_counts_once(self, log: Log) -> None:
        ref = fresh_ref()
        log.append(ref, [item("a", "in_progress"), item("a", "succeeded")], attempt=1)
        before = log.snapshot(ref)
        receipt = log.append(ref, [item("a", "in_progress"), item("a", "failed")], attempt=1)
        assert log.snapshot(ref) == before
        assert before is not None
        assert receipt.cursor == before[1]

    def test_a_new_attempt_keeps_what_succeeded_and_forgets_the_rest(self, log: Log) -> None:
        ref = fresh_ref()
        first: list[Report] = [
            TotalReport(3, 0.0),
            item("a", "succeeded"),
            item("b", "failed", error="no"),
        ]
        log.append(ref, [status("running"), *first, item("c", "in_progress")], attempt=1)
        log.append(ref, [status("running")], attempt=2)
        snapshot = _job_snapshot(log, ref)
        assert snapshot.progress is not None
        assert (snapshot.progress.succeeded, snapshot.progress.failed) == (1, 0)
        assert snapshot.items_in_progress == ()
        assert snapshot.failed_items == ()
        log.append(ref, [item("a", "succeeded"), item("b", "succeeded")], attempt=2)
        snapshot = _job_snapshot(log, ref)
        assert snapshot.progress is not None
        assert (snapshot.progress.done, snapshot.progress.total) == (2, 3)

    def test_a_stale_attempt_is_refused_and_told(self, log: Log) -> None:
        ref = fresh_ref()
        log.append(ref, [status("running")], attempt=2)
        before = log.snapshot(ref)
        try:
            log.append(ref, [item("a", "succeeded")], attempt=1)
        except StaleAttempt as refusal:
            assert refusal.current_attempt == 2
        else:
            raise AssertionError("a stale attempt was taken")
        assert log.snapshot(ref) == before

    def test_nothing_follows_a_terminal_status(self, log: Log) -> None:
        ref = fresh_ref()
        log.append(ref, [status("completed"), item("late", "failed")], attempt=1)
        before = log.snapshot(ref)
        for attempt in (1, 2):
            try:
                log.append(ref, [status("failed")], attempt=attempt)
            except JobEnded:
                continue
            raise AssertionError("a report after the end was taken")
        assert log.snapshot(ref) == before
        assert entries_of(log, ref)[-1].document.startswith(b'{"type":"status"')

    def test_any_cursor_has_a_defined_answer(self, log: Log) -> None:
        ref = fresh_ref()
        end = log.append(ref, [item(str(n), "succeeded") for n in range(5)], attempt=1).cursor
        assert [e.cursor.seq for e in _entries(log.read(ref, after=Cursor(end.epoch, 2)))] == [
            *range(3, end.seq + 1)
        ]
        assert _entries(log.read(ref, after=end)) == []
        for odd in (
            Cursor(end.epoch, end.seq + 1),
            Cursor(end.epoch - 1, 1),
            Cursor(end.epoch + 1, 0),
            Cursor(0, 0),
            Cursor(2**64 - 1, 2**64 - 1),
        ):
            assert isinstance(log.read(ref, after=odd), Gap)
        assert isinstance(log.read(fresh_ref(), after=end), Gap)

    def test_trimmed_history_is_a_gap_and_what_is_kept_is_not(self, log: Log) -> None:
        ref = fresh_ref()
        for start in range(0, 6_000, 500):
            items = [item(str(number), "succeeded") for number in range(start, start + 500)]
            end = log.append(ref, items, attempt=1).cursor
        assert isinstance(log.read(ref, after=Cursor(end.epoch, 0)), Gap)
        kept = _entries(log.read(ref, after=Cursor(end.epoch, end.seq - 500)))
        assert [entry.cursor.seq for entry in kept] == list(range(end.seq - 499, end.seq + 1))

    def test_a_log_behind_its_writer_becomes_a_new_epoch_and_says_so(self, log: Log) -> None:
        ref = fresh_ref()
        first = log.append(ref, [item("a", "succeeded")], attempt=1).cursor
        ahead = Cursor(first.epoch, first.seq + 5)
        receipt = log.append(ref, [item("b", "succeeded")], attempt=1, seen=ahead)
        assert receipt.lost
        assert receipt.cursor.epoch > first.epoch
        assert isinstance(log.read(ref, after=first), Gap)
        # The counts that were left are kept.
        progress = _job_snapshot(log, ref).progress
        assert progress is not None
        assert progress.succeeded == 2
        again = log.append(ref, [item("c", "queued")], attempt=1, seen=receipt.cursor)
        assert not again.lost

    def test_who_follows_a_log_before_an_append_hears_of_it(self, log: Log) -> None:
        ref, other = fresh_ref(), fresh_ref()
        with following(log, ref) as messages:
            log.append(other, [item("x", "queued")], attempt=1)
            cursor = log.append(ref, [item("a", "queued"), item("b", "queued")], attempt=1).cursor
            (named, message), *more = heard(messages, seconds=5)
            assert (named, more) == (ref, [])
            assert message.entries[-1].cursor == cursor
            assert list(message.entries) == entries_of(log, ref)
            messages.leave(ref)
            log.append(ref, [item("a", "succeeded")], attempt=1)
            assert heard(messages, seconds=0.05) == []

    def test_the_feed_is_heard_too_and_holds_only_statuses_and_progress(self, log: Log) -> None:
        ref = fresh_ref()
        feed = FeedRef(ref.account)
        with following(log, feed) as messages:
            log.append(ref, [status("running"), item("a", "in_progress")], attempt=1)
            assert [named for named, _ in heard(messages, seconds=5)] == [feed]
        log.append(ref, [item("a", "succeeded"), status("completed")], attempt=1)
        events = events_of(log, feed)
        assert {event.type for event in events} == {"status", "progress"}
        state = log.snapshot(feed)
        assert state is not None
        assert isinstance(state[0], FeedSnapshot)
        assert state[0].jobs == ()

    def test_counts_of_its_own_and_items_together_never_go_back(self, log: Log) -> None:
        ref = fresh_ref()
        log.append(ref, [CountsReport(5, 0.0, 10)], attempt=1)
        log.append(ref, [item("a", "succeeded")], attempt=1)
        progress = _job_snapshot(log, ref).progress
        assert progress is not None
        assert (progress.done, progress.succeeded) == (5, 1)

    def test_every_attempt_begins_with_an_event(self, log: Log) -> None:
        ref = fresh_ref()
        log.append(ref, [item("a", "succeeded")], attempt=1)
        log.append(ref, [item("a", "succeeded")], attempt=2)
        assert events_of(log, ref)[-1].attempt == 2
        before = log.snapshot(ref)
        log.append(ref, [], attempt=3)
        assert log.snapshot(ref) == before

    def test_a_snapshot_is_bounded_whatever_the_jobs_size(self, log: Log) -> None:
        ref = fresh_ref()
        items = [item(f"f{n}", "failed", error="no") for n in range(300)]
        running = [item(f"r{n}", "in_progress") for n in range(300)]
        log.append(ref, [*items, *running], attempt=1)
        log.append(ref, [item(f"r{n}", "succeeded") for n in range(290, 300)], attempt=1)
        snapshot = _job_snapshot(log, ref)
        assert [failed.item_id for failed in snapshot.failed_items][-1] == "f299"
        assert [running.item_id for running in snapshot.items_in_progress][-1] == "r289"
        assert snapshot == folded(events_of(log, ref))
        assert len(snapshot.to_json()) < 10_000

    def test_accounts_and_jobs_of_any_name_stay_apart(self, log: Log) -> None:
        suffix = fresh_ref().job_id
        refs = [
            JobRef(f"{{{suffix}}}", "a"),
            JobRef(suffix, "{a}"),
            JobRef(f"{suffix}:job", "a"),
            JobRef(suffix, "job:a\n\t\x00é😀"),
            JobRef(suffix, ""),
        ]
        for number, ref in enumerate(refs, 1):
            log.append(ref, [item(str(n), "succeeded") for n in range(number)], attempt=1)
        for number, ref in enumerate(refs, 1):
            progress = _job_snapshot(log, ref).progress
            assert progress is not None
            assert progress.done == number

    def test_item_ids_of_any_text_are_told_apart(self, log: Log) -> None:
        ref = fresh_ref()
        ids = ["a", "a\t", "a\n", '"', "\\", "\x00", "é", "😀", "I\t3\ts\ta", "\u2028"]
        log.append(ref, [item(name, "succeeded") for name in ids * 2], attempt=1)
        events = [event for event in events_of(log, ref) if event.type == "item"]
        assert [event.item_id for event in events] == ids

    def test_the_rate_and_the_eta_follow_the_clock_and_freeze_at_the_end(
        self, log: Log, clock: ManualClock
    ) -> None:
        ref = fresh_ref()
        log.append(ref, [status("running"), TotalReport(100, clock())], attempt=1)
        for number in range(50):
            clock.advance(1.0)
            log.append(ref, [item(str(number), "succeeded", at=clock())], attempt=1)
        progress = _job_snapshot(log, ref).progress
        assert progress is not None
        assert progress.per_second == 1.0
        assert progress.eta_seconds == 50
        log.append(ref, [status("failed", at=clock())], attempt=1)
        progress = _job_snapshot(log, ref).progress
        assert progress is not None
        assert progress.per_second == 1.0
        assert progress.eta_seconds is None

    def test_a_job_without_items_sets_its_counts_itself(self, log: Log) -> None:
        ref = fresh_ref()
        for done in (1, 5, 3):
            log.append(ref, [CountsReport(done, 0.0, 10)], attempt=1)
        progress = _job_snapshot(log, ref).progress
        assert progress is not None
        assert (progress.done, progress.total, progress.fraction) == (5, 10, 0.5)


def _entries(answer: Sequence[Entry] | Gap) -> list[Entry]:
    if isinstance(answer, Gap):
        raise AssertionError("a gap where entries are retained")
    return list(answer)


def _job_snapshot(log: Log, ref: JobRef) -> Snapshot:
    state = log.snapshot(ref)
    if state is None or not isinstance(state[0], Snapshot):
        raise AssertionError(f"no snapshot of {ref}")
    return state[0]


_AT = 1_790_000_000.0
_A_FULL_LIFE: tuple[tuple[list[Report], int], ...] = (
    ([status("pending")], 1),
    ([status("running"), status("running")], 1),
    ([PhaseReport("read", _AT, 1, 2, 0.0, 1.0, 4.0, 2), item("a", "queued")], 1),
    ([item("a", "in_progress"), item("b", "in_progress")], 1),
    ([item("b", "failed", error="unreadable"), item("a", "succeeded")], 1),
    ([PhaseReport("play", _AT, 2, 2, 1.0, 3.0, 4.0, 3), item("c", "in_progress")], 1),
    ([item("c", "succeeded"), item("d", "in_progress")], 1),
    ([ErrorReport("A passing fault", "passing", _AT), status("retrying", reason="soon")], 1),
    ([status("running")], 2),
    ([], 2),
    ([TotalReport(9, _AT), item("d", "in_progress"), item("b", "succeeded")], 2),
    ([item("d", "failed", error="again")], 2),
    ([ErrorReport("It broke", "broken", _AT), status("failed", reason="It broke")], 2),
)
