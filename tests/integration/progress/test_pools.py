"""Every pool of Celery's runs jobs: begun, counted and ended once, leased, cancelled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from celery import Celery

from progress.lease import leased_jobs
from progress.log import JobRef
from progress.redis import RedisLog
from tests.integration.progress.site import APPLICATION, Site
from tests.servers import Server
from tests.workers import wait_until_ready, worker

#: Longer than the leases of the application last.
LONG_SECONDS = 3.0


@dataclass(frozen=True)
class Pool(Site):
    """A worker with one kind of pool, on a queue of its own."""

    name: str
    queue: str


@pytest.fixture(scope="module", params=["prefork", "threads", "solo", "gevent"])
def pool(
    request: pytest.FixtureRequest,
    valkey_server: Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pool]:
    name, queue = request.param, f"pool-{request.param}"
    folder = tmp_path_factory.mktemp(name)
    url = valkey_server.tcp_url
    celery = Celery("sender", broker=url, backend=url)
    celery.conf.task_default_queue = queue
    log = RedisLog(url)
    environment = {"SHAPES_REDIS": url, "SHAPES_QUEUE": queue}
    # A worker without an asynchronous loop looks for more only every two seconds once it has
    # all it may prefetch.
    options = (f"--pool={name}", f"--hostname={name}@localhost", "--concurrency=8")
    with worker(APPLICATION, folder, environment, *options):
        yield Pool(celery, log, name, queue)
    log.close()
    celery.close()


def _wait_for_count(pool: Pool, ref: JobRef, count: int) -> None:
    deadline = time.monotonic() + 20
    while len(pool.succeeded(ref)) < count:
        assert time.monotonic() < deadline, pool.events(ref)
        time.sleep(0.02)


def test_a_job_begins_counts_up_and_ends_once(pool: Pool) -> None:
    ref = pool.send("counted", 12, 0.01)
    state = pool.end(ref)
    assert pool.statuses(ref) == ["running", "completed"]
    assert state.progress is not None
    assert (state.progress.done, state.progress.total, state.progress.failed) == (12, 12, 0)
    dones = [event.done for event in pool.events(ref) if event.type == "progress"]
    assert all(earlier <= later for earlier, later in pairwise(dones))


@pytest.mark.parametrize("shape", ["chain", "chord", "replace-chord"])
def test_a_job_of_many_tasks_ends_when_all_are_done(pool: Pool, shape: str) -> None:
    ref = pool.send("start", shape)
    pool.end(ref)
    assert pool.statuses(ref) == ["running", "completed"]
    assert pool.succeeded(ref) == ["a", "b", "c", "start"]


def test_jobs_that_are_done_at_once_keep_apart(pool: Pool) -> None:
    counts = {pool.send("counted", count, 0.01): count for count in range(3, 9)}
    for ref, count in counts.items():
        state = pool.end(ref)
        assert pool.statuses(ref) == ["running", "completed"]
        assert pool.succeeded(ref) == [str(number) for number in range(count)]
        assert state.progress is not None
        assert (state.progress.done, state.progress.total) == (count, count)


def test_a_job_whose_task_raises_fails(pool: Pool) -> None:
    ref = pool.send("step", "only", "raise")
    state = pool.end(ref)
    assert pool.statuses(ref) == ["running", "failed"]
    assert state.error is not None


def test_a_job_is_tried_again(pool: Pool) -> None:
    ref = pool.send("step", "only", "retry")
    pool.end(ref)
    assert pool.statuses(ref) == ["running", "retrying", "running", "completed"]


def test_a_cancelled_job_stops_at_its_next_report(pool: Pool) -> None:
    ref = pool.send("counted", 2_000, 0.01)
    _wait_for_count(pool, ref, 3)
    pool.log.request_cancel(ref)
    asked = time.monotonic()
    state = pool.end(ref)
    assert time.monotonic() - asked < 5
    assert pool.statuses(ref) == ["running", "cancelled"]
    assert state.progress is not None
    assert state.progress.done < 2_000


def test_a_task_that_is_silent_for_longer_than_a_lease_keeps_it_and_gives_it_back(
    pool: Pool,
) -> None:
    ref = pool.send("sleeps", LONG_SECONDS)
    with ThreadPoolExecutor(1) as executor:
        ending = executor.submit(pool.end, ref)
        seen = []
        while not ending.done():
            seen.append(ref in leased_jobs(pool.log.leases.look()))
            time.sleep(0.05)
        ending.result()
    assert pool.statuses(ref) == ["running", "completed"]
    # A lease outlives the job's end for a moment; before its beginning there is none.
    first = seen.index(True)
    assert sum(seen[first:]) * 0.05 > LONG_SECONDS * 0.8
    assert False not in seen[first:-5]
    _wait_until_given_back(pool, ref)


def _wait_until_given_back(pool: Pool, ref: JobRef) -> None:
    deadline = time.monotonic() + 1
    while ref in leased_jobs(pool.log.leases.look()):
        assert time.monotonic() < deadline, "the lease was not given back"
        time.sleep(0.01)


def test_the_receivers_are_connected_once_and_survive_a_collection(pool: Pool) -> None:
    counts = pool.celery.send_task(f"{APPLICATION}.receivers").get(timeout=20)
    assert set(counts.values()) == {1}


def test_a_worker_without_children_outlives_the_shell_that_started_it(
    valkey_server: Server, tmp_path: Path
) -> None:
    output = tmp_path / "worker.txt"
    options = "--pool=solo --loglevel=INFO --hostname=alone@localhost"
    command = f"{sys.executable} -m celery -A {APPLICATION} worker {options}"
    environment = {"SHAPES_REDIS": valkey_server.tcp_url, "SHAPES_QUEUE": "alone"}
    with output.open("wb") as file:
        shell = subprocess.Popen(
            ["sh", "-c", f"{command} & echo $! >{tmp_path}/pid; wait"],
            env=os.environ | environment,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        wait_until_ready(output, shell)
        alone = psutil.Process(int((tmp_path / "pid").read_text()))
        shell.kill()
        shell.wait()
        time.sleep(2.5)
        assert alone.is_running()
        assert alone.status() != psutil.STATUS_ZOMBIE
    finally:
        with suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()
