"""A process that forks in the midst of anything leaves its children able to report."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.servers import Server

_SCRIPT = """
import os, sys, threading, time
from progress.reporting import reporter
from progress.forks import gate
from progress.log import JobRef
from progress.redis import RedisLog
from progress.reporting.reporter import JobReporter

case, log = sys.argv[1], RedisLog(sys.argv[2])
ref = JobRef("forks", case)

def report(number):
    with JobReporter(log, ref) as job:
        with job.item(number, kind="thing"):
            pass
        assert job.flush()

report("parent")
held, free = threading.Event(), threading.Event()
inside = []

def hold():
    condition = reporter._process_sender._condition
    lock = {"log": log._process._lock, "sender": condition, "gate": gate}[case]
    with lock:
        held.set()
        inside.append(1)
        free.wait(0.2 if case == "gate" else 5)
        inside.clear()

threading.Thread(target=hold, daemon=True).start()
held.wait()
pid = os.fork()
if pid == 0:
    if case == "gate" and inside:
        os._exit(3)
    report("child")
    os._exit(0)
free.set()
deadline = time.monotonic() + 5
while time.monotonic() < deadline:
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        break
    time.sleep(0.02)
else:
    os.kill(pid, 9)
    sys.exit("the child is stuck")
report("parent again")
assert log.snapshot(ref)[0].progress.succeeded == 3
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.parametrize("case", ["log", "sender", "gate"])
def test_a_child_works_whatever_another_thread_held_at_the_fork(
    case: str, valkey_server: Server
) -> None:
    command = [sys.executable, "-W", "ignore", "-c", _SCRIPT, case, valkey_server.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


SHARED = """
import os, sys
from progress.log import JobRef
from progress.redis import RedisLog
from progress.testing import status

log, ref = RedisLog(sys.argv[1]), JobRef("forks", "shared")
log.append(ref, [status("running", reason="parent")], attempt=1)
before = {int(client["id"]) for client in log.client.client_list()}
pid = os.fork()
if pid == 0:
    log.append(ref, [status("running", reason="child")], attempt=1)
    own = {log.client.client_id(), log._process.commands.execute("CLIENT", "ID")}
    log.close()
    os._exit(len(own & before))
shared = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
kept = log._process.commands.execute("CLIENT", "ID") in before
sys.exit(0 if shared == 0 and kept else f"{shared} shared, {kept=}")
"""


def test_a_child_opens_connections_of_its_own_and_leaves_its_parents_alone(
    valkey_server: Server,
) -> None:
    command = [sys.executable, "-W", "ignore", "-c", SHARED, valkey_server.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
