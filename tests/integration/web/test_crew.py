"""The crew with one stand-in command."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

SCRIPT = """
import os, signal, sys
from pathlib import Path
from web.crew import Command, Crew
from web.guard import StopStep
from web.lifeline import Lifeline

folder = Path(sys.argv[1])
lifeline = Lifeline(folder / "up.lock")
lifeline.take()
crew = Crew(lifeline=lifeline, folder=folder, environment=os.environ)
stop = [StopStep(signal.SIGTERM, 5)]
crew.add(Command("loud", ["sh", "-c", sys.argv[2]], stop_steps=stop, is_redis=True))
crew.run(when_started=lambda: crew.say("started"))
print(crew.first_ended)
"""
QUIET = "trap exit TERM; echo up; while :; do sleep 0.05; done"
# Says more at its end than a pipe holds.
LOUD = "trap 'yes | head -c 300000; exit' TERM; echo up; while :; do sleep 0.1; done"


def start(folder: Path, command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-c", SCRIPT, folder, command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(process: subprocess.Popen[str], words: str) -> None:
    while words not in process.stdout.readline():
        assert process.poll() is None


def test_the_first_to_end_is_named_with_its_exit_code(tmp_path):
    output, _ = start(tmp_path, "exit 3").communicate(timeout=20)
    assert output.endswith("('loud', 3)\n")


def test_a_stop_that_was_asked_for_is_nobodys_end(tmp_path):
    process = start(tmp_path, QUIET)
    read_until(process, "| up")
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=20)
    assert output.endswith("None\n")


def test_a_command_that_has_much_to_say_ends_though_nobody_reads_it(tmp_path):
    process = start(tmp_path, LOUD)
    read_until(process, "| up")
    family = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 10
    while any(map(lives, family)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("depth", [0, 1, 2], ids=["honcho's helper", "the guard", "the command"])
def test_whoever_is_killed_everything_ends(tmp_path: Path, depth: int) -> None:
    process = start(tmp_path, QUIET)
    read_until(process, "| up")
    victim = psutil.Process(process.pid)
    for _ in range(depth + 1):
        (victim,) = [child for child in victim.children() if child.name() != "sleep"]
    family = psutil.Process(process.pid).children(recursive=True)
    victim.kill()
    output, _ = process.communicate(timeout=20)
    assert re.search(r"\('loud', (-9|137)\)\n$", output), output
    psutil.wait_procs(family, timeout=10)
    assert not any(map(lives, family))


def lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
