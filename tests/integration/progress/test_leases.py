"""A live part is nobody else's and a dead one is found, whatever the server's clock says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from celery import Celery
from celery.exceptions import Ignore

from progress.celery import install
from progress.celery.hold import Hold
from progress.lease import Lease, LeaseTerms, Part, leased_jobs
from progress.lifecycle import NoStore, Recovery
from progress.log import JobRef
from progress.recovery.reaper import Reaper
from progress.redis import RedisLog
from tests.fixtures.earlier_leases import EarlierLeaseBook
from tests.servers import Server, ServerClock, valkey_with_clock

REF = JobRef("an {account}", "a:job")
PART = Part(REF, "task")
MINE, OTHER = Lease(PART, "host/1", "x", 1), Lease(PART, "host/2", "y", 1)
#: A renewal may be late by five times its interval before anybody thinks that it stays out.
TERMS = LeaseTerms(lease_seconds=2.0, renew_seconds=0.3, reap_seconds=0.3)
HOUR_SECONDS = 3600.0
SLACK_SECONDS = 3.0


@dataclass
class Rows(NoStore):
    lost_at: list[float] = field(default_factory=list)

    def lost(self, _: str, /, *, attempt: int) -> Recovery | None:
        self.lost_at.append(time.monotonic())
        return None


@pytest.fixture(scope="module")
def server_and_clock() -> Iterator[tuple[Server, ServerClock]]:
    with valkey_with_clock() as found:
        yield found


@pytest.fixture
def clock(server_and_clock: tuple[Server, ServerClock]) -> ServerClock:
    clock = server_and_clock[1]
    clock.set(ahead_seconds=0)
    return clock


@pytest.fixture
def log(server_and_clock: tuple[Server, ServerClock]) -> Iterator[RedisLog]:
    log = RedisLog(server_and_clock[0].url, prefix=uuid4().hex)
    yield log
    log.close()


@contextmanager
def repeating(do: Callable[[], object], *, every_seconds: float) -> Iterator[None]:
    stopped = threading.Event()

    def run() -> None:
        while not stopped.wait(every_seconds):
            do()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def renewing(log: RedisLog, lease: Lease = MINE) -> object:
    return repeating(lambda: log.leases.renew([lease]), every_seconds=TERMS.renew_seconds)


def hold(log: RedisLog, lease: Lease) -> Hold:
    app = Celery("holds", broker="memory://", set_as_current=False)
    return Hold(install(app, log, terms=TERMS), lease)


JUMPS = pytest.mark.parametrize("hours", [1, -1])


@JUMPS
def test_a_server_whose_clock_jumps_fails_no_live_job_and_hides_no_lost_one(
    log: RedisLog, clock: ServerClock, hours: int
) -> None:
    rows = Rows()
    reapers = [Reaper(log, log.leases, rows, TERMS) for _ in range(2)]
    log.leases.take(MINE)

    def sweep() -> None:
        for reaper in reapers:
            reaper.sweep()

    with repeating(sweep, every_seconds=TERMS.reap_seconds):
        with renewing(log):  # type: ignore[attr-defined]
            for ahead in (hours, 0, hours):
                clock.set(ahead_seconds=ahead * HOUR_SECONDS)
                time.sleep(TERMS.lease_seconds)
            assert rows.lost_at == []
        died_at = time.monotonic()
        while not rows.lost_at:
            waited = time.monotonic() - died_at
            assert waited < TERMS.lease_seconds + 2 * TERMS.reap_seconds + SLACK_SECONDS
            time.sleep(0.01)
    assert len(rows.lost_at) == 1
    assert leased_jobs(log.leases.look()) == frozenset()


@JUMPS
def test_a_message_that_comes_twice_takes_no_live_part_from_its_holder(
    log: RedisLog, clock: ServerClock, hours: int
) -> None:
    assert hold(log, MINE).take() == 1
    clock.set(ahead_seconds=hours * HOUR_SECONDS)
    with renewing(log), pytest.raises(Ignore):  # type: ignore[attr-defined]
        hold(log, OTHER).take()
    assert [held.lease for held in log.leases.look()] == [MINE]


@JUMPS
def test_the_part_of_a_holder_that_is_gone_is_taken_once_it_was_seen_for_long_enough(
    log: RedisLog, clock: ServerClock, hours: int
) -> None:
    hold(log, MINE).take()
    clock.set(ahead_seconds=hours * HOUR_SECONDS)
    began = time.monotonic()
    assert hold(log, OTHER).take() == 2
    assert time.monotonic() - began >= TERMS.lease_seconds * 0.99
    assert [held.lease for held in log.leases.look()] == [OTHER]


def test_workers_of_the_version_before_and_of_this_one_take_nothing_from_one_another(
    log: RedisLog,
) -> None:
    earlier, book = EarlierLeaseBook(log), log.leases
    assert earlier.take(MINE)
    assert not book.take(OTHER).granted
    (seen,) = book.look()
    time.sleep(0.005)  # the version before counts in milliseconds
    assert earlier.renew(MINE)
    assert list(book.look()) != [seen]
    assert not book.claim(seen)
    earlier.release(MINE)
    assert list(book.look()) == []
    assert book.take(OTHER).granted
    assert not earlier.take(MINE)
    assert earlier.expired() == 0
    book.release(OTHER)
    assert earlier.take(MINE)
    earlier.vacate(MINE)
    assert book.take(OTHER).granted


def test_the_lease_of_a_worker_of_the_version_before_is_found_lost_once(log: RedisLog) -> None:
    earlier, rows = EarlierLeaseBook(log), Rows()
    assert earlier.take(MINE, seconds=60)
    reaper, now = Reaper(log, log.leases, rows, TERMS), 0.0
    reaper.clock = lambda: now
    for _ in range(12):
        reaper.sweep()
        now += TERMS.reap_seconds
    assert len(rows.lost_at) == 1
    assert earlier.expired() == 0
    assert list(log.leases.look()) == []
