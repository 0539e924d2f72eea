"""Each end is told once, however often and by whomever Celery has it told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from celery import Celery

from progress.celery import Installation, install
from progress.celery.ending import end_killed, end_part
from progress.celery.outcomes import TIME_LIMIT, UNKNOWN_FAULT
from progress.celery.place import Place
from progress.events import ErrorEvent, Snapshot, StatusEvent
from progress.lifecycle import CANCELLED, WORKER_LOST, Settlement
from progress.log import JobRef
from progress.memory import MemoryLog
from progress.testing import events_of, item, status

REF = JobRef("anna", "job")
ENDS = (TIME_LIMIT, WORKER_LOST, CANCELLED, UNKNOWN_FAULT, None)


@pytest.fixture
def installation() -> Installation:
    app = Celery("ends", broker="memory://", set_as_current=False)
    return install(app, MemoryLog(), account=lambda: "anna")


def _under_way(installation: Installation, run: str) -> Place:
    log = installation.log
    assert isinstance(log, MemoryLog)
    log.begin_anew(REF, run, takes_over=True)
    log.append(REF, [status("running"), item("a", "in_progress")], attempt=1)
    installation.parts.open(REF, REF.job_id, attempt=1)
    return Place(REF, REF.job_id, 0, run=run)


def _told(installation: Installation) -> tuple[list[str], int]:
    """The terminal statuses and the number of errors in the log."""
    events = events_of(installation.log, REF)
    ends = [e.status for e in events if isinstance(e, StatusEvent) and e.status.is_terminal]
    return ends, sum(isinstance(event, ErrorEvent) for event in events)


@pytest.mark.parametrize(("first", "second"), list(product(ENDS[:3], ENDS)))
def test_an_end_that_is_told_twice_is_the_first_one(
    installation: Installation, first: Settlement, second: Settlement | None
) -> None:
    place = _under_way(installation, "one")
    end_killed(installation, place, first, process=None)
    told = _told(installation)
    for _ in range(3):
        end_part(installation, place, second)
    assert _told(installation) == told
    assert told[0] == [first.status]


def test_an_end_that_many_tell_at_once_is_one(installation: Installation) -> None:
    for number in range(20):
        place = _under_way(installation, f"run-{number}")
        with ThreadPoolExecutor(len(ENDS)) as pool:
            list(pool.map(lambda outcome: end_part(installation, place, outcome), ENDS))  # noqa: B023 - before the next one
        ends, errors = _told(installation)
        assert len(ends) == 1
        assert errors <= 1


def test_an_end_that_is_told_again_after_the_job_was_sent_again_changes_nothing(
    installation: Installation,
) -> None:
    earlier = _under_way(installation, "one")
    end_killed(installation, earlier, TIME_LIMIT, process=None)
    _under_way(installation, "two")
    end_killed(installation, earlier, TIME_LIMIT, process=None)
    known = installation.log.snapshot(REF)
    assert known is not None
    assert isinstance(known[0], Snapshot)
    assert known[0].status == "running"
    assert _told(installation) == ([], 0)


def test_an_end_that_is_told_again_while_the_job_is_sent_again_changes_nothing(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = _under_way(installation, "one")
    end_killed(installation, earlier, TIME_LIMIT, process=None)
    begin_anew = MemoryLog.begin_anew

    def sent_meanwhile(log: MemoryLog, ref: JobRef, run: str, *, takes_over: bool = False) -> bool:
        is_newest = begin_anew(log, ref, run, takes_over=takes_over)
        if run == "one":
            begin_anew(log, ref, "two")
            log.append(ref, [status("pending")], attempt=1)
        return is_newest

    monkeypatch.setattr(MemoryLog, "begin_anew", sent_meanwhile)
    end_killed(installation, earlier, TIME_LIMIT, process=None)
    known = installation.log.snapshot(REF)
    assert known is not None
    assert isinstance(known[0], Snapshot)
    assert known[0].status == "pending"


def test_who_was_killed_gives_back_the_lease_of_its_process_alone(
    installation: Installation,
) -> None:
    place = _under_way(installation, "one")
    installation.leases.take(place.lease("worker/7", "execution"))
    end_killed(installation, place, TIME_LIMIT, process="worker/8")
    assert len(installation.leases.look()) == 1
    end_killed(installation, place, TIME_LIMIT, process="worker/7")
    assert list(installation.leases.look()) == []
