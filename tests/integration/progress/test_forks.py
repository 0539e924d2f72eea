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
    lock = {"log": log._lock, "sender": reporter._process_sender._condition, "gate": gate}[case]
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
