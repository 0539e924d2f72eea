"""Leases and parts that break in any way do not break the task they are kept for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from celery import Celery

from progress.celery import HEADER, JobTask, install
from progress.events import Snapshot, StatusEvent
from progress.log import JobRef
from progress.memory import MemoryLog
from progress.reports import Repair
from progress.testing import FaultyLog, watch


def _broken(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("a bug of ours")


BREAKS: dict[str, Callable[[MemoryLog], None]] = {
    "take": lambda log: setattr(log.leases, "take", _broken),
    "release": lambda log: setattr(log.leases, "release", _broken),
    "open": lambda log: setattr(log.parts, "open", _broken),
    "announce": lambda log: setattr(log.parts, "announce", _broken),
    "end": lambda log: setattr(log.parts, "end", _broken),
    "append": lambda log: setattr(log, "append", _broken),
    "snapshot": lambda log: setattr(log, "snapshot", _broken),
}


def _repair(_: JobRef) -> Repair | None:
    raise ZeroDivisionError("a bug of theirs")


@pytest.mark.parametrize("method", BREAKS)
@pytest.mark.parametrize("retries", [0, 1])
def test_a_task_returns_what_it_returns_whatever_breaks_around_it(
    method: str, retries: int
) -> None:
    log, app = MemoryLog(), Celery("faulty", broker="memory://", set_as_current=False)
    install(app, log, repair=_repair)

    @app.task(bind=True, base=JobTask, name=f"{method}.{retries}", shared=False)  # type: ignore[untyped-decorator]
    def work(self: Any) -> int:
        with self.job.item("one", kind="thing"):
            return 42

    BREAKS[method](log)
    assert work.apply(retries=retries).get(timeout=5) == 42


def test_no_part_ends_before_its_reports_are_told() -> None:
    log, app = FaultyLog(MemoryLog()), Celery("slow", broker="memory://", set_as_current=False)
    installed = install(app, log)
    ref = JobRef("everyone", "a slow job")
    header = {"account": ref.account, "jobId": ref.job_id, "attempt": 1}

    @app.task(bind=True, base=JobTask, name="slow.part", shared=False)  # type: ignore[untyped-decorator]
    def part(self: Any, names: list[str]) -> None:
        for name in names:
            with self.job.item(name, kind="thing"):
                pass

    installed.parts.open(ref, "one", attempt=1)
    installed.parts.announce(ref, "two", attempt=1)
    log.delay_seconds = 0.3
    began = time.monotonic()
    part.apply(task_id="one", args=[list("abc")], headers={HEADER: header})
    part.apply(task_id="two", args=[list("def")], headers={HEADER: header})
    assert time.monotonic() - began < 0.3
    *_, last = watch(log.log, ref, seconds=30)
    state = last.event
    assert isinstance(state, Snapshot | StatusEvent)
    assert state.status == "completed"
    snapshot = log.log.snapshot(ref)
    assert snapshot is not None
    assert snapshot[0].progress.succeeded == 6  # type: ignore[union-attr]
