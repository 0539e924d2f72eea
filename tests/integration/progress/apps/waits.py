"""An application whose jobs wait: for a worker, for each other, for a later time."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from celery import Celery

from progress.celery import JobTask, install
from progress.redis import RedisLog

app = Celery("waits", broker=os.environ["WAITS_BROKER"], set_as_current=False)
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=1)
app.conf.task_routes = {"hold": {"queue": os.environ["WAITS_QUEUE"]}}
install(app, RedisLog(os.environ["WAITS_LOG"]), account=lambda: "anna")


@app.task(bind=True, base=JobTask, name="hold", shared=False)
def hold(self: Any, until: str) -> None:
    """Work until a file is there."""
    self.job.note("Holding.")
    while not Path(until).exists():
        time.sleep(0.02)


@app.task(bind=True, base=JobTask, name="later", shared=False)
def later(self: Any, seconds: float) -> None:
    """Try again after some seconds."""
    if not self.request.retries:
        raise self.retry(countdown=seconds)
