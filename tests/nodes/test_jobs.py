"""Jobs without rows, on pytest-celery's nodes: killed in their midst, they end all the same."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from pytest_celery import CeleryTestSetup, CeleryTestWorker

from progress.events import Snapshot, StatusEvent, parse_event
from progress.lease import leased_jobs
from progress.log import JobRef
from progress.redis import RedisLog
from progress.testing import entries_of
from tests.nodes.apps.app import TERMS
from tests.nodes.conftest import StartWorker

#: What a busy machine may add.
SLACK_SECONDS = 2.0
#: Until a lease has run out and somebody has looked.
FOUND_SECONDS = TERMS.lease_seconds + TERMS.reap_seconds + SLACK_SECONDS
#: Until Celery's pool has missed no child's death. It looks when a child's sentinel closes; on a
#: busy machine that comes a moment before the child can be waited for, and then only the look
#: that `AsynPool.timers` takes every 5 s finds it.
POOL_LOOKS_SECONDS = 5.0 + SLACK_SECONDS


@pytest.fixture
def log(celery_setup: CeleryTestSetup) -> Iterator[RedisLog]:
    found = RedisLog(celery_setup.backend.config()["host_url"])
    yield found
    found.close()


def _wait_for(
    log: RedisLog, ref: JobRef, is_met: Callable[[Snapshot], bool], *, seconds: float = 20
) -> Snapshot:
    """The job's state once it is as wanted."""
    deadline = time.monotonic() + seconds
    while True:
        known = log.snapshot(ref)
        if known is not None and isinstance(known[0], Snapshot) and is_met(known[0]):
            return known[0]
        assert time.monotonic() < deadline, known
        time.sleep(0.02)


def _begin(setup: CeleryTestSetup, log: RedisLog) -> JobRef:
    """A job that would take minutes, with some of it done."""
    result = setup.app.send_task("tests.nodes.apps.jobs.counted", (1_000, 0.1))
    ref = JobRef("everyone", result.id)
    _wait_for(log, ref, lambda state: state.progress is not None and state.progress.done >= 3)
    return ref


def _assert_ends_as_lost(log: RedisLog, ref: JobRef, *, seconds: float) -> None:
    state = _wait_for(log, ref, lambda state: state.status == "failed", seconds=seconds)
    assert state.error is not None
    assert state.error.code == "worker_lost"
    # The lease outlives the job until it runs out; whoever finds it then adds nothing.
    deadline = time.monotonic() + FOUND_SECONDS
    while ref in leased_jobs(log.leases.look()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    statuses = [
        event.status
        for event in (parse_event(entry.document) for entry in entries_of(log, ref))
        if isinstance(event, StatusEvent)
    ]
    assert statuses == ["running", "failed"]


def _process_ids(worker: CeleryTestWorker) -> list[int]:
    """The process ids of the main process and its children, in this order."""
    return sorted(each["pid"] for each in worker.get_running_processes_info(["pid"]))


def test_another_worker_says_that_a_job_was_lost_with_its_worker(
    celery_setup: CeleryTestSetup, log: RedisLog, start_worker: StartWorker
) -> None:
    ref = _begin(celery_setup, log)
    start_worker()
    celery_setup.worker.kill()
    _assert_ends_as_lost(log, ref, seconds=FOUND_SECONDS)


def test_another_worker_says_so_when_the_main_process_alone_was_killed(
    celery_setup: CeleryTestSetup, log: RedisLog, start_worker: StartWorker
) -> None:
    ref = _begin(celery_setup, log)
    start_worker()
    leader, *_ = _process_ids(celery_setup.worker)
    os.kill(leader, signal.SIGKILL)
    _assert_ends_as_lost(log, ref, seconds=FOUND_SECONDS)


def test_a_worker_says_so_itself_when_it_comes_back(
    celery_setup: CeleryTestSetup, log: RedisLog
) -> None:
    ref = _begin(celery_setup, log)
    celery_setup.worker.kill()
    celery_setup.worker.restart()
    _assert_ends_as_lost(log, ref, seconds=FOUND_SECONDS)


def test_a_worker_says_itself_that_the_processes_which_run_tasks_were_killed(
    celery_setup: CeleryTestSetup, log: RedisLog
) -> None:
    ref = _begin(celery_setup, log)
    _, *children = _process_ids(celery_setup.worker)
    for child in children:
        os.kill(child, signal.SIGKILL)
    # No other worker runs, and this one still renews the lease: nothing but its own word ends it.
    _assert_ends_as_lost(log, ref, seconds=POOL_LOOKS_SECONDS)
