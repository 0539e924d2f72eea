"""An application as its users write it: old code with a new base class, and every canvas."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from celery import Celery, chain, chord, group, signals
from celery.exceptions import Ignore, Reject

from progress.celery import JobTask, install
from progress.errors import JobFailure
from progress.lease import LeaseTerms
from progress.redis import RedisLog

URL = os.environ["SHAPES_REDIS"]
TERMS = LeaseTerms(
    lease_seconds=float(os.environ.get("SHAPES_LEASE", "2")),
    renew_seconds=0.4,
    reap_seconds=0.4,
    cancel_seconds=2,
)

app = Celery("shapes", broker=URL, backend=URL)
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_default_queue=os.environ.get("SHAPES_QUEUE", "celery"),
    result_extended=True,
)
log = RedisLog(URL)
# Twice, as an application does that is imported under two names.
install(app, log, terms=TERMS)
install(app, log, terms=TERMS)


# -- code from the manuals, with another base class ---------------------------------------------


@app.task(bind=True, base=JobTask)  # type: ignore[untyped-decorator]
def upload_files(self: Any, filenames: list[str]) -> None:
    for i, _ in enumerate(filenames):
        if not self.request.called_directly:
            self.update_state(state="PROGRESS", meta={"current": i, "total": len(filenames)})


@app.task(bind=True, base=JobTask)  # type: ignore[untyped-decorator]
def long_task(self: Any) -> dict[str, Any]:
    total = 7
    for i in range(total):
        meta = {"current": i, "total": total, "status": "Charging satellite"}
        self.update_state(state="PROGRESS", meta=meta)
    return {"current": 100, "total": 100, "status": "Task completed!", "result": 42}


class ProgressRecorder:
    """As celery-progress has it."""

    def __init__(self, task: Any) -> None:
        self.task = task

    def set_progress(self, current: int, total: int, description: str = "") -> None:
        percent = round(current / total * 100, 2) if total > 0 else 0
        meta = {
            "pending": False,
            "current": current,
            "total": total,
            "percent": percent,
            "description": description,
        }
        self.task.update_state(state="PROGRESS", meta=meta)


@app.task(bind=True, base=JobTask)  # type: ignore[untyped-decorator]
def recorded(self: Any, seconds: int) -> str:
    recorder = ProgressRecorder(self)
    for i in range(seconds):
        recorder.set_progress(i + 1, seconds, description="my progress description")
    return "done"


@app.task(bind=True, base=JobTask)  # type: ignore[untyped-decorator]
def odd(self: Any) -> str:
    odd_metas: list[Any] = [
        None,
        [1, 2],
        "half",
        {"current": "3", "total": "7"},
        {"current": None},
        {"current": -5, "total": -1},
        {"current": 10**40, "total": 10**40},
        {"current": True, "total": True},
        {"current": 2, "total": 1},
        {1: 2},
    ]
    for number, meta in enumerate(odd_metas):
        self.update_state(state=f"STATE-{number}", meta=meta)
    # The result backend cannot keep these; what Celery then does is Celery's.
    for value in (float("nan"), float("inf"), object()):
        try:
            self.update_state(state="PROGRESS", meta={"current": value, "total": value})
        except Exception:
            continue
    self.update_state(state="PROGRESS", meta={"current": 1, "total": 4})
    return "odd"


# -- canvas ---------------------------------------------------------------------------------------


@app.task(bind=True, base=JobTask, max_retries=3)  # type: ignore[untyped-decorator]
def step(self: Any, name: str, trouble: str = "", seconds: float = 0.02) -> str:
    with self.job.item(name, kind="step"):
        time.sleep(seconds)
        if trouble == "raise":
            raise ValueError(name)
        if trouble == "ignore":
            raise Ignore
        if trouble == "reject":
            raise Reject(requeue=False)
        if trouble == "requeue" and not self.request.delivery_info.get("redelivered"):
            raise Reject(requeue=True)
        if trouble == "retry" and self.request.retries == 0:
            raise self.retry(countdown=0)
    return name


@app.task  # type: ignore[untyped-decorator]
def plain(name: str, trouble: str = "") -> str:
    time.sleep(0.02)
    if trouble == "raise":
        raise ValueError(name)
    return name


@app.task(bind=True, base=JobTask)  # type: ignore[untyped-decorator]
def nameless(self: Any) -> None:
    for _ in self.job.track([{"no": "name"}]):
        time.sleep(0.02)


@app.task  # type: ignore[untyped-decorator]
def dispatch(job_id: str) -> None:
    """Belongs to no job, and sends one."""
    step.apply_async(("a",), task_id=job_id)


@app.task(bind=True, base=JobTask, ignore_result=True)  # type: ignore[untyped-decorator]
def silent(self: Any, name: str) -> None:
    with self.job.item(name, kind="step"):
        time.sleep(0.02)


@app.task(bind=True, base=JobTask)  # type: ignore[untyped-decorator]
def on_error(self: Any, *_: Any) -> None:
    with self.job.item("errback", kind="step"):
        time.sleep(0.1)


@app.task(bind=True, base=JobTask)  # type: ignore[untyped-decorator]
def start(self: Any, shape: str) -> Any:
    """A job that becomes another shape."""
    with self.job.item("start", kind="step"):
        pass
    if shape.startswith("replace-"):
        return self.replace(_shape(shape.removeprefix("replace-")))
    _shape(shape).apply_async()
    return None


def _chords(first: float, last: float) -> Any:
    inner = chord([step.si("a", seconds=first), step.si("b", seconds=last)], nameless.si())
    header = [inner, chain(step.si("c", seconds=first), plain.si("p")), step.si("d", seconds=last)]
    return chord(header, chain(nameless.si(), nameless.si()))


def _shape(name: str) -> Any:
    shapes = {
        "task": lambda: step.si("a"),
        "chain": lambda: chain(step.si("a"), step.si("b"), step.si("c")),
        "group": lambda: group(step.si("a"), step.si("b"), step.si("c")),
        "chord": lambda: chord([step.si("a"), step.si("b")], step.si("c")),
        "chord-in-chain": lambda: chain(
            step.si("a"), chord([step.si("b"), step.si("c")], step.si("d")), step.si("e")
        ),
        "group-of-chains": lambda: group(
            chain(step.si("a"), step.si("b")), chain(step.si("c"), step.si("d"))
        ),
        "chord-of-chords": lambda: chord(
            [
                chord([step.si("a"), step.si("b")], step.si("c")),
                chord([step.si("d"), step.si("e")], step.si("f")),
            ],
            step.si("g"),
        ),
        # The last one to end is another task of the header in each of these two.
        "first-is-slow": lambda: _chords(0.4, 0.02),
        "last-is-slow": lambda: _chords(0.02, 0.4),
        "plain-between": lambda: chain(step.si("a"), plain.si("p"), step.si("b")),
        "silent-chain": lambda: chain(silent.si("a"), silent.si("b")),
        "failing-header": lambda: chord([step.si("a"), step.si("b", "raise")], step.si("c")),
        "failing-body": lambda: chord([step.si("a"), step.si("b")], step.si("c", "raise")),
        "failing-chain": lambda: chain(step.si("a"), step.si("b", "raise"), step.si("c")),
        "failing-group": lambda: group(
            step.si("a", "raise"), step.si("b", seconds=0.5), step.si("c", seconds=0.5)
        ),
        "failing-plain": lambda: chain(step.si("a"), plain.si("p", "raise"), step.si("b")),
        "errback": lambda: step.si("a", "raise").on_error(on_error.si()),
        "retry-in-group": lambda: group(step.si("a", "retry"), step.si("b")),
        "ignore-in-group": lambda: group(step.si("a", "ignore"), step.si("b")),
        "reject-in-group": lambda: group(step.si("a", "reject"), step.si("b")),
        "expired-in-chain": lambda: chain(step.si("a"), step.si("b").set(expires=-1)),
    }
    return shapes[name]()


# -- pools ----------------------------------------------------------------------------------------


@app.task(bind=True, base=JobTask)  # type: ignore[untyped-decorator]
def counted(self: Any, count: int, seconds: float) -> int:
    for name in self.job.track([str(number) for number in range(count)], kind="step", key=str):
        time.sleep(seconds)
        del name
    return count


@app.task(bind=True, base=JobTask)  # type: ignore[untyped-decorator]
def sleeps(self: Any, seconds: float) -> str:
    """Says nothing for longer than a lease lasts."""
    with self.job.item("sleep", kind="step"):
        time.sleep(seconds)
    return "slept"


@app.task  # type: ignore[untyped-decorator]
def receivers() -> dict[str, int]:
    """How often each of our receivers is connected, in the process that runs tasks."""
    import gc

    gc.collect()
    counts = {}
    for name in ("before_task_publish", "task_postrun", "task_revoked", "worker_process_init"):
        live = getattr(signals, name)._live_receivers(None)
        counts[name] = sum("progress" in receiver.__module__ for receiver in live)
    return counts


# -- ends -----------------------------------------------------------------------------------------


@app.task(bind=True, base=JobTask)  # type: ignore[untyped-decorator]
def stuck(self: Any, how: str, mark: str = "") -> None:
    """Never comes to an end by itself."""
    try:  # first: who sees the item may end this process at once
        with self.job.item("sleep", kind="step"):
            self.job.flush()
            while how == "compute":
                sum(range(10**12))
            while how == "swallow":
                with suppress(BaseException):
                    time.sleep(3600)
            time.sleep(3600)
    finally:
        if mark:
            Path(mark).touch()


@app.task(bind=True, base=JobTask)  # type: ignore[untyped-decorator]
def starts_a_program(self: Any) -> None:
    """A program and a fork of this process, both of which are to obey."""
    started = subprocess.Popen(["sleep", "3600"])
    started.terminate()
    if started.wait(5) != -signal.SIGTERM:
        raise ValueError("the program did not obey")
    reading, writing = os.pipe()
    forked = os.fork()
    if forked == 0:
        os.write(writing, b"1")  # Python forgets a signal that comes before it has forked
        time.sleep(3600)
    os.read(reading, 1)
    os.kill(forked, signal.SIGTERM)
    if os.waitpid(forked, 0)[1] != signal.SIGTERM:
        raise ValueError("the fork did not obey")


@app.task(bind=True, base=JobTask, max_retries=3)  # type: ignore[untyped-decorator]
def ends(self: Any, how: str) -> Any:  # noqa: C901, PLR0912 - a line for each way
    """Comes to an end in one of the ways that the documents tell."""
    with self.job.item(f"{how} {self.request.id}", kind="step"):
        is_first = self.request.retries == 0 and not self.request.delivery_info.get("redelivered")
        match how:
            case "failure":
                raise JobFailure("The shop is closed.", code="closed")
            case "failure-of-a-part":
                group(ends.si("failure"), ends.si("slow")).apply_async()
            case "state":
                self.update_state(state="FAILURE", meta={"exc_type": "ValueError"})
                raise Ignore
            case "ignore":
                raise Ignore
            case "reject":
                raise Reject(requeue=False)
            case "raise":
                raise ValueError("/secret/path")
            case "retry" if is_first:
                raise self.retry(countdown=0)
            case "retry-of-a-part":
                ends.si("retry").apply_async()
            case "replace":
                return self.replace(group(ends.si("return"), ends.si("return")))
            case "slow":
                time.sleep(0.5)
            case "long":
                self.job.flush()
                time.sleep(1.5)
            case "sleep":
                self.job.flush()
                time.sleep(60)
            case "lost" if is_first:
                # The worker's main process sees a lease when it next renews what it has.
                time.sleep(1)
                self.job.flush()
                os.kill(os.getpid(), signal.SIGKILL)
    return how


# -- windows --------------------------------------------------------------------------------------


@app.task(bind=True, base=JobTask)  # type: ignore[untyped-decorator]
def fanned(self: Any, parts: int, trouble: str = "", window: int = 3) -> None:
    """A job of numbered parts, of which a few are open at a time."""
    self.job.total(parts)
    then = None if trouble == "no-last" else silent.si("last")
    self.fan_out(fanned_part.s(trouble), parts=parts, window=window, then=then)
    if trouble == "other":
        self.fan_out(fanned_part.s(trouble), parts=parts + 1, window=window)


@app.task(bind=True, base=JobTask, reject_on_worker_lost=False)  # type: ignore[untyped-decorator]
def fanned_part(self: Any, number: int, trouble: str) -> None:
    if trouble == "nameless":
        for _ in self.job.track([{"a": 1}, {"a": 1}]):
            pass
        return
    with self.job.item(f"part {number}", kind="step"):
        if trouble == "slow":
            time.sleep(0.05)
        if trouble == "kill" and number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        if trouble == "raise" and number == 1:
            raise ValueError(number)
