"""The reaper settles each lost job once: it is run again while that is possible, else it fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from progress.errors import LogUnavailable
from progress.events import JobStatus, Snapshot
from progress.lease import HeldLease, Lease, LeaseTerms, Part, leased_jobs
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
        self.leases = MemoryLeaseBook()
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
    site.leases.take(Lease(PART, "host/1", "x", attempt))


def sweep(site: Site, *reapers: Reaper, seconds: float = 16) -> list[int]:
    """What each reaper settles in a time, with a sweep at its beginning and every 4 s."""
    settled = [reaper.sweep() for reaper in reapers]
    for _ in range(int(seconds / 4)):
        site.clock.now += 4
        settled = [known + reaper.sweep() for known, reaper in zip(settled, reapers, strict=True)]
    return settled


def test_a_lease_that_holds_is_left_alone(site: Site) -> None:
    lose(site)
    assert sweep(site, site.reaper(), seconds=12) == [0]
    assert site.store.asked == []


def test_a_live_lease_is_left_alone_by_a_reaper_that_stalls(site: Site) -> None:
    lose(site)
    reaper = site.reaper()
    sweep(site, reaper, seconds=4)
    for _ in range(5):
        # The holder, too: it renews as soon as it runs again, and this reaper may be first.
        site.clock.now += 20
        assert reaper.sweep() == 0
        site.leases.renew([Lease(PART, "host/1")])
        assert sweep(site, reaper, seconds=4) == [0]
    assert site.store.asked == []


def test_a_stalled_reaper_takes_nothing_that_another_has_settled(site: Site) -> None:
    site.store.recovery = Recovery(1)
    lose(site)
    stalled, other = site.reaper(), site.reaper()
    assert sweep(site, stalled, other, seconds=12) == [0, 0]
    assert sweep(site, other, seconds=8) == [1]
    assert sweep(site, stalled, seconds=8) == [0]
    assert site.sent == [REF]


def test_reapers_that_are_started_every_10_s_fail_no_live_job_and_settle_what_is_lost_at_last(
    site: Site,
) -> None:
    site.store.recovery = Recovery(1)
    lose(site)
    for _ in range(6):
        assert sweep(site, site.reaper(), seconds=8) == [0]
    assert sweep(site, site.reaper(), seconds=16) == [1]


def test_a_lease_that_was_renewed_after_the_last_look_is_not_settled(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(site)
    reaper = site.reaper()
    sweep(site, reaper, seconds=12)
    site.clock.now += 4
    look = site.leases.look

    def look_and_renew() -> Sequence[HeldLease]:
        seen = look()
        site.leases.renew([Lease(PART, "host/1")])
        return seen

    with monkeypatch.context() as patch:
        patch.setattr(site.leases, "look", look_and_renew)
        assert reaper.sweep() == 0
    assert site.store.asked == []


def test_a_lost_execution_is_sent_again_and_shown_as_retrying(site: Site) -> None:
    site.store.recovery = Recovery(1)
    lose(site)
    assert sweep(site, site.reaper()) == [1]
    assert site.sent == [REF]
    assert (site.state().status, site.state().reason) == ("retrying", LOST_REASON)
    assert leased_jobs(site.leases.look()) == frozenset()


def test_two_reapers_settle_a_loss_once(site: Site) -> None:
    site.store.recovery = Recovery(1)
    lose(site)
    assert sweep(site, site.reaper(), site.reaper()) == [1, 0]


def test_what_nobody_can_send_again_fails_with_worker_lost(site: Site) -> None:
    site.store.recovery = Recovery(1)
    lose(site)
    sweep(site, site.reaper(can_resend=False))
    assert site.state().status == "failed"
    assert site.state().error is not None
    assert site.state().error.code == "worker_lost"  # type: ignore[union-attr]


def test_an_end_that_was_written_and_never_told_is_told(site: Site) -> None:
    site.store.recovery = Recovery(1, COMPLETED)
    lose(site)
    sweep(site, site.reaper())
    assert site.state().status == "completed"
    assert site.sent == []


def test_a_newer_attempt_is_left_alone(site: Site) -> None:
    site.store.recovery = None
    lose(site)
    sweep(site, site.reaper())
    assert site.state().status == "running"
    assert site.sent == []


def test_a_part_that_waits_in_a_busy_queue_is_not_lost_without_rows(site: Site) -> None:
    site.store.recovery = Recovery(1, WORKER_LOST)
    site.leases.take(Lease(PART, "host/1", "x", 1))
    site.leases.vacate(Lease(PART, "host/1"))
    site.waiting = Waiting(any=True)
    reaper = site.reaper(can_resend=False)
    assert sweep(site, reaper) == [0]
    site.waiting = Waiting()
    assert sweep(site, reaper, seconds=20) == [1]
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
        site.leases.take(Lease(Part(ref, ref.job_id), "host/1", "x", 1))
    site.waiting = others(300)
    waiting = [JobRef("account", name) for name in sorted(site.waiting.job_ids or ())]
    site.store.recovery, site.store.due = Recovery(0), [*held, *waiting, REF]
    reaper = site.reaper()
    for _ in range(6):
        site.clock.now += 4
        site.leases.renew([Lease(Part(ref, ref.job_id), "host/1") for ref in held])
        reaper.sweep()
    assert site.sent == [REF]


def test_a_part_whose_message_waits_in_a_busy_queue_is_not_lost(site: Site) -> None:
    site.store.recovery = Recovery(1)
    site.leases.take(Lease(PART, "host/1", "x", 1))
    site.leases.vacate(Lease(PART, "host/1"))
    reaper = site.reaper()
    site.waiting = Waiting(any=True, task_ids=frozenset({PART.task_id}), job_ids=frozenset())
    assert sweep(site, reaper, seconds=100) == [0]
    site.waiting = others(3)
    assert sweep(site, reaper, seconds=20) == [1]
    assert site.sent == [REF]


def test_the_next_part_is_sent_for_one_that_had_ended_and_its_job_is_not_lost(site: Site) -> None:
    site.store.recovery = Recovery(1)
    site.ended.add(Lease(PART, "host/1", "x", 1))
    lose(site)
    assert sweep(site, site.reaper()) == [0]
    assert (site.sent, site.store.asked) == ([], [])
    assert leased_jobs(site.leases.look()) == frozenset()


def test_a_job_that_somebody_works_on_is_not_overdue(site: Site) -> None:
    site.store.recovery, site.store.due = Recovery(0), [REF]
    site.leases.take(Lease(PART, "host/1", "x", 1))
    reaper = site.reaper()
    for _ in range(10):
        site.clock.now += 4
        site.leases.renew([Lease(PART, "host/1")])
        assert reaper.sweep() == 0


def test_after_an_outage_leases_have_time_to_be_renewed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.store.recovery = Recovery(1)
    reaper = site.reaper()

    def gone() -> Sequence[HeldLease]:
        raise LogUnavailable("gone")

    lose(site)
    assert sweep(site, reaper, seconds=12) == [0]
    with monkeypatch.context() as patch:
        patch.setattr(site.leases, "look", gone)
        assert sweep(site, reaper, seconds=60) == [0]
    assert sweep(site, reaper, seconds=12) == [0]
    site.leases.renew([Lease(PART, "host/1")])
    assert sweep(site, reaper, seconds=12) == [0]
    assert site.store.asked == []


def test_a_store_that_breaks_stops_nobody(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str, /, *, attempt: int) -> Recovery | None:
        raise ZeroDivisionError(attempt)

    lose(site)
    with monkeypatch.context() as patch:
        patch.setattr(site.store, "lost", broken)
        assert sweep(site, site.reaper()) == [0]
    site.store.recovery = Recovery(1)
    assert sweep(site, site.reaper()) == [1]


def test_without_rows_a_lost_job_fails(site: Site) -> None:
    site.store = NoStore()  # type: ignore[assignment]
    lose(site)
    sweep(site, site.reaper(can_resend=False))
    assert site.state().status is JobStatus.FAILED


def test_without_rows_a_lost_job_is_sent_again_up_to_its_third_attempt(site: Site) -> None:
    site.store = NoStore()  # type: ignore[assignment]
    for attempt in (1, 2, 3):
        site.log.append(REF, [status("running")], attempt=attempt)
        lose(site, attempt=attempt)
        sweep(site, site.reaper())
    assert site.sent == [REF, REF]
    assert site.state().status is JobStatus.FAILED


def test_a_loss_after_the_end_changes_nothing(site: Site) -> None:
    site.log.append(REF, [status("completed")], attempt=1)
    site.store.recovery = Recovery(1, Settlement(JobStatus.FAILED, "No.", "no"))
    lose(site)
    assert sweep(site, site.reaper()) == [0]
    assert site.state().status == "completed"


@pytest.mark.parametrize("end", ["failed", "cancelled", "completed"])
def test_a_job_that_has_ended_is_not_sent_again_though_its_lease_was_left(
    site: Site, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    lose(site)
    site.log.append(REF, [status(end)], attempt=1)
    site.store.recovery = Recovery(attempt=1)
    assert sweep(site, site.reaper()) == [0]
    assert (site.sent, site.state().status.value) == ([], end)
    assert not site.leases.look()
    assert not caplog.records
