"""A server that is slow, gone, emptied, set back, full or read-only, and a job goes on.

After each: the task was not held up, the counts are right, and readers see them soon.
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest
import redis

from progress.events import JobStatus, Snapshot
from progress.log import JobRef
from progress.redis import RedisLog
from progress.reporting.reporter import JobReporter
from progress.reporting.sender import BackgroundSender
from progress.rules.snapshot import fold
from progress.testing import fresh_ref, watch
from tests.servers import Server, valkey

ITEMS = 300
#: The bound of one outage, and what a busy machine adds to any measurement.
HELD_UP_SECONDS = 0.05 + 0.25
SEEN_AGAIN_SECONDS = 5


@dataclass
class Follower:
    """What a browser holds: the state folded from what it is shown, and when."""

    log: RedisLog
    ref: JobRef
    state: Snapshot | None = None
    stopped: bool = False
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with suppress(TimeoutError):
            for shown in watch(self.log, self.ref):
                event = shown.event
                if isinstance(event, Snapshot):
                    self.state = event
                else:
                    self.state = fold(self.state, event)  # type: ignore[arg-type]
                if self.stopped:
                    return

    def wait_for(self, succeeded: int, *, seconds: float) -> float:
        """How long it took until a reader saw that this many items had succeeded."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            state = self.state
            if state and state.progress and state.progress.succeeded == succeeded:
                return time.monotonic() - began
            time.sleep(0.01)
        pytest.fail(f"{succeeded} were not shown in {seconds} s: {self.state}")

    def stop(self) -> None:
        self.stopped = True
        self._thread.join(5)


@dataclass
class Job:
    """A task that works through items, and how long reporting held it up at the worst."""

    reporter: JobReporter
    held_up_seconds: float = 0.0
    done: int = 0

    def work(self, count: int) -> None:
        for _ in range(count):
            began = time.monotonic()
            with self.reporter.item(self.done, kind="thing", label=f"Thing {self.done}"):
                pass
            self.held_up_seconds += time.monotonic() - began
            self.done += 1


@pytest.fixture
def server() -> Iterator[Server]:
    with valkey("--appendonly", "yes", "--appendfsync", "always") as server:
        yield server


@contextmanager
def _job(server: Server) -> Iterator[tuple[Job, Follower]]:
    log = RedisLog(server.url, timeout_seconds=0.5)
    ref = fresh_ref()
    with JobReporter(log, ref, sender=BackgroundSender()) as reporter:
        reporter.total(ITEMS)
        follower = Follower(log, ref)
        yield Job(reporter), follower
        reporter.status(JobStatus.COMPLETED)
        follower.stop()
    log.close()


@contextmanager
def _stopped(server: Server) -> Iterator[None]:
    """The server answers nothing for a while."""
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.process.pid, signal.SIGCONT)


@contextmanager
def _killed(server: Server) -> Iterator[None]:
    server.kill()
    yield
    server.start()


@contextmanager
def _emptied(server: Server) -> Iterator[None]:
    server.kill()
    shutil.rmtree(server.folder / "appendonlydir")
    yield
    server.start()


@contextmanager
def _full(server: Server) -> Iterator[None]:
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", "1")
        yield
        client.config_set("maxmemory", "0")


@contextmanager
def _read_only(server: Server) -> Iterator[None]:
    with redis.Redis.from_url(server.url) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        yield
        client.execute_command("REPLICAOF", "NO", "ONE")


Outage = Callable[[Server], object]


@pytest.mark.parametrize(
    "outage", [_stopped, _killed, _emptied, _full, _read_only], ids=lambda outage: outage.__name__
)
def test_an_outage_holds_up_no_task_and_is_made_good_within_seconds(
    server: Server, outage: Callable[[Server], object]
) -> None:
    with _job(server) as (job, follower):
        job.work(100)
        follower.wait_for(100, seconds=5)
        job.held_up_seconds = 0
        with outage(server):  # type: ignore[attr-defined]
            for _ in range(10):
                job.work(10)
                time.sleep(0.1)
            job.reporter.flush()
        assert job.held_up_seconds < HELD_UP_SECONDS
        assert follower.wait_for(200, seconds=SEEN_AGAIN_SECONDS + 2) < SEEN_AGAIN_SECONDS
        job.work(100)
        follower.wait_for(ITEMS, seconds=5)
        assert follower.state is not None
        assert follower.state.progress is not None
        assert follower.state.progress.total == ITEMS


def test_a_failover_that_lost_the_last_second_is_made_good(server: Server) -> None:
    with _job(server) as (job, follower):
        job.work(50)
        follower.wait_for(50, seconds=5)
        kept = server.folder.parent / f"{server.folder.name}-kept"
        shutil.copytree(server.folder / "appendonlydir", kept)
        job.work(50)
        follower.wait_for(100, seconds=5)
        server.kill()
        shutil.rmtree(server.folder / "appendonlydir")
        shutil.move(kept, server.folder / "appendonlydir")
        server.start()
        job.work(1)
        follower.wait_for(101, seconds=SEEN_AGAIN_SECONDS + 2)


@pytest.mark.parametrize("outage", [_stopped, _killed], ids=lambda outage: outage.__name__)
def test_what_waits_in_an_outage_is_bounded_and_its_counts_are_right_afterwards(
    server: Server, monkeypatch: pytest.MonkeyPatch, outage: Callable[[Server], object]
) -> None:
    monkeypatch.setattr("progress.reporting.buffer.MAX_WAITING", 200)
    monkeypatch.setattr("progress.reporting.buffer.BATCH", 50)
    with _job(server) as (job, follower):
        with outage(server):  # type: ignore[attr-defined]
            for _ in range(6):
                job.work(ITEMS // 6)
                time.sleep(0.05)
            # A batch that was on its way comes back.
            assert len(job.reporter._buffer._waiting) <= 200 + 100
        follower.wait_for(ITEMS, seconds=SEEN_AGAIN_SECONDS + 2)
        assert job.held_up_seconds < HELD_UP_SECONDS


def test_a_task_that_ends_in_an_outage_returns_at_once(server: Server) -> None:
    log = RedisLog(server.url, timeout_seconds=0.5)
    with _stopped(server):
        began = time.monotonic()
        with JobReporter(log, fresh_ref(), sender=BackgroundSender()) as reporter:
            Job(reporter).work(10)
        assert time.monotonic() - began < HELD_UP_SECONDS
    log.close()


def test_the_outage_and_its_end_are_each_logged_once(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with _job(server) as (job, follower):
        job.work(10)
        follower.wait_for(10, seconds=5)
        with _killed(server):
            for _ in range(10):
                job.work(1)
                time.sleep(0.1)
        follower.wait_for(20, seconds=SEEN_AGAIN_SECONDS + 2)
    said = [record.action for record in caplog.records if hasattr(record, "action")]
    assert said.count("log_gone") == 1
    assert said.count("log_back") == 1
