"""A writer has two batches under way, and a server that breaks between them loses nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from progress.errors import LogUnavailable
from progress.events import ItemEvent, ItemStatus, Snapshot
from progress.log import AppendPipeline, JobRef
from progress.redis import RedisLog
from progress.reporting import buffer
from progress.reporting.reporter import JobReporter
from progress.reporting.sender import BackgroundSender
from progress.reports import ItemReport
from progress.testing import events_of, fresh_ref, item
from tests.servers import Server
from tests.unit.progress.reporting.sent import is_sent


class WatchedLog(RedisLog):
    """Notes how many batches are under way, and breaks where it is told."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.under_way: list[int] = []
        self.break_at: set[int] = set()

    def pipeline(self, ref: JobRef, *, attempt: int) -> AppendPipeline:  # type: ignore[override]
        return _Watched(self, super().pipeline(ref, attempt=attempt))


class _Watched:
    def __init__(self, log: WatchedLog, pipeline: AppendPipeline) -> None:
        self._log, self._pipeline, self._open = log, pipeline, 0

    def send(self, reports, *, seen=None):  # type: ignore[no-untyped-def]
        self._pipeline.send(reports, seen=seen)
        self._open += 1
        self._log.under_way.append(self._open)

    def receipt(self):  # type: ignore[no-untyped-def]
        if len(self._log.under_way) in self._log.break_at:
            self._log.break_at.discard(len(self._log.under_way))
            raise LogUnavailable("The log was told to break.")
        self._open -= 1
        return self._pipeline.receipt()

    def close(self):  # type: ignore[no-untyped-def]
        self._pipeline.close()


@pytest.fixture
def log(valkey_server: Server) -> Iterator[WatchedLog]:
    log = WatchedLog(valkey_server.url)
    yield log
    log.close()


def _work(log: WatchedLog, ref: JobRef, count: int) -> JobReporter:
    reporter = JobReporter(log, ref, sender=BackgroundSender())
    for number in range(count):
        reporter.item_status(number, "succeeded", kind="song")
    assert is_sent(reporter)
    reporter.close()
    return reporter


def _told(log: RedisLog, ref: JobRef) -> list[int]:
    """The items in the order in which the log has them."""
    return [int(event.item_id) for event in events_of(log, ref) if isinstance(event, ItemEvent)]


def test_two_batches_are_under_way_and_never_three(
    log: WatchedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffer, "BATCH", 50)
    monkeypatch.setattr(buffer, "BACKLOG_BATCH", 50)
    ref = fresh_ref()
    _work(log, ref, 1_500)
    assert max(log.under_way) == 2
    assert _told(log, ref) == list(range(1_500))


@pytest.mark.parametrize("breaks", [{1}, {2}, {2, 3, 4}, {3, 7}])
def test_what_had_no_receipt_is_sent_again_in_its_order(
    log: WatchedLog, breaks: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffer, "BATCH", 50)
    monkeypatch.setattr(buffer, "BACKLOG_BATCH", 50)
    ref = fresh_ref()
    log.break_at = breaks
    _work(log, ref, 600)
    assert _told(log, ref) == list(range(600))
    known = log.snapshot(ref)
    assert known is not None
    assert isinstance(known[0], Snapshot)
    assert known[0].progress is not None
    assert known[0].progress.succeeded == 600


@pytest.mark.parametrize("answered", [0, 1])
def test_a_connection_that_the_server_closes_between_two_batches_loses_neither(
    log: WatchedLog, answered: int
) -> None:
    ref = fresh_ref()
    pipeline = log.pipeline(ref, attempt=1)
    for name in ("1", "2"):
        pipeline.send([item(name, "queued")])
    for _ in range(answered):
        pipeline.receipt()
    for client in log.client.client_list():
        log.client.client_kill_filter(_id=client["id"], skipme=True)
    for _ in range(2 - answered):
        assert pipeline.receipt().attempt == 1
    pipeline.close()
    assert _told(log, ref) == [1, 2]


def test_a_server_that_forgot_the_script_takes_the_batches_in_their_order(log: WatchedLog) -> None:
    ref = fresh_ref()
    log.client.script_flush()
    pipeline = log.pipeline(ref, attempt=1)
    pipeline.send([item("1", "queued")])
    pipeline.send([item("2", "queued")])
    assert pipeline.receipt().attempt == 1
    pipeline.send([item("3", "queued")])
    assert [pipeline.receipt().attempt for _ in "23"] == [1, 1]
    pipeline.close()
    assert _told(log, ref) == [1, 2, 3]


def test_one_report_that_cannot_be_sent_takes_neither_its_batch_nor_the_next_along(
    log: WatchedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffer, "BATCH", 10)
    monkeypatch.setattr(buffer, "BACKLOG_BATCH", 10)
    ref = fresh_ref()
    reporter = JobReporter(log, ref, sender=BackgroundSender())
    for number in range(35):
        reporter.item_status(number, "succeeded", kind="song")
        if number == 12:
            reporter._buffer.put(ItemReport(object(), "song", ItemStatus.QUEUED, 0.0))  # type: ignore[arg-type]
    assert is_sent(reporter)
    reporter.close()
    assert sorted(_told(log, ref)) == list(range(35))
