"""Functions that a shell beside a worker can call."""

from __future__ import annotations

import json
import os

import psutil

COLUMNS = ("pid", "name", "username", "cmdline", "cpu_percent", "memory_percent", "create_time")


def get_running_processes_info(columns: list[str] | None = None) -> str:
    """The worker's processes, and not the whole machine's."""
    group = int(os.environ["NODE_GROUP"])
    running = psutil.process_iter(columns or COLUMNS)
    return json.dumps([each.info for each in running if os.getpgid(each.pid) == group])
