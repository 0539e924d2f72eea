"""A job that waits says why: no worker, jobs before it, a time; on Redis and on RabbitMQ."""

from __future__ import annotations

import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from celery import Celery

from progress.celery import JobTask, install
from progress.events import JobWaiting, StatusEvent, StreamEvent
from progress.log import JobRef
from progress.redis import RedisLog
from progress.testing import status, watch
from tests.rabbitmq import rabbitmq
from tests.servers import Server
from tests.workers import worker

APPLICATION = "tests.integration.progress.apps.waits"


@dataclass
class Reader:
    """A browser that watches a job, and when each frame came."""

    frames: queue.Queue[tuple[float, StreamEvent]] = field(default_factory=queue.Queue)

    def until(self, wanted: Callable[[StreamEvent], bool], *, seconds: float) -> float:
        """When the next such frame came, in seconds of `time.monotonic`."""
        deadline, seen = time.monotonic() + seconds, []
        while (left := deadline - time.monotonic()) > 0:
            with suppress(queue.Empty):
                at, event = self.frames.get(timeout=left)
                if wanted(event):
                    return at
                seen.append(event)
        raise AssertionError(seen)


@contextmanager
def reading(log: RedisLog, ref: JobRef) -> Iterator[Reader]:
    reader = Reader()

    def read() -> None:
        with suppress(TimeoutError):
            for shown in watch(log, ref, seconds=90):
                reader.frames.put((time.monotonic(), shown.event))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    yield reader
    thread.join(30)


@dataclass(frozen=True)
class Site:
    """An application, its broker, and a queue of its own."""

    broker: str
    url: str
    folder: Path
    celery: Celery
    log: RedisLog
    queue: str = field(default_factory=lambda: f"analysis-{uuid4().hex[:6]}")

    def worker(self, *arguments: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
        environment = {
            "WAITS_BROKER": self.broker,
            "WAITS_LOG": self.url,
            "WAITS_QUEUE": self.queue,
        }
        options = ["--concurrency=1", f"--queues={self.queue}", *arguments]
        return worker(APPLICATION, self.folder, environment, *options)

    def send(self, name: str, *arguments: object, countdown: float | None = None) -> JobRef:
        sent = self.celery.tasks[name].apply_async(arguments, queue=self.queue, countdown=countdown)
        return JobRef("anna", sent.id)

    def why(self, **wanted: object) -> Callable[[StreamEvent], bool]:
        """Whether a frame says so of a job in this queue."""

        def is_so(event: StreamEvent) -> bool:
            return (
                isinstance(event, JobWaiting)
                and event.queue == self.queue
                and all(getattr(event, name) == value for name, value in wanted.items())
            )

        return is_so


@pytest.fixture(scope="module", params=["Redis", "RabbitMQ"])
def broker(request: pytest.FixtureRequest, valkey_server: Server) -> Iterator[str]:
    if request.param == "Redis":
        yield valkey_server.tcp_url
    else:
        with rabbitmq() as address:
            yield address


@pytest.fixture
def ended_by(broker: str) -> signal.Signals:
    """How the worker ends: one that is killed takes nothing away of what it said."""
    return signal.SIGKILL if broker.startswith("redis") else signal.SIGTERM


def _work(_: object) -> None:
    """The worker's application has the work itself."""


@pytest.fixture
def site(broker: str, valkey_server: Server, tmp_path: Path) -> Iterator[Site]:
    celery, log = Celery("sender", broker=broker, set_as_current=False), RedisLog(valkey_server.url)
    install(celery, log, account=lambda: "anna")
    for name in ("hold", "later"):
        celery.task(name=name, base=JobTask, shared=False)(_work)
    yield Site(broker, valkey_server.url, tmp_path, celery, log)
    log.close()
    celery.close()


def test_a_job_that_waits_says_why(site: Site, ended_by: signal.Signals) -> None:
    opened = site.folder / "open"
    again, *held = [
        site.send("later", 60),
        *(site.send("hold", str(opened)) for _ in range(3)),
    ]
    with reading(site.log, held[-1]) as reader:
        asked_at = time.monotonic()
        said_at = reader.until(site.why(workers=0, before=None), seconds=15)
        assert said_at - asked_at < 5
        with site.worker() as process:
            ready_at = time.monotonic()
            taken_at = reader.until(site.why(workers=1), seconds=15)
            assert taken_at - ready_at < 2
            # The first is under way, so the second is before the third. RabbitMQ tells a count, to
            # which the job that is tried again belongs: that stands behind the third.
            before = 1 if ended_by == signal.SIGKILL else 2
            reader.until(site.why(workers=1, before=before), seconds=15)
            with reading(site.log, again) as other:
                other.until(due_in(0, 60), seconds=9)
                end(site.log, again)
            process.send_signal(ended_by)
            ended_at = time.monotonic()
            assert reader.until(site.why(workers=0), seconds=20) - ended_at < 15
        end(site.log, held[-1])
        reader.until(is_status("cancelled"), seconds=9)
    assert reader.frames.empty()


def test_a_job_that_is_to_begin_later_says_when(site: Site) -> None:
    ref = site.send("later", 60, countdown=600)
    with reading(site.log, ref) as reader:
        reader.until(due_in(500, 600), seconds=9)
        end(site.log, ref)


def due_in(least: float, most: float) -> Callable[[StreamEvent], bool]:
    """Whether a frame says that the job is begun in so many seconds."""
    return lambda event: (
        isinstance(event, JobWaiting)
        and event.until is not None
        and least < event.until.timestamp() - time.time() <= most
    )


def end(log: RedisLog, ref: JobRef) -> None:
    known = log.snapshot(ref)
    assert known is not None
    log.append(ref, [status("cancelled")], attempt=known[0].attempt)


def is_status(name: str) -> Callable[[StreamEvent], bool]:
    return lambda event: isinstance(event, StatusEvent) and event.status == name
