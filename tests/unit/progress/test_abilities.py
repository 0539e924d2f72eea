"""Every log has five methods; a log declares what else it can do."""

from __future__ import annotations

import time
from types import FunctionType
from typing import Any

import pytest
from celery import Celery

from progress.aliases import SupportsAliases
from progress.celery import JobTask, install
from progress.lease import LeaseBook, SupportsLeases
from progress.log import JobRef, Log, Messages, SupportsCancel, SupportsRestart, SupportsRevocation
from progress.memory import MemoryLog
from progress.memory.leases import MemoryLeaseBook
from progress.memory.parts import MemoryPartBook
from progress.parts import SupportsParts
from progress.queues import SupportsQueues
from progress.redis import RedisLog
from progress.testing import FaultyLog

ABILITIES = (
    SupportsAliases,
    SupportsCancel,
    SupportsLeases,
    SupportsParts,
    SupportsQueues,
    SupportsRevocation,
    SupportsRestart,
)


class BareLog(Log):
    """A log that can do no more than every log."""

    def __init__(self) -> None:
        inner = MemoryLog()
        for name in ("append", "snapshot", "position", "read", "messages"):
            setattr(self, name, getattr(inner, name))


@pytest.mark.parametrize("protocol", [Log, Messages, LeaseBook, *ABILITIES])
def test_a_protocol_has_few_methods_and_each_says_what_it_does(protocol: type) -> None:
    methods = {
        name: found.fget if isinstance(found, property) else found
        for name, found in vars(protocol).items()
        if isinstance(found, FunctionType | property) and not name.startswith("_")
    }
    assert 1 <= len(methods) <= (5 if protocol is Log else 6)
    assert [name for name, method in methods.items() if not method.__doc__] == []
    assert protocol.__doc__


@pytest.mark.parametrize("log", [MemoryLog(), RedisLog("redis://127.0.0.1:1/0")])
def test_the_logs_of_this_package_declare_all_abilities(log: MemoryLog | RedisLog) -> None:
    assert set(ABILITIES) < set(type(log).__mro__)
    for ability in ABILITIES:
        assert isinstance(log, ability)


@pytest.mark.parametrize("make", [BareLog, lambda: FaultyLog(MemoryLog())])
def test_a_job_runs_with_a_log_that_keeps_no_leases(make: Any) -> None:
    log, app = make(), Celery("bare", broker="memory://", set_as_current=False)
    installed = install(app, log)
    assert isinstance(installed.leases, MemoryLeaseBook)
    assert isinstance(installed.parts, MemoryPartBook)

    @app.task(bind=True, base=JobTask, shared=False)  # type: ignore[untyped-decorator]
    def work(self: Any) -> None:
        for _ in self.job.track("abc"):
            assert self.job.cancel_requested is False

    task = work.apply()
    task.get(timeout=5)
    until = time.monotonic() + 5
    state = log.snapshot(JobRef("everyone", task.id))
    # On a machine that has much to do the end is told a moment after the task is over.
    while state[0].status == "running" and time.monotonic() < until:
        time.sleep(0.01)
        state = log.snapshot(JobRef("everyone", task.id))
    assert state[0].status == "completed"
    assert state[0].progress.succeeded == 3


def test_a_log_is_used_with_each_ability_that_it_declares() -> None:
    log, app = MemoryLog(), Celery("able", broker="memory://", set_as_current=False)
    installed = install(app, log)
    assert installed.leases is log.leases
    assert installed.parts is log.parts
    assert installed.cancels is log
    assert install(app, BareLog()).cancels is None
