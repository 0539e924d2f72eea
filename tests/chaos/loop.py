"""The Celery application of the killed loop: it writes down each item, and resumes by its log."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from celery import Celery

from progress import JobTask, RedisLog, install
from progress.lease import LeaseTerms
from progress.log import JobRef

FOLDER = Path(os.environ["LOOP_FOLDER"])
URL = os.environ["LOOP_REDIS"]
KIND = "item"

app = Celery("loop", broker=URL)
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_default_queue=os.environ.get("LOOP_QUEUE", "celery"),
)
log = RedisLog(URL)


def _send_again(ref: JobRef) -> None:
    items = int((FOLDER / ref.job_id).read_text())
    app.send_task("loop.work", args=[items], task_id=ref.job_id)


# A job is usually given up after three losses; these lose their process again and again.
install(app, log, resend=_send_again, terms=LeaseTerms(max_tries=1_000_000))


@app.task(bind=True, base=JobTask, name="loop.work")  # type: ignore[untyped-decorator]
def work(task: JobTask, items: int) -> None:
    """Write each item down, a thousand a second, with the process that did it."""
    exits = FOLDER / f"{task.request.id}.exits"
    if exits.exists():
        exits.unlink()
        sys.exit("as its first run is to end")
    done = os.open(
        FOLDER / f"{task.request.id}.done", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600
    )
    for item in task.job.track(range(items), kind=KIND, key=str, resume=True):
        os.write(done, f"{item} {os.getpid()}\n".encode())
        time.sleep(0.001)
    os.close(done)
