"""Earmark's application for a worker that counts what its tasks open, read and write.

``celery -A benchmarks._watched``. After each task it writes what the process came to into the file
that ``EARMARK_WATCH`` names; files are counted in the folder that ``EARMARK_WATCH_FOLDER`` names.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from celery.signals import task_postrun, task_prerun
from sqlalchemy import Engine, event

from tasks.app import celery_app

__all__ = ["celery_app"]

_OUTPUT = Path(os.environ["EARMARK_WATCH"])
_FOLDER = os.environ["EARMARK_WATCH_FOLDER"] + "/"
#: A job's own rows are written whatever it does, and so is when a source was read.
_OF_JOBS = {"jobs", "item_failures", "job_parts", "sources"}
_counts: dict[str, float] = {"opened": 0, "rows": 0, "read_bytes": 0, "cpu_s": 0.0}


def _note_open(name: str, arguments: tuple[Any, ...]) -> None:
    if name == "open" and isinstance(arguments[0], str | bytes | Path):
        _counts["opened"] += os.fsdecode(arguments[0]).startswith(_FOLDER)


sys.addaudithook(_note_open)


@event.listens_for(Engine, "after_cursor_execute")
def _note_rows(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
    words = statement.split(None, 3)
    if words[0] not in {"INSERT", "UPDATE", "DELETE"}:
        return
    table = words[1] if words[0] == "UPDATE" else words[2]
    if table.strip('"') not in _OF_JOBS:
        _counts["rows"] += max(0, cursor.rowcount)


def _read_bytes() -> int:
    """All that this process has read, of its database too."""
    text = Path("/proc/self/io").read_text()
    return int(text.partition("rchar:")[2].split()[0])


@task_prerun.connect
def _begin(**_: object) -> None:
    _counts.update(opened=0, rows=0, read_bytes=_read_bytes(), cpu_s=time.process_time())


@task_postrun.connect
def _end(task: Any, **_: object) -> None:
    status = Path("/proc/self/status").read_text()
    found = {
        "task": task.name,
        "opened": _counts["opened"],
        "rows": _counts["rows"],
        "read_bytes": _read_bytes() - _counts["read_bytes"],
        "cpu_s": time.process_time() - _counts["cpu_s"],
        "peak_kib": int(status.partition("VmHWM:")[2].split()[0]),
    }
    if task.name == "earmark.sync":
        _OUTPUT.write_text(json.dumps(found))
