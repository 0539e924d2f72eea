"""A sync that is killed at any statement ends in the rows of one that was not."""

from __future__ import annotations

import json
import subprocess
import sys


def test_a_killed_sync_ends_in_the_same_rows() -> None:
    # In a process without threads: it forks those that are killed.
    order = [sys.executable, "-m", "tests.chaos.syncs", "--database", "sqlite"]
    options = ["--kills", "2", "--songs", "110", "--seed", "7"]
    answer = subprocess.run([*order, *options], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    figures = json.loads(answer.stdout)
    assert figures["kills"] >= 2
    assert (figures["wrong_rows"], figures["wrong_ends"]) == (0, 0)
