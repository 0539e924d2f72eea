"""The suite for logs that keep why jobs wait."""

from __future__ import annotations

import time
from typing import Protocol
from uuid import uuid4

from ..events import JobWaiting
from ..log import JobRef, Log
from ..queues import Destination, QueueLook, SupportsQueues
from .reading import fresh_ref, status


class _Queued(Log, SupportsQueues, Protocol):
    """A log with the ability that `QueueContract` tests."""


def _sent(log: _Queued, queue: str, *, due_at: float | None = None) -> JobRef:
    ref = fresh_ref()
    log.append(ref, [status("pending")], attempt=1)
    log.queues.sent(ref, Destination(queue, due_at))
    return ref


def _why(log: _Queued, ref: JobRef) -> JobWaiting:
    (waiting,) = log.queues.why([ref])
    assert waiting is not None
    assert waiting.job_id == ref.job_id
    return waiting


class QueueContract:
    """What a log has to do that declares `SupportsQueues`. Needs the fixture `log`."""

    def test_it_declares_queues(self, log: Log) -> None:
        assert isinstance(log, SupportsQueues)

    def test_a_job_is_told_how_many_workers_take_its_queue(self, log: _Queued) -> None:
        queue, other = f"a {{queue}} {uuid4()}", uuid4().hex
        ref = _sent(log, queue)
        assert (_why(log, ref).queue, _why(log, ref).workers) == (queue, 0)
        for _ in range(2):
            log.queues.take("one", [queue, other], seconds=60)
        log.queues.take("two", [queue], seconds=60)
        assert _why(log, ref).workers == 2
        log.queues.leave("one", [queue])
        log.queues.leave("one", [])
        assert _why(log, ref).workers == 1

    def test_a_worker_that_says_nothing_more_takes_nothing(self, log: _Queued) -> None:
        queue = uuid4().hex
        ref = _sent(log, queue)
        log.queues.take("gone", [queue], seconds=0.2)
        log.queues.take("here", [queue], seconds=60)
        assert _why(log, ref).workers == 2
        until = time.monotonic() + 5
        while _why(log, ref).workers != 1:
            assert time.monotonic() < until
            time.sleep(0.02)

    def test_one_worker_is_asked_to_look_once_somebody_asks(self, log: _Queued) -> None:
        queue = uuid4().hex
        ref = _sent(log, queue)
        _why(log, ref)
        assert list(log.queues.take("one", [queue], seconds=60)) == [queue]
        assert list(log.queues.take("two", [queue], seconds=60)) == []
        assert list(log.queues.take("one", [], seconds=60)) == []

    def test_a_job_is_told_what_is_before_it(self, log: _Queued) -> None:
        queue = uuid4().hex
        ref = _sent(log, queue)
        log.queues.looked(queue, QueueLook(8), seconds=60)
        assert _why(log, ref).before is None, "nobody takes them"
        log.queues.take("one", [queue], seconds=60)
        assert _why(log, ref).before == 7
        log.queues.looked(queue, QueueLook(3, ("other", ref.job_id, "later")), seconds=60)
        assert _why(log, ref).before == 1
        log.queues.looked(queue, QueueLook(1, ("later",)), seconds=60)
        assert _why(log, ref).before is None, "a worker has it"

    def test_a_job_that_is_due_later_is_told_when(self, log: _Queued) -> None:
        queue, due_at = uuid4().hex, float(int(time.time()) + 600)
        ref = _sent(log, queue, due_at=due_at)
        log.queues.take("one", [queue], seconds=60)
        log.queues.looked(queue, QueueLook(8), seconds=60)
        waiting = _why(log, ref)
        assert waiting.until is not None
        assert (waiting.until.timestamp(), waiting.before) == (due_at, None)
        log.queues.sent(ref, Destination(queue, time.time() - 1))
        assert (_why(log, ref).until, _why(log, ref).before) == (None, 7)

    def test_a_job_that_does_not_wait_is_told_nothing(self, log: _Queued) -> None:
        ref = _sent(log, uuid4().hex)
        for name, waits in (("running", False), ("retrying", True), ("completed", False)):
            log.append(ref, [status(name)], attempt=1)
            (waiting,) = log.queues.why([ref])
            assert (waiting is not None) is waits

    def test_nothing_is_known_of_a_job_that_nobody_sent_or_that_has_no_log(
        self, log: _Queued
    ) -> None:
        known, unsent, unlogged = _sent(log, uuid4().hex), fresh_ref(), fresh_ref()
        log.append(unsent, [status("pending")], attempt=1)
        log.queues.sent(unlogged, Destination("queue"))
        first, second, third = log.queues.why([unsent, known, unlogged])
        assert (first, third) == (None, None)
        assert second is not None
        assert list(log.queues.why([])) == []
        assert log.snapshot(unlogged) is None
