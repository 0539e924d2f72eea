"""A process that never forks keeps no list of dead objects to make anew after a fork."""

from __future__ import annotations

import gc
import os
import subprocess
import sys

from progress import forks


class Maker:
    renewed = 0

    def __init__(self) -> None:
        forks.after_fork_in_child(self.renew)

    def renew(self) -> None:
        self.renewed += 1


def test_objects_that_are_gone_leave_nothing_behind() -> None:
    gc.collect()
    before = len(forks._renewals)
    kept = Maker()
    for _ in range(100):
        Maker()
    gc.collect()
    assert len(forks._renewals) == before + 1
    # In a child: the hubs of other tests must not be made anew in this process.
    child = os.fork()
    if child == 0:
        os._exit(0 if kept.renewed == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert kept.renewed == 0


def test_a_process_that_used_the_library_ends_without_a_word() -> None:
    names = "JobTask, RedisLog, create_blueprint, install"
    command = [sys.executable, "-c", f"from progress import {names}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")
