"""Leases and parts that break in any way do not break the task they are kept for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from celery import Celery

from progress.celery import JobTask, install
from progress.log import JobRef
from progress.memory import MemoryLog
from progress.reporter import Repair


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

    @app.task(bind=True, base=JobTask, name=f"{method}.{retries}")  # type: ignore[untyped-decorator]
    def work(self: Any) -> int:
        with self.job.item("one", kind="thing"):
            return 42

    BREAKS[method](log)
    assert work.apply(retries=retries).get(timeout=5) == 42
