"""An application in eager mode: it runs every task where it is sent."""

from __future__ import annotations

from typing import Any

from celery import Celery, chain, chord, group
from celery.exceptions import Ignore

from progress.celery import JobTask, install
from progress.memory import MemoryLog

app = Celery("eager", broker="memory://", backend="cache+memory://", set_as_current=False)
app.conf.task_always_eager = True
installation = install(app, MemoryLog())


@app.task(bind=True, base=JobTask, shared=False)  # type: ignore[untyped-decorator]
def step(self: Any, name: str, trouble: str = "") -> str:
    with self.job.item(name, kind="step"):
        if trouble == "raise":
            raise ValueError(name)
        if trouble == "ignore":
            raise Ignore
        if trouble == "retry" and self.request.retries == 0:
            raise self.retry(countdown=0)
    return name


@app.task(shared=False)  # type: ignore[untyped-decorator]
def plain(name: str) -> None:
    """Its base is not `JobTask`."""
    step.delay(name)


@app.task(bind=True, base=JobTask, shared=False)  # type: ignore[untyped-decorator]
def start(self: Any, shape: str) -> None:
    with self.job.item("start", kind="step"):
        pass
    shapes = {
        "task": lambda: step.si("a"),
        "chain": lambda: chain(step.si("a"), step.si("b")),
        "group": lambda: group(step.si("a"), step.si("b")),
        "chord": lambda: chord([step.si("a"), step.si("b")], step.si("c")),
    }
    shapes[shape]().apply_async()


@app.task(bind=True, base=JobTask, shared=False)  # type: ignore[untyped-decorator]
def again(self: Any) -> None:
    plain.delay(str(self.request.retries))
    if self.request.retries == 0:
        raise self.retry(countdown=0)


@app.task(bind=True, base=JobTask, shared=False)  # type: ignore[untyped-decorator]
def counts(self: Any) -> None:
    for done in range(4):
        self.update_state(state="PROGRESS", meta={"current": done, "total": 3})
