"""A worker says which queues it takes; neither its log nor its broker can hurt it."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from kombu import Exchange, Queue

from progress.celery.queues import destination
from progress.celery.takers import Taker, taken_by
from progress.errors import LogUnavailable
from progress.log import JobRef
from progress.memory import MemoryLog
from progress.queues import Destination
from progress.testing import fresh_ref, status


class Worker:
    """What a worker's main process has, with a broker in memory."""

    def __init__(self, broker: str = "memory://") -> None:
        self.app = Celery("takers", broker=broker, set_as_current=False)
        self.log, self.taken = MemoryLog(), ["celery"]
        self.ref: JobRef = fresh_ref()
        self.log.append(self.ref, [status("pending")], attempt=1)
        self.log.queues.sent(self.ref, Destination("celery"))
        self.taker = Taker(self.app, self.log.queues, "one", lambda: list(self.taken), seconds=4.0)

    def workers(self) -> int:
        (why,) = self.log.queues.why([self.ref])
        assert why is not None
        return why.workers


def test_what_a_worker_takes_no_more_it_takes_back() -> None:
    worker = Worker()
    worker.taker.step()
    assert worker.workers() == 1
    worker.taken = []
    worker.taker.step()
    assert worker.workers() == 0


def test_a_worker_that_ends_says_so() -> None:
    worker = Worker()
    worker.taker.start()
    until = time.monotonic() + 5
    while not worker.workers():
        assert time.monotonic() < until
        time.sleep(0.01)
    worker.taker.stop()
    assert worker.workers() == 0


@pytest.mark.parametrize("error", [LogUnavailable("gone"), RuntimeError("a bug")])
def test_a_log_that_fails_ends_neither_the_thread_nor_the_worker(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker()

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(worker.log.queues, "take", fail)
    worker.taker.step()
    monkeypatch.undo()
    worker.taker.step()
    assert worker.workers() == 1


def test_a_broker_that_is_away_costs_the_length_alone() -> None:
    worker = Worker("redis://127.0.0.1:1/0")
    worker.workers()  # somebody asks
    worker.taker.step()
    (why,) = worker.log.queues.why([worker.ref])
    assert why is not None
    assert (why.workers, why.before) == (1, None)


def test_a_queue_is_looked_into_where_somebody_asks() -> None:
    worker = Worker()
    with worker.app.connection_for_write() as connection:
        queue = connection.SimpleQueue("celery")
        for _ in range(3):
            queue.put("a message")
        worker.workers()
        worker.taker.step()
        (why,) = worker.log.queues.why([worker.ref])
        queue.clear()
        queue.close()
    assert why is not None
    assert (why.workers, why.before) == (1, 2)


class Consumer:
    """A worker's consumer whose queues are taken, or not."""

    class task_consumer:  # noqa: N801 - Celery's name
        queues = (Queue("taken"), Queue("cancelled"))

        @staticmethod
        def consuming_from(queue: Queue) -> bool:
            return bool(queue.name == "taken")


def test_a_queue_that_a_worker_stopped_taking_is_not_taken() -> None:
    assert taken_by(Consumer) == ["taken"]
    assert taken_by(SimpleNamespace(task_consumer=None)) == ()


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"declare": [Queue("fast")], "routing_key": "other"}, "fast"),
        ({"exchange": Exchange("music"), "routing_key": "songs"}, "analysis"),
        ({"exchange": "music", "routing_key": "songs"}, "analysis"),
        ({"exchange": "", "routing_key": "direct"}, "direct"),
        ({}, "celery"),
    ],
)
def test_the_queue_of_a_message_is_found_however_it_was_routed(
    said: dict[str, Any], name: str
) -> None:
    app = Celery("routes", broker="memory://", set_as_current=False)
    app.conf.task_queues = [Queue("analysis", Exchange("music"), routing_key="songs")]
    eta = "2026-11-26T14:05:00+00:00"
    assert destination(app, {"eta": eta}, said) == Destination(name, 1_795_701_900.0)
    assert destination(app, {"eta": None}, said).due_at is None
