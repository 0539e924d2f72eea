"""The heartbeat renews leases of running tasks, frees those of lost ones, ends cancelled ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest

from progress.errors import LogUnavailable
from progress.lease import HeldLease, Lease, LeaseTerms, Part, Vigil, leased_jobs
from progress.lifecycle import NoStore
from progress.log import JobRef
from progress.memory import MemoryLog
from progress.memory.leases import MemoryLeaseBook
from progress.recovery.heartbeat import Heartbeat
from progress.recovery.reaper import Reaper

TERMS = LeaseTerms(lease_seconds=15, renew_seconds=4, reap_seconds=4, cancel_seconds=10)
PART = Part(JobRef("account", "job"), "task")
HELD = Lease(PART, "host/1", "x", 1)
#: The same as the main process knows it.
SEEN = Lease(PART, "host/1")


@dataclass
class Worker:
    """A keeper and the worker it keeps for."""

    now: float = 0.0
    active: dict[int, Lease] = field(default_factory=dict)
    cancelled: bool = False
    terminated: list[str] = field(default_factory=list)
    #: By somebody who looks after each step.
    thought_lost: list[HeldLease] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.leases = MemoryLeaseBook()
        self.vigil: Vigil[HeldLease] = Vigil(seconds=TERMS.lease_seconds)
        log = MemoryLog()
        self.keeper = Heartbeat(
            self.leases,
            lambda: self.active,
            reaper=Reaper(log, self.leases, NoStore(), TERMS, clock=lambda: self.now),
            terms=TERMS,
            cancel_requested=lambda _: self.cancelled,
            terminate=lambda lease: self.terminated.append(lease.part.task_id),
            clock=lambda: self.now,
        )

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.now += 4
            self.keeper.step()
            self.thought_lost += self.vigil.look(self.leases.look(), now=self.now)

    @property
    def can_be_taken(self) -> bool:
        other = Lease(PART, "host/9", "other", 1)
        granted = self.leases.take(other).granted
        self.leases.release(other)
        return granted


@pytest.fixture
def worker() -> Worker:
    return Worker()


def test_a_task_that_runs_for_long_stays_leased(worker: Worker) -> None:
    worker.leases.take(HELD)
    worker.active = {1: SEEN}
    worker.steps(50)
    assert worker.thought_lost == []
    assert not worker.can_be_taken


def test_an_execution_whose_process_died_frees_its_part_at_once(worker: Worker) -> None:
    worker.leases.take(HELD)
    worker.active = {1: SEEN}
    worker.steps(2)
    worker.active = {}
    worker.steps(1)
    assert worker.can_be_taken


def test_the_part_of_an_execution_that_ended_well_is_not_leased_again(worker: Worker) -> None:
    worker.leases.take(HELD)
    worker.active = {1: SEEN}
    worker.steps(2)
    worker.leases.release(HELD)
    worker.steps(1)
    worker.active = {}
    worker.steps(1)
    assert leased_jobs(worker.leases.look()) == frozenset()


def test_a_process_that_runs_a_part_again_keeps_its_new_lease(worker: Worker) -> None:
    worker.leases.take(HELD)
    worker.active = {1: SEEN}
    worker.steps(1)
    worker.leases.release(HELD)
    worker.leases.take(Lease(PART, "host/1", "y", 2))
    worker.active = {2: SEEN}
    for _ in range(10):
        worker.steps(1)
        assert not worker.can_be_taken
    assert worker.thought_lost == []


def test_a_copy_that_was_refused_takes_nothing_from_who_runs_the_task(worker: Worker) -> None:
    worker.leases.take(HELD)
    worker.active = {1: Lease(PART, "host/2")}
    worker.steps(2)
    worker.active = {}
    worker.steps(2)
    assert not worker.can_be_taken


def test_a_lease_that_the_server_lost_is_made_again(worker: Worker) -> None:
    worker.leases.take(HELD)
    worker.active = {1: SEEN}
    worker.steps(1)
    worker.leases._records.clear()
    worker.steps(2)
    assert not worker.can_be_taken
    worker.leases.release(HELD)
    assert worker.can_be_taken


def test_a_server_that_is_gone_is_borne(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(leases: Iterable[Lease]) -> Sequence[Lease]:
        raise LogUnavailable("gone")

    worker.leases.take(HELD)
    worker.active = {1: SEEN}
    with monkeypatch.context() as patch:
        patch.setattr(worker.leases, "renew", gone)
        worker.steps(2)
    worker.steps(10)
    assert not worker.can_be_taken


def test_a_task_that_does_not_listen_to_a_cancel_is_ended_after_its_grace(worker: Worker) -> None:
    worker.leases.take(HELD)
    worker.active = {1: SEEN}
    worker.cancelled = True
    worker.steps(3)
    assert worker.terminated == []
    worker.steps(1)
    assert worker.terminated == ["task"]


def test_what_was_not_ended_at_a_shutdown_may_be_taken_at_once(worker: Worker) -> None:
    worker.leases.take(HELD)
    worker.active = {1: SEEN}
    worker.steps(1)
    worker.keeper.stop()
    assert worker.can_be_taken
