"""What is lost is settled once: run again while that may be, else failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from progress.errors import LogUnavailable
from progress.events import JobStatus, Snapshot
from progress.lease import Lease, LeaseTerms, Part
from progress.lifecycle import COMPLETED, WORKER_LOST, Begun, NoStore, Recovery, Settlement
from progress.log import JobRef
from progress.memory import MemoryLog
from progress.memory.leases import MemoryLeaseBook
from progress.recovery.reaper import LOST_REASON, Reaper, Waiting
from progress.testing import status

REF = JobRef("account", "job")
PART = Part(REF, "task")
TERMS = LeaseTerms(lease_seconds=15, renew_seconds=4, reap_seconds=4)


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Rows(NoStore):
    """A store that answers as it is told."""

    recovery: Recovery | None = None
    due: Sequence[JobRef] = ()
    asked: list[int] = field(default_factory=list)

    def begin(self, job_id: str, /, *, attempt: int) -> Begun:
        return Begun(attempt)

    def lost(self, _job_id: str, /, *, attempt: int) -> Recovery | None:
        self.asked.append(attempt)
        return self.recovery

    def overdue(self) -> Sequence[JobRef]:
        return self.due


@dataclass
class Site:
    """A reaper and all that it looks at."""

    clock: Clock = field(default_factory=Clock)
    log: MemoryLog = field(default_factory=MemoryLog)
    store: Rows = field(default_factory=Rows)
    sent: list[JobRef] = field(default_factory=list)
    waiting: Waiting = Waiting()  # noqa: RUF009 - frozen
    #: Leases whose part had ended.
    ended: set[Lease] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.leases = MemoryLeaseBook(clock=self.clock)
        self.log.append(REF, [status("running")], attempt=1)

    def reaper(self, *, can_resend: bool = True) -> Reaper:
        return Reaper(
            self.log,
            self.leases,
            self.store,
            TERMS,
            resend=self.sent.append if can_resend else None,
            waiting=lambda: self.waiting,
            follow=self.follow,
            clock=self.clock,
        )

    def follow(self, lease: Lease) -> bool:
        return lease in self.ended

    def state(self) -> Snapshot:
        known = self.log.snapshot(REF)
        assert known is not None
        assert isinstance(known[0], Snapshot)
        return known[0]


@pytest.fixture
def site() -> Site:
    return Site()


def lose(site: Site, *, attempt: int = 1) -> None:
    site.leases.take(Lease(PART, "host/1", "x", attempt), seconds=15)
    site.clock.now += 16


def test_a_lease_that_holds_is_left_alone(site: Site) -> None:
    site.leases.take(Lease(PART, "host/1", "x", 1), seconds=15)
    site.clock.now += 14
    assert site.reaper().sweep() == 0
    assert site.store.asked == []


def test_a_lost_execution_is_sent_again_and_shown_as_retrying(site: Site) -> None:
    site.store.recovery = Recovery(1)
    lose(site)
    assert site.reaper().sweep() == 1
    assert site.sent == [REF]
    assert (site.state().status, site.state().reason) == ("retrying", LOST_REASON)
    assert site.leases.held() == frozenset()


def test_two_reapers_settle_a_loss_once(site: Site) -> None:
    site.store.recovery = Recovery(1)
    lose(site)
    assert [reaper.sweep() for reaper in (site.reaper(), site.reaper())] == [1, 0]


def test_what_nobody_can_send_again_fails_with_worker_lost(site: Site) -> None:
    site.store.recovery = Recovery(1)
    lose(site)
    site.reaper(can_resend=False).sweep()
    assert site.state().status == "failed"
    assert site.state().error is not None
    assert site.state().error.code == "worker_lost"  # type: ignore[union-attr]


def test_an_end_that_was_written_and_never_told_is_told(site: Site) -> None:
    site.store.recovery = Recovery(1, COMPLETED)
    lose(site)
    site.reaper().sweep()
    assert site.state().status == "completed"
    assert site.sent == []


def test_a_newer_attempt_is_left_alone(site: Site) -> None:
    site.store.recovery = None
    lose(site)
    site.reaper().sweep()
    assert site.state().status == "running"
    assert site.sent == []


def test_a_part_that_waits_in_a_busy_queue_is_not_lost_without_rows(site: Site) -> None:
    site.store.recovery = Recovery(1, WORKER_LOST)
    site.leases.take(Lease(PART, "host/1", "x", 1), seconds=15)
    site.leases.vacate(Lease(PART, "host/1"), seconds=15)
    site.clock.now += 16
    site.waiting = Waiting(any=True)
    reaper = site.reaper(can_resend=False)
    assert reaper.sweep() == 0
    site.waiting = Waiting()
    site.clock.now += 16
    assert reaper.sweep() == 1
    assert site.state().status == "failed"


def test_a_job_that_nobody_took_up_is_sent_again_once_the_queue_is_empty(site: Site) -> None:
    site.store.recovery, site.store.due = Recovery(0), [REF]
    reaper, site.waiting = site.reaper(), Waiting(any=True)
    for _ in range(10):
        site.clock.now += 4
        assert reaper.sweep() == 0
    site.waiting = Waiting()
    sweeps = []
    for _ in range(6):
        sweeps.append(reaper.sweep())
        site.clock.now += 4
    assert sweeps == [0, 0, 0, 0, 1, 0]
    assert site.sent == [REF]


def others(count: int) -> Waiting:
    """A queue that is never empty, of which a broker tells whose messages it has."""
    names = frozenset(f"other {number}" for number in range(count))
    return Waiting(any=True, task_ids=names, job_ids=names)


def test_a_lost_job_is_sent_again_though_the_queue_is_never_empty(site: Site) -> None:
    site.store.recovery, site.store.due = Recovery(0), [REF]
    reaper, site.waiting = site.reaper(), others(50)
    sweeps = []
    for _ in range(6):
        sweeps.append(reaper.sweep())
        site.clock.now += 4
    assert sweeps == [0, 0, 0, 0, 1, 0]
    assert site.sent == [REF]


def test_a_job_whose_message_waits_in_a_busy_queue_is_not_sent_again(site: Site) -> None:
    site.store.recovery, site.store.due = Recovery(0), [REF]
    reaper = site.reaper()
    site.waiting = Waiting(any=True, task_ids=frozenset({"x"}), job_ids=frozenset({REF.job_id}))
    for _ in range(20):
        site.clock.now += 4
        assert reaper.sweep() == 0
    assert site.store.asked == []


def test_a_lost_job_is_found_behind_any_number_that_are_under_way_or_wait(site: Site) -> None:
    held = [JobRef("account", f"held {number}") for number in range(300)]
    for ref in held:
        site.leases.take(Lease(Part(ref, ref.job_id), "host/1", "x", 1), seconds=10_000)
    site.waiting = others(300)
    waiting = [JobRef("account", name) for name in sorted(site.waiting.job_ids or ())]
    site.store.recovery, site.store.due = Recovery(0), [*held, *waiting, REF]
    reaper = site.reaper()
    for _ in range(6):
        site.clock.now += 4
        reaper.sweep()
    assert site.sent == [REF]


def test_a_part_whose_message_waits_in_a_busy_queue_is_not_lost(site: Site) -> None:
    site.store.recovery = Recovery(1)
    site.leases.take(Lease(PART, "host/1", "x", 1), seconds=15)
    site.leases.vacate(Lease(PART, "host/1"), seconds=15)
    reaper = site.reaper()
    site.waiting = Waiting(any=True, task_ids=frozenset({PART.task_id}), job_ids=frozenset())
    for _ in range(5):
        site.clock.now += 16
        assert reaper.sweep() == 0
    site.waiting = others(3)
    site.clock.now += 16
    assert reaper.sweep() == 1
    assert site.sent == [REF]


def test_what_follows_a_part_that_had_ended_is_sent_and_its_job_is_not_lost(site: Site) -> None:
    site.store.recovery = Recovery(1)
    site.ended.add(Lease(PART, "host/1", "x", 1))
    lose(site)
    assert site.reaper().sweep() == 0
    assert (site.sent, site.store.asked) == ([], [])
    assert site.leases.held() == frozenset()


def test_a_job_that_somebody_works_on_is_not_overdue(site: Site) -> None:
    site.store.recovery, site.store.due = Recovery(0), [REF]
    site.leases.take(Lease(PART, "host/1", "x", 1), seconds=10_000)
    reaper = site.reaper()
    for _ in range(10):
        site.clock.now += 4
        assert reaper.sweep() == 0


def test_after_an_outage_leases_have_time_to_be_renewed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.store.recovery = Recovery(1)
    reaper = site.reaper()

    def gone() -> frozenset[JobRef]:
        raise LogUnavailable("gone")

    lose(site)
    with monkeypatch.context() as patch:
        patch.setattr(site.leases, "held", gone)
        assert reaper.sweep() == 0
    assert reaper.sweep() == 0
    site.leases.renew([Lease(PART, "host/1")], seconds=100)
    site.clock.now += 16
    assert reaper.sweep() == 0
    assert site.store.asked == []


def test_a_store_that_breaks_stops_nobody(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str, /, *, attempt: int) -> Recovery | None:
        raise ZeroDivisionError(attempt)

    lose(site)
    with monkeypatch.context() as patch:
        patch.setattr(site.store, "lost", broken)
        assert site.reaper().sweep() == 0
    site.store.recovery = Recovery(1)
    site.clock.now += 16
    assert site.reaper().sweep() == 1


def test_without_rows_a_lost_job_fails(site: Site) -> None:
    site.store = NoStore()  # type: ignore[assignment]
    lose(site)
    site.reaper(can_resend=False).sweep()
    assert site.state().status is JobStatus.FAILED


def test_a_loss_after_the_end_changes_nothing(site: Site) -> None:
    site.log.append(REF, [status("completed")], attempt=1)
    site.store.recovery = Recovery(1, Settlement(JobStatus.FAILED, "No.", "no"))
    lose(site)
    assert site.reaper().sweep() == 1
    assert site.state().status == "completed"
