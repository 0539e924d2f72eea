"""Tasks of the workers."""

from __future__ import annotations

import os
import time
from typing import Any

from celery import shared_task

from progress.celery import JobTask


@shared_task(bind=True, base=JobTask)  # type: ignore[untyped-decorator]
def counted(self: Any, count: int, seconds: float) -> int:
    """A number of items, one after the other."""
    for _ in self.job.track([str(number) for number in range(count)], kind="thing"):
        time.sleep(seconds)
    return count


@shared_task  # type: ignore[untyped-decorator]
def process_id() -> int:
    """The process that runs tasks."""
    return os.getpid()
