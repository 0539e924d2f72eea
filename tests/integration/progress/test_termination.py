"""Only its worker ends a process that runs a task; a signal sent to all processes does not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from celery import Celery

from progress.log import JobRef
from progress.redis import RedisLog
from tests.integration.progress.site import APPLICATION, Site
from tests.servers import Server
from tests.workers import worker

SECONDS = 20.0


class Crew:
    """A prefork worker of two processes on a queue of its own."""

    def __init__(self, site: Site, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.site = site
        self.process = process
        self.output = folder / "worker.txt"

    def busy(self, ref: JobRef) -> int:
        """The child that runs a job, once one does."""
        wait_for(lambda: "sleep" in str(self.site.events(ref)))
        holders = self.site.log.client.hgetall("progress:{leases}:holders")
        holder = next(text for part, text in holders.items() if ref.job_id.encode() in part)
        return int(holder.split(b"\t")[0].rpartition(b"/")[2])

    @property
    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


def wait_for(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    """Whether a process has ended; its parent may take a while to notice."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@contextmanager
def crew_on(server: Server, folder: Path, queue: str) -> Iterator[Crew]:
    url = server.tcp_url
    celery = Celery("sender", broker=url, backend=url)
    celery.conf.task_default_queue = queue
    log = RedisLog(url)
    with worker(APPLICATION, folder, {"SHAPES_REDIS": url, "SHAPES_QUEUE": queue}) as process:
        yield Crew(Site(celery, log), process, folder)
    log.close()
    celery.close()


@pytest.fixture
def crew(valkey_server: Server, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Crew]:
    """A worker for one test, which may end it."""
    with crew_on(valkey_server, tmp_path, f"termination-{request.node.name}") as found:
        yield found


@pytest.fixture(scope="module")
def lasting(valkey_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    """A worker that outlives its tests."""
    with crew_on(valkey_server, tmp_path_factory.mktemp("lasting"), "termination") as found:
        yield found


def test_a_signal_to_the_whole_group_cuts_no_task_in_two(crew: Crew) -> None:
    ref = crew.site.send("sleeps", 2)
    crew.busy(ref)
    os.killpg(crew.process.pid, signal.SIGTERM)
    crew.process.wait(SECONDS)
    assert crew.site.statuses(ref) == ["running", "completed"]
    assert crew.site.succeeded(ref) == ["sleep"]


def test_a_signal_to_every_process_cuts_no_task_in_two(crew: Crew) -> None:
    ref = crew.site.send("sleeps", 2)
    crew.busy(ref)
    # Children first, and again, as a host does that is in a hurry.
    for _ in range(3):
        for process in (*crew.children, psutil.Process(crew.process.pid)):
            process.terminate()
        time.sleep(0.2)
    crew.process.wait(SECONDS)
    assert crew.site.statuses(ref) == ["running", "completed"]


def test_a_revoke_by_force_ends_a_child_and_what_it_has_open_is_closed(
    lasting: Crew, tmp_path: Path
) -> None:
    mark = tmp_path / "closed"
    ref = lasting.site.send("stuck", "sleep", str(mark))
    child = lasting.busy(ref)
    lasting.site.celery.control.revoke(ref.job_id, terminate=True)
    wait_for(lambda: is_gone(child))
    assert mark.exists()
    assert lasting.site.end(ref).status == "cancelled"


@pytest.mark.parametrize("how", ["swallow", "compute"])
def test_a_revoke_by_force_ends_a_child_that_listens_to_nothing(lasting: Crew, how: str) -> None:
    ref = lasting.site.send("stuck", how)
    child = lasting.busy(ref)
    lasting.site.celery.control.revoke(ref.job_id, terminate=True)
    wait_for(lambda: is_gone(child), seconds=5)
    assert lasting.site.end(ref).status == "cancelled"


def test_the_hard_time_limit_ends_a_child_that_listens_to_nothing(lasting: Crew) -> None:
    ref = lasting.site.send("stuck", "swallow", time_limit=1)
    child = lasting.busy(ref)
    wait_for(lambda: is_gone(child), seconds=5)
    assert lasting.site.end(ref).status == "failed"


@pytest.mark.parametrize("how", ["sleep", "swallow", "compute"])
def test_a_cold_shutdown_ends_a_worker_whose_child_is_stuck(crew: Crew, how: str) -> None:
    ref = crew.site.send("stuck", how)
    child = crew.busy(ref)
    crew.process.send_signal(signal.SIGQUIT)
    crew.process.wait(SECONDS)
    assert is_gone(child)


POOL = """
import signal, sys, time
from celery import Celery
from celery.concurrency.prefork import TaskPool
from progress.celery.termination import insist

def stuck():
    signal.signal(signal.SIGTERM, lambda *_: None)
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass

pool = TaskPool(1, app=Celery("any"), threads=True)
pool.start()
insist(pool)
pool.on_apply(stuck)
time.sleep(1)
pool.terminate()
print("ended")
"""


def test_a_pool_that_is_terminated_ends_its_children_whoever_asks() -> None:
    # A cold shutdown cancels what it may first; what it may not is left for this.
    done = subprocess.run(
        [sys.executable, "-c", POOL], capture_output=True, text=True, timeout=SECONDS, check=True
    )
    assert done.stdout.strip() == "ended"


def test_a_child_that_has_nothing_to_do_ends_as_it_is_told(lasting: Crew) -> None:
    lasting.site.end(lasting.site.send("sleeps", 0.1))
    child = lasting.children[0]
    child.terminate()
    wait_for(lambda: is_gone(child.pid))
    assert lasting.site.end(lasting.site.send("sleeps", 0.1)).status == "completed"


def test_a_program_that_a_task_starts_is_not_deaf(lasting: Crew) -> None:
    state = lasting.site.end(lasting.site.send("starts_a_program"))
    assert state.status == "completed"
