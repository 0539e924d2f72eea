"""A few real kills while lists are written; `make chaos-writeback` makes a hundred."""

from __future__ import annotations

import json
import subprocess
import sys


def test_killed_processes_leave_each_list_whole_and_each_song_in_it_once() -> None:
    # By itself: a process that is forked has no threads of others.
    command = [sys.executable, "-m", "tests.chaos.lists", "--kills", "3", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told.get("writing", 0) + told.get("undoing", 0) >= 3
