"""A suite for each ability that a log may declare. Subclass those that your log has."""

from __future__ import annotations

import select
import time
from typing import Protocol

from ..errors import JobEnded
from ..events import ItemEvent
from ..log import (
    AppendPipeline,
    Log,
    Revoked,
    SupportsCancel,
    SupportsPipelining,
    SupportsResume,
    SupportsRevocation,
)
from .reading import events_of, fresh_ref, item, status


class _Revoking(Log, SupportsRevocation, Protocol):
    """A log with the ability that `RevocationContract` tests."""


class _Pipelining(Log, SupportsPipelining, Protocol):
    """A log with this ability."""


class _Resuming(Log, SupportsResume, Protocol):
    """A log that can tell what need not be done again."""


class _Cancelling(Log, SupportsCancel, Protocol):
    """A log with the ability that `CancelContract` tests."""


class RevocationContract:
    """What a log has to do that declares `SupportsRevocation`. Needs the fixture `log`."""

    def test_it_declares_revocations(self, log: Log) -> None:
        assert isinstance(log, SupportsRevocation)

    def test_all_messages_hear_of_an_account_that_is_revoked(self, log: _Revoking) -> None:
        account, listeners = fresh_ref().account, [log.messages(), log.messages()]
        try:
            log.revoke(account)
            for messages in listeners:
                until = time.monotonic() + 5
                while Revoked(account) not in messages.take():
                    assert time.monotonic() < until
                    select.select([messages], [], [], 0.1)
        finally:
            for messages in listeners:
                messages.close()


class CancelContract:
    """What a log has to do that declares `SupportsCancel`. Needs the fixture `log`."""

    def test_it_declares_cancels(self, log: Log) -> None:
        assert isinstance(log, SupportsCancel)

    def test_a_cancel_request_comes_back_with_the_next_append(self, log: _Cancelling) -> None:
        ref = fresh_ref()
        assert not log.append(ref, [status("running")], attempt=1).cancel_requested
        log.request_cancel(ref)
        assert log.append(ref, [], attempt=1).cancel_requested
        early = fresh_ref()
        log.request_cancel(early)
        assert log.snapshot(early) is None
        assert log.append(early, [status("running")], attempt=1).cancel_requested

    def test_whether_a_cancel_was_asked_for_can_be_looked_up(self, log: _Cancelling) -> None:
        ref = fresh_ref()
        assert not log.cancel_requested(ref)
        log.request_cancel(ref)
        assert log.cancel_requested(ref)
        log.append(ref, [status("running")], attempt=1)
        assert log.cancel_requested(ref)


class ResumeContract:
    """What a log has to do that can tell which items need not be done again."""

    def test_it_declares_resuming(self, log: Log) -> None:
        assert isinstance(log, SupportsResume)

    def test_what_has_succeeded_is_told_by_kind_and_id_in_every_attempt(
        self, log: _Resuming
    ) -> None:
        ref = fresh_ref()
        names = [("song", name) for name in ("a", "b", "c\t", "never")]
        assert list(log.has_succeeded(ref, names)) == [False] * 4
        log.append(ref, [item("a", "succeeded"), item("b", "failed")], attempt=1)
        log.append(ref, [item("c\t", "succeeded"), item("b", "in_progress")], attempt=2)
        assert list(log.has_succeeded(ref, names)) == [True, False, True, False]
        assert list(log.has_succeeded(ref, [("playlist", "a")])) == [False]
        assert list(log.has_succeeded(ref, [])) == []


class PipelineContract:
    """What a log has to do that takes a batch while the one before it is under way."""

    def test_it_declares_pipelining(self, log: Log) -> None:
        assert isinstance(log, SupportsPipelining)

    def test_batches_are_taken_in_the_order_in_which_they_were_sent(self, log: _Pipelining) -> None:
        ref = fresh_ref()
        pipeline = log.pipeline(ref, attempt=1)
        for name in "abc":
            pipeline.send([item(name, "queued")])
        positions = [pipeline.receipt().cursor.seq for _ in "abc"]
        pipeline.close()
        assert positions == sorted(positions)
        told = [event.item_id for event in events_of(log, ref) if isinstance(event, ItemEvent)]
        assert told == ["a", "b", "c"]

    def test_each_batch_after_the_end_is_refused_by_its_own_receipt(self, log: _Pipelining) -> None:
        ref = fresh_ref()
        pipeline = log.pipeline(ref, attempt=1)
        pipeline.send([status("completed")])
        pipeline.send([item("late", "queued")])
        assert pipeline.receipt().attempt == 1
        assert isinstance(_refusal(pipeline), JobEnded)
        pipeline.close()

    def test_a_batch_that_cannot_be_read_raises_at_its_own_receipt(self, log: _Pipelining) -> None:
        ref = fresh_ref()
        pipeline = log.pipeline(ref, attempt=1)
        pipeline.send([item("a", "queued")])
        pipeline.send(["no report"])  # type: ignore[list-item]
        pipeline.send([item("b", "queued")])
        assert pipeline.receipt().attempt == 1
        assert _refusal(pipeline) is not None
        assert pipeline.receipt().attempt == 1
        pipeline.close()


def _refusal(pipeline: AppendPipeline) -> Exception | None:
    try:
        pipeline.receipt()
    except Exception as error:
        return error
    return None
