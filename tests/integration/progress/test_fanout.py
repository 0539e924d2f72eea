"""A job of any size keeps a window of messages in the queue, and ends when all of it is done."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, chord, group

from progress.celery import JobTask, install
from progress.celery.fanout import window_of
from progress.celery.queues import waiting
from progress.errors import ProgressError
from progress.log import JobRef
from progress.memory import MemoryLog
from progress.parts import part_id
from progress.redis import RedisLog
from progress.run import RowStatus
from tests.integration.progress.site import APPLICATION, Site
from tests.servers import Server, valkey
from tests.workers import worker

DOCUMENT = Path(__file__).parents[3] / "docs" / "progress.md"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with valkey() as server:
        yield server


@pytest.fixture(scope="module")
def site(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    celery = Celery("sender", broker=server.tcp_url, backend=server.tcp_url)
    log = RedisLog(server.tcp_url)
    folder = tmp_path_factory.mktemp("fanout")
    with worker(APPLICATION, folder, {"SHAPES_REDIS": server.tcp_url}):
        yield Site(celery, log)
    log.close()
    celery.close()


def names(count: int, *others: str) -> list[str]:
    return sorted([*(f"part {number}" for number in range(count)), *others])


@pytest.mark.parametrize(("parts", "window"), [(0, 3), (1, 3), (3, 3), (10, 1), (10, 3), (5, 99)])
def test_every_part_is_done_once_and_the_closing_part_after_them(
    site: Site, parts: int, window: int
) -> None:
    ref = site.send("fanned", parts, "", window)
    state = site.end(ref)
    assert site.statuses(ref) == ["running", "completed"]
    assert site.succeeded(ref) == names(parts, "last")
    items = [event for event in site.events(ref) if event.type == "item"]
    assert [item.item_id for item in items[-2:]] == ["last", "last"]
    assert state.progress is not None
    assert state.progress.failed == 0


@pytest.mark.parametrize("trouble", ["", "raise", "kill"])
def test_the_run_tells_when_each_part_began_and_how_it_ended(site: Site, trouble: str) -> None:
    ref = site.send("fanned", 6, trouble)
    site.end(ref)
    run = site.log.run(ref)
    assert run is not None
    attempt, *parts = run.rows
    assert (attempt.kind, attempt.status) == ("attempt", "failed" if trouble else "completed")
    ended = {part.name: part.status for part in parts}
    failed = {"2": RowStatus.FAILED} if trouble else {"closing": RowStatus.COMPLETED}
    assert ended == {str(number): RowStatus.COMPLETED for number in range(1, 7)} | failed
    assert all(part.end is not None and part.end <= run.finished_at for part in parts)


def test_things_without_a_name_count_once_for_each_part(site: Site) -> None:
    state = site.end(site.send("fanned", 6, "nameless"))
    assert state.progress is not None
    assert state.progress.succeeded == 2 * 6 + 1  # and the closing part's own


def test_a_job_without_a_closing_part_ends_with_its_last_part(site: Site) -> None:
    ref = site.send("fanned", 7, "no-last")
    site.end(ref)
    assert site.statuses(ref) == ["running", "completed"]
    assert site.succeeded(ref) == names(7)


@pytest.mark.parametrize(
    ("trouble", "code"), [("raise", "internal_error"), ("kill", "worker_lost")]
)
def test_the_next_part_is_sent_however_a_part_ended(site: Site, trouble: str, code: str) -> None:
    ref = site.send("fanned", 10, trouble)
    state = site.end(ref)
    assert site.statuses(ref) == ["running", "failed"]
    assert state.error is not None
    assert state.error.code == code
    assert site.succeeded(ref) == [name for name in names(10) if name != "part 1"]


def test_a_job_keeps_no_more_than_its_window_in_the_queue(site: Site, server: Server) -> None:
    ref, most, largest = site.send("fanned", 60, "slow", 5), 0, 0
    while "completed" not in site.statuses(ref):
        messages = site.log.client.lrange("celery", 0, -1)
        most = max(most, len(messages))
        largest = max([largest, *map(len, messages)])
        time.sleep(0.005)
    assert 0 < most <= 5
    assert largest < 4_000
    assert site.succeeded(ref) == names(60, "last")


def test_an_attempt_fans_out_once(site: Site) -> None:
    ref = site.send("fanned", 4, "other")
    assert site.end(ref).status == "failed"
    assert site.succeeded(ref) == names(4)


def test_the_queues_tell_which_tasks_wait_and_of_which_jobs(server: Server) -> None:
    app = Celery("other", broker=server.tcp_url)
    app.conf.task_default_queue = "nobody's"
    app.conf.task_queues = None
    install(app, MemoryLog())

    @app.task(base=JobTask, shared=False)  # type: ignore[untyped-decorator]
    def job() -> None: ...

    assert not waiting(app).any
    ids = [job.delay().id for _ in range(1_200)]
    app.send_task("plain", headers={"progress": {"jobId": "a job"}}, task_id="a part", priority=9)
    with app.connection_for_write() as connection:
        connection.default_channel.client.lpush("nobody's", b"what is this?")
    found = waiting(app)
    assert found.any
    assert found.task_ids == {*ids, "a part"}
    assert found.job_ids == {*ids, "a job"}
    assert not found.may_have_job("another")
    app.close()


def test_in_eager_mode_all_parts_run_in_their_order() -> None:
    app, log, done = Celery("eager", set_as_current=False), MemoryLog(), []
    app.conf.task_always_eager = True
    install(app, log)

    @app.task(bind=True, base=JobTask, shared=False)  # type: ignore[untyped-decorator]
    def whole(self: Any) -> None:
        self.fan_out(part.s("a"), parts=500, then=last.si())

    @app.task(bind=True, base=JobTask, shared=False)  # type: ignore[untyped-decorator]
    def part(self: Any, number: int, name: str) -> None:
        with self.job.item(number, kind="part"):
            done.append((number, name))

    @app.task(base=JobTask, shared=False)  # type: ignore[untyped-decorator]
    def last() -> None:
        done.append((-1, "last"))

    ref = JobRef("everyone", whole.delay().id)
    known = log.snapshot(ref)
    assert known is not None
    assert known[0].status == "completed"  # type: ignore[union-attr]
    assert done == [*((number, "a") for number in range(500)), (-1, "last")]


@pytest.mark.parametrize(
    ("parts", "size", "part", "then", "sentence"),
    [
        (-1, 3, "s", None, "into -1 parts: give 0 or more"),
        (3, 0, "s", None, "window of 0 parts sends none"),
        (3, 3, "si", None, r"leaves out: use \.s\(\)"),
        (3, 3, "group", None, "is several tasks"),
        (3, 3, "s", "chord", "is several tasks"),
        (3, 3, "object", None, "must be fit for JSON"),
    ],
)
def test_a_fan_out_that_cannot_be_is_refused_with_a_sentence(
    parts: int, size: int, part: str, then: str | None, sentence: str
) -> None:
    app = Celery("any", set_as_current=False)

    @app.task(shared=False)  # type: ignore[untyped-decorator]
    def task(*_: object) -> None: ...

    made = {
        "s": task.s(1),
        "si": task.si(1),
        "group": group([task.s()], app=app),
        "chord": chord([task.s()], task.s(), app=app),
        "object": task.s(object()),
    }
    with pytest.raises(ProgressError, match=sentence):
        window_of(made[part], parts=parts, size=size, then=made[then] if then else None)


def test_the_document_s_example_runs_as_it_is_written(tmp_path: Path) -> None:
    text = DOCUMENT.read_text("utf-8")
    section = text[text.index("## A job of many parts") :]
    example = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert example is not None
    done: list[int] = []
    app, log = Celery("shop", set_as_current=False), MemoryLog()
    app.conf.task_always_eager = True
    install(app, log)
    orders = list(range(120))

    def orders_between(first: int, end: int) -> list[int]:
        return orders[first:end]

    names: dict[str, Any] = {
        "celery_app": app,
        "JobTask": JobTask,
        "count_orders": lambda: len(orders),
        "orders_between": orders_between,
        "charge": done.append,
        "send_receipt": lambda: done.append(-1),
    }
    exec(example[1], names)
    ref = JobRef("everyone", names["charge_orders"].delay().id)
    known = log.snapshot(ref)
    assert known is not None
    assert known[0].status == "completed"  # type: ignore[union-attr]
    assert known[0].progress.succeeded == 120  # type: ignore[union-attr]
    assert done == [*orders, -1]
    assert part_id(ref, 0, attempt=1) == f"{ref.job_id}.1.0"
