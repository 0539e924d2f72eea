"""A task's `run` is its job's execution, however it is called and whatever is set around it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from celery import Celery, Task
from celery.exceptions import Ignore
from flask import Flask, current_app

from progress.celery import JobTask, install
from progress.events import Snapshot, StatusEvent, parse_event
from progress.log import JobRef
from progress.memory import MemoryLog
from progress.testing import entries_of, status

flask_app = Flask(__name__)


class FlaskTask(Task):  # type: ignore[misc]
    def __call__(self, *args: object, **kwargs: object) -> object:
        with flask_app.app_context():
            return self.run(*args, **kwargs)


class SuperFlaskTask(Task):  # type: ignore[misc]
    def __call__(self, *args: object, **kwargs: object) -> object:
        with flask_app.app_context():
            return super().__call__(*args, **kwargs)


class Shop:
    """An application in eager mode, and the log of its jobs."""

    def __init__(self, task_cls: type[Task] | None) -> None:
        self.celery = Celery("run", broker="memory://", task_cls=task_cls, set_as_current=False)
        self.celery.conf.task_always_eager = True
        self.log = MemoryLog()
        install(self.celery, self.log)

    def task(self, work: Any, **options: Any) -> Any:
        return self.celery.task(bind=True, base=JobTask, shared=False, **options)(work)

    def statuses(self, job_id: str) -> list[str]:
        entries = entries_of(self.log, JobRef("everyone", job_id))
        events = [parse_event(entry.document) for entry in entries]
        return [event.status for event in events if isinstance(event, StatusEvent)]

    def state(self, job_id: str) -> Snapshot:
        known = self.log.snapshot(JobRef("everyone", job_id))
        assert known is not None
        assert isinstance(known[0], Snapshot)
        return known[0]


@pytest.fixture(params=[None, FlaskTask, SuperFlaskTask], ids=["plain", "flask", "flask-super"])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    shop = Shop(request.param)
    yield shop
    shop.celery.close()


@pytest.mark.parametrize("task_cls", [FlaskTask, SuperFlaskTask])
def test_the_applications_own_task_class_is_kept_beside_ours(task_cls: type[Task]) -> None:
    shop = Shop(task_cls)

    def names(self: Any) -> str:
        with self.job.item("a", kind="step"):
            return current_app.name

    task = shop.task(names)
    result = task.delay()
    assert result.get() == flask_app.name
    assert shop.statuses(result.id) == ["running", "completed"]
    assert isinstance(task, task_cls)
    assert task.name.endswith("names")
    assert type(task._get_current_object()).__module__ == __name__


def test_a_task_that_calls_itself_as_a_function_is_one_execution(shop: Shop) -> None:
    def countdown(self: Any, number: int) -> int:
        with self.job.item(number, kind="number"):
            pass
        return 0 if number == 0 else 1 + int(self(number - 1))

    result = shop.task(countdown).delay(3)
    assert result.get() == 3
    assert shop.statuses(result.id) == ["running", "completed"]
    progress = shop.state(result.id).progress
    assert progress is not None
    assert progress.succeeded == 4


def test_an_inherited_run_is_the_classs_work_too(shop: Shop) -> None:
    class Mixin:
        def run(self) -> str:
            return "mixed"

    class Inner(Mixin, JobTask):
        name = "inner"

    class Outer(Inner):
        name = "outer"
        autoretry_for = (ConnectionError,)

        def run(self) -> str:
            self.job.note("about to ask")
            if self.request.retries == 0:
                raise ConnectionError
            return "not " + super().run()

    for cls, answer in ((Inner, "mixed"), (Outer, "not mixed")):
        task = shop.celery.register_task(cls())
        task.bind(shop.celery)
        result = task.apply()
        assert result.get() == answer
        assert shop.statuses(result.id)[-1] == "completed"
        assert shop.state(result.id).attempt == (1 if cls is Inner else 2)


def test_a_function_set_around_a_run_stays_inside_of_the_execution(shop: Shop) -> None:
    calls: list[str] = []

    def plain(self: Any) -> str:
        calls.append("work")
        return "done"

    task = shop.task(plain)
    found = task.run

    def measured(*args: Any, **kwargs: Any) -> Any:
        calls.append("before")
        return found(*args, **kwargs)

    task.run = measured
    result = task.delay()
    assert result.get() == "done"
    assert calls == ["before", "work"]
    assert shop.statuses(result.id) == ["running", "completed"]
    del task.run
    assert task.delay().get() == "done"
    assert calls == ["before", "work", "work"]


def test_update_state_shows_numbers_and_words_and_is_celerys_own_besides() -> None:
    shop = Shop(None)
    kept: list[Any] = []

    def reports(self: Any) -> None:
        self.backend.store_result = lambda *said, **_: kept.append(said)
        self.update_state(state="PROGRESS", meta={"done": "3", "total": 10, "message": "Reading"})

        def refuses(*_: Any, **__: Any) -> None:
            raise TypeError("no JSON")

        self.backend.store_result = refuses
        with pytest.raises(TypeError, match="no JSON"):
            self.update_state("another", "PROGRESS", {"done": 9, "total": 10})
        self.job.flush()

    result = shop.task(reports).delay()
    result.get()
    meta = {"done": "3", "total": 10, "message": "Reading"}
    assert kept == [(result.id, meta, "PROGRESS")]
    state = shop.state(result.id)
    assert state.progress is not None
    assert (state.progress.done, state.progress.total) == (3, 10)
    assert state.note is not None
    assert state.note.text == "Reading"


@pytest.mark.parametrize(("state", "ended"), [("FAILURE", "failed"), ("PROGRESS", "completed")])
def test_a_task_that_calls_itself_failed_and_is_ignored_is_failed(state: str, ended: str) -> None:
    shop = Shop(None)

    def gives_up(self: Any) -> None:
        self.update_state(state=state, meta={"exc_type": "ValueError", "exc_message": "no"})
        raise Ignore

    result = shop.task(gives_up).delay()
    assert shop.statuses(result.id) == ["running", ended]


@pytest.mark.parametrize("returns_result", [True, False])
def test_a_tasks_return_value_is_the_jobs_result_where_the_task_says_so(
    *, returns_result: bool
) -> None:
    shop = Shop(None)

    def counts(self: Any) -> dict[str, int]:
        del self
        return {"orders": 3}

    options = {"returns_result": True} if returns_result else {}
    result = shop.task(counts, **options).delay()
    known = shop.state(result.id).result
    assert known == ({"orders": 3} if returns_result else None)


def test_a_task_that_is_called_as_a_function_says_nothing_and_works(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop = Shop(None)

    def counts(self: Any, orders: list[str]) -> tuple[int, int, list[str]]:
        with self.job.phase("all", total=len(orders)):
            for order in self.job.track(orders, key=str, resume=True):
                self.job.note(f"at {order}", order=order)
        self.job.result({"orders": len(orders)})
        left = list(self.job.unfinished(orders, key=str))
        self.job.flush()
        return self.job.succeeded, self.job.failed, left

    task = shop.task(counts)
    for way in (task, task.run):
        assert way(["a", "b"]) == (2, 0, ["a", "b"])
    assert shop.log._jobs == {}
    assert not caplog.records


def test_a_function_that_a_task_calls_reports_to_the_tasks_job() -> None:
    shop = Shop(None)

    def inner(self: Any) -> None:
        with self.job.item("inner", kind="step"):
            pass

    inner_task = shop.task(inner)

    def outer(self: Any) -> int:
        inner_task()
        return int(self.job.succeeded)

    assert shop.task(outer).delay().get() == 1


def test_a_task_in_two_executions_at_once_does_not_guess_whose_job_a_thread_is_at(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop = Shop(None)
    both = threading.Barrier(2, timeout=10)

    def asks(self: Any) -> int:
        def look() -> None:
            with self.job.item(1, kind="step"):
                pass

        both.wait()
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        both.wait()
        return int(self.job.succeeded)

    task = shop.task(asks)
    with ThreadPoolExecutor(2) as pool:
        counts = [future.result().get() for future in [pool.submit(task.apply) for _ in range(2)]]
    assert counts == [0, 0]
    assert [record.action for record in caplog.records] == ["no_job"]  # type: ignore[attr-defined]


def test_a_task_of_an_application_without_live_progress_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    celery = Celery("bare", broker="memory://", set_as_current=False)

    @celery.task(bind=True, base=JobTask, shared=False)  # type: ignore[untyped-decorator]
    def bare(self: Any) -> str:
        with self.job.item(1, kind="step"):
            return "done"

    assert [bare.apply().get(), bare.apply().get()] == ["done", "done"]
    assert [record.action for record in caplog.records] == ["no_job"]  # type: ignore[attr-defined]
    assert "install(app, log)" in caplog.text


@pytest.mark.parametrize(
    ("known", "attempt"), [(None, 1), ("pending", 1), ("running", 2), ("retrying", 2)]
)
def test_a_job_that_is_sent_again_begins_the_next_attempt(known: str | None, attempt: int) -> None:
    shop = Shop(None)
    if known is not None:
        shop.log.append(JobRef("everyone", "job"), [status(known)], attempt=1)

    def nothing(self: Any) -> None:
        del self

    shop.task(nothing).apply(task_id="job")
    state = shop.state("job")
    assert (state.status, state.attempt) == ("completed", attempt)
