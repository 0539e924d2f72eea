"""The suite for a log that can be begun anew. Subclass it where your log can."""

from __future__ import annotations

from typing import Protocol

from ..errors import StaleAttempt
from ..log import MAX_PAST_RUNS, Gap, Log, SupportsCancel, SupportsRestart
from ..parts import SupportsParts
from .reading import events_of, folded, fresh_ref, item, status


class _Restarting(Log, SupportsRestart, Protocol):
    """A log with the ability that `RestartContract` tests."""


class RestartContract:
    """What a log has to do that can be begun anew under an old id. Needs the fixture `log`."""

    def test_it_declares_restarts(self, log: Log) -> None:
        assert isinstance(log, SupportsRestart)

    def test_a_run_after_the_end_begins_a_fresh_log(self, log: _Restarting) -> None:
        ref = fresh_ref()
        assert log.begin_anew(ref, "one")
        log.append(ref, [status("running"), item("a", "succeeded")], attempt=2)
        first = log.append(ref, [status("completed")], attempt=2).cursor
        assert log.begin_anew(ref, "two")
        assert log.snapshot(ref) is None
        receipt = log.append(ref, [status("pending")], attempt=1)
        assert receipt.cursor.epoch > first.epoch
        assert (receipt.cursor.seq, receipt.attempt, receipt.lost) == (1, 1, False)
        log.append(ref, [item("a", "succeeded")], attempt=1)
        events = events_of(log, ref)
        assert [event.type for event in events] == ["status", "item", "progress"]
        state = log.snapshot(ref)
        assert state is not None
        assert state[0] == folded(events)
        assert isinstance(log.read(ref, after=first), Gap)

    def test_a_run_that_is_told_again_changes_nothing(self, log: _Restarting) -> None:
        ref = fresh_ref()
        for word in ("pending", "running", "completed"):
            assert log.begin_anew(ref, "one", takes_over=True)
            log.append(ref, [status(word)], attempt=1)
        state = log.snapshot(ref)
        assert log.begin_anew(ref, "one", takes_over=True)
        assert log.snapshot(ref) == state
        assert sum(event.type == "status" for event in events_of(log, ref)) == 3

    def test_a_run_while_another_is_under_way_goes_on_with_its_log(self, log: _Restarting) -> None:
        ref = fresh_ref()
        log.begin_anew(ref, "one")
        log.append(ref, [status("running"), item("a", "succeeded")], attempt=1)
        state = log.snapshot(ref)
        assert log.begin_anew(ref, "two")
        assert log.begin_anew(ref, "one")
        assert log.begin_anew(ref, "two", takes_over=True)
        assert not log.begin_anew(ref, "one")
        assert log.snapshot(ref) == state
        log.append(ref, [status("completed")], attempt=1)
        assert log.begin_anew(ref, "two")
        assert log.snapshot(ref) is not None

    def test_a_message_of_an_earlier_run_comes_too_late(self, log: _Restarting) -> None:
        ref = fresh_ref()
        for number in range(MAX_PAST_RUNS + 1):
            assert log.begin_anew(ref, f"run-{number}")
            log.append(ref, [status("completed")], attempt=1)
        for number in range(MAX_PAST_RUNS):
            assert not log.begin_anew(ref, f"run-{number}", takes_over=True)
        assert log.begin_anew(ref, f"run-{MAX_PAST_RUNS}", takes_over=True)
        assert log.snapshot(ref) is not None

    def test_a_writer_of_an_earlier_run_is_refused(self, log: _Restarting) -> None:
        ref = fresh_ref()
        seen = log.append(ref, [status("running")], attempt=3).cursor
        log.append(ref, [status("failed")], attempt=3)
        log.begin_anew(ref, "two")
        for late in (None, item("late", "succeeded"), status("completed")):
            try:
                log.append(ref, [late] if late else [], attempt=4, seen=seen)
            except StaleAttempt:
                continue
            raise AssertionError("The log took what a writer of an earlier run reports.")
        assert log.snapshot(ref) is None
        log.append(ref, [status("running")], attempt=1)
        assert [event.type for event in events_of(log, ref)] == ["status"]

    def test_a_request_to_cancel_is_the_earlier_runs_alone(self, log: _Restarting) -> None:
        assert isinstance(log, SupportsCancel)
        ref = fresh_ref()
        log.append(ref, [status("running")], attempt=1)
        log.request_cancel(ref)
        log.append(ref, [status("cancelled")], attempt=1)
        log.begin_anew(ref, "two")
        assert not log.append(ref, [status("running")], attempt=1).cancel_requested

    def test_the_parts_of_the_earlier_run_are_open_no_more(self, log: _Restarting) -> None:
        assert isinstance(log, SupportsParts)
        ref = fresh_ref()
        log.begin_anew(ref, "one")
        log.parts.open(ref, "first", attempt=1)
        log.parts.announce(ref, "lost", attempt=1)
        log.append(ref, [status("failed")], attempt=1)
        log.begin_anew(ref, "two")
        log.parts.open(ref, "first", attempt=1)
        assert log.parts.end(ref, "first", attempt=1).is_last
