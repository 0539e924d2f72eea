"""The Celery application of the chaos suite: tasks that work on items, and stumble as told.

Its jobs' rows are Earmark's own, its terms and its server come from the environment.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from celery import Celery, chain, chord, group

from library import jobs
from library.database import Database
from progress.celery import HEADER, JobTask, install
from progress.lease import LeaseTerms
from progress.log import JobRef
from progress.recovery import faults
from progress.redis import RedisLog
from tasks.store import DatabaseStore
from tests.chaos.plan import Plan
from tests.chaos.results import Results

FOLDER = Path(os.environ["CHAOS_FOLDER"])
URL = os.environ["CHAOS_REDIS"]
LEASE_SECONDS, RENEW_SECONDS = map(float, os.environ["CHAOS_LEASE"].split(","))
VISIBILITY_SECONDS = float(os.environ.get("CHAOS_VISIBILITY", "3600"))

TERMS = LeaseTerms(
    lease_seconds=LEASE_SECONDS,
    renew_seconds=RENEW_SECONDS,
    reap_seconds=RENEW_SECONDS,
    cancel_seconds=LEASE_SECONDS / 2,
)
CHUNK = 5

app = Celery("chaos")
app.conf.update(
    broker_url=URL,
    result_backend=URL,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_SECONDS,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    },
    broker_connection_retry_on_startup=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=False,
)
database = Database(f"sqlite:///{FOLDER / 'jobs.db'}")
log = RedisLog(URL)
results = Results(FOLDER / "results.db")


def send(job_id: str, account: str, plan: Plan) -> None:
    """Send a job to the workers."""
    app.send_task(
        "chaos.work",
        args=[plan.as_dict()],
        task_id=job_id,
        headers={HEADER: {"account": account, "jobId": job_id, "attempt": 0}},
        retry=False,
        **plan.root_options,
    )


def _send_again(ref: JobRef) -> None:
    with database.session() as session:
        job = jobs.load(session, job_id=UUID(ref.job_id))
    assert job is not None
    send(ref.job_id, ref.account, Plan.of(job.parameters))


install(app, log, store=DatabaseStore(database, log), resend=_send_again, terms=TERMS)


@app.task(bind=True, base=JobTask, name="chaos.work", max_retries=5)  # type: ignore[untyped-decorator]
def work(task: JobTask, said: dict[str, Any]) -> None:
    """All of a job's items, here or by the tasks it sends."""
    plan = Plan.of(said)
    task.job.total(plan.items)
    if plan.shape == "alone":
        _work_on(task, plan, plan.names)
        return
    task.job.queue(((name, name) for name in plan.names), kind="thing")
    task.job.flush()
    parts = [
        part.si(said, plan.names[start : start + CHUNK]).set(**plan.options)
        for start in range(0, plan.items, CHUNK)
    ]
    if plan.shape == "window":
        windowed = numbered.s(said).set(**plan.options)
        task.fan_out(windowed, parts=len(parts), window=plan.window, then=last.si())
    elif plan.shape == "chord":
        task.replace(chord(parts, last.si()))
    elif plan.shape == "chain":
        chain(*parts).apply_async()
    else:
        group(parts).apply_async()


@app.task(bind=True, base=JobTask, name="chaos.part", max_retries=5)  # type: ignore[untyped-decorator]
def part(task: JobTask, said: dict[str, Any], names: list[str]) -> None:
    """Some of a job's items."""
    _work_on(task, Plan.of(said), names)


@app.task(bind=True, base=JobTask, name="chaos.numbered", max_retries=5)  # type: ignore[untyped-decorator]
def numbered(task: JobTask, number: int, said: dict[str, Any]) -> None:
    """The same, told by its number what it is to do."""
    plan = Plan.of(said)
    _work_on(task, plan, plan.names[number * CHUNK : (number + 1) * CHUNK])


@app.task(bind=True, base=JobTask, name="chaos.last")  # type: ignore[untyped-decorator]
def last(task: JobTask) -> None:
    """What comes when all chunks are done."""


def _work_on(task: JobTask, plan: Plan, names: list[str]) -> None:
    job_id = task.job.ref.job_id
    done = results.of(job_id)
    for name in names:
        with task.job.item(name, kind="thing"):
            if name == plan.names[plan.items // 2]:
                _stumble(task, plan)
            if name not in done:
                time.sleep(plan.seconds)
                results.add(job_id, name)


def _stumble(task: JobTask, plan: Plan) -> None:
    if plan.trouble is None or results.one_more_trouble(task.job.ref.job_id) > plan.times:
        return
    if plan.trouble == "raise":
        raise ValueError("secret argument")
    if plan.trouble == "retry":
        raise task.retry(countdown=0.2)
    if plan.trouble == "hang":
        time.sleep(3600)
    if plan.trouble == "memory":
        bytearray(1 << 60)
    if plan.trouble == "kill":
        os.kill(os.getpid(), signal.SIGKILL)


def _crash_at(point: str) -> None:
    """Crash this process at a point, the first of all processes that reaches it."""
    wanted = os.environ.get("CHAOS_CRASH_AT")
    if point != wanted:
        return
    try:
        (FOLDER / f"crashed-{point}").touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def _let_the_clock_jump() -> None:
    """Let this process's clock go forward and back by an hour, every second."""
    real = time.time
    time.time = lambda: real() + (-3600, 0, 3600)[int(real()) % 3]


faults.on_reach(_crash_at)
if os.environ.get("CHAOS_CLOCK") == "jumps":
    _let_the_clock_jump()
