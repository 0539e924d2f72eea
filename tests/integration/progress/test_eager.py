"""Eager mode: a job is done where it is sent, and its log says so all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery, chain, chord, group
from celery.exceptions import Ignore

from progress.celery import Installation, JobTask, install
from progress.events import ItemEvent, Snapshot, StatusEvent, parse_event
from progress.log import JobRef
from progress.memory import MemoryLog
from progress.testing import entries_of


@pytest.fixture(scope="module")
def app() -> Iterator[Celery]:
    app = Celery("eager", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.task_always_eager = True
    install(app, MemoryLog())

    @app.task(bind=True, base=JobTask, shared=False, name="step")  # type: ignore[untyped-decorator]
    def step(self: Any, name: str, trouble: str = "") -> str:
        with self.job.item(name, kind="step"):
            if trouble == "raise":
                raise ValueError(name)
            if trouble == "ignore":
                raise Ignore
            if trouble == "retry" and self.request.retries == 0:
                raise self.retry(countdown=0)
        return name

    @app.task(bind=True, base=JobTask, shared=False, name="start")  # type: ignore[untyped-decorator]
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

    @app.task(bind=True, base=JobTask, shared=False, name="counts")  # type: ignore[untyped-decorator]
    def counts(self: Any) -> None:
        for done in range(4):
            self.update_state(state="PROGRESS", meta={"current": done, "total": 3})

    yield app
    app.close()


def _installation(app: Celery) -> Installation:
    found: Installation = app.progress_installation
    return found


def _events(app: Celery, job_id: str) -> list[Any]:
    entries = entries_of(_installation(app).log, JobRef("everyone", job_id))
    return [parse_event(entry.document) for entry in entries]


def _statuses(app: Celery, job_id: str) -> list[str]:
    return [event.status for event in _events(app, job_id) if isinstance(event, StatusEvent)]


@pytest.mark.parametrize(
    ("trouble", "statuses"),
    [
        ("", ["running", "completed"]),
        ("raise", ["running", "failed"]),
        ("ignore", ["running", "completed"]),
        ("retry", ["running", "retrying", "running", "completed"]),
    ],
)
@pytest.mark.parametrize("way", ["apply", "delay"])
def test_a_job_begins_and_ends_once(
    app: Celery, way: str, trouble: str, statuses: list[str]
) -> None:
    step = app.tasks["step"]
    result = step.apply(("x", trouble)) if way == "apply" else step.delay("x", trouble)
    assert _statuses(app, result.id) == statuses


@pytest.mark.parametrize("shape", ["task", "chain", "group", "chord"])
def test_a_job_of_many_tasks_ends_when_all_are_done(app: Celery, shape: str) -> None:
    result = app.tasks["start"].delay(shape)
    items = [event for event in _events(app, result.id) if isinstance(event, ItemEvent)]
    done = [item.item_id for item in items if item.status == "succeeded"]
    assert done == {"task": ["start", "a"], "chord": ["start", "a", "b", "c"]}.get(
        shape, ["start", "a", "b"]
    )
    assert _statuses(app, result.id) == ["running", "completed"]


def test_counts_told_by_update_state_are_shown(app: Celery) -> None:
    result = app.tasks["counts"].delay()
    known = _installation(app).log.snapshot(JobRef("everyone", result.id))
    assert known is not None
    assert isinstance(known[0], Snapshot)
    assert known[0].progress is not None
    assert (known[0].progress.done, known[0].progress.total) == (3, 3)


def test_a_cancelled_job_stops_before_it_is_done(app: Celery) -> None:
    log = _installation(app).log
    log.request_cancel(JobRef("everyone", "cancelled-job"))
    app.tasks["step"].apply(("x",), task_id="cancelled-job")
    assert _statuses(app, "cancelled-job")[-1] == "cancelled"


def test_no_lease_and_no_open_part_is_left(app: Celery) -> None:
    app.tasks["start"].delay("chord")
    app.tasks["step"].delay("x", "raise")
    installation = _installation(app)
    assert installation.leases.held() == frozenset()
    assert installation.parts._attempts == {}  # type: ignore[attr-defined]
