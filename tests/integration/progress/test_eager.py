"""In eager mode a job runs where it is sent, and its log has its events all the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from progress.events import ItemEvent, Snapshot, StatusEvent, parse_event
from progress.lease import leased_jobs
from progress.log import JobRef
from progress.testing import entries_of
from tests.integration.progress.apps import eager


def _events(job_id: str) -> list[Any]:
    entries = entries_of(eager.installation.log, JobRef("everyone", job_id))
    return [parse_event(entry.document) for entry in entries]


def _statuses(job_id: str) -> list[str]:
    return [event.status for event in _events(job_id) if isinstance(event, StatusEvent)]


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
def test_a_job_begins_and_ends_once(way: str, trouble: str, statuses: list[str]) -> None:
    step = eager.step
    result = step.apply(("x", trouble)) if way == "apply" else step.delay("x", trouble)
    assert _statuses(result.id) == statuses


@pytest.mark.parametrize("shape", ["task", "chain", "group", "chord"])
def test_a_job_of_many_tasks_ends_when_all_are_done(shape: str) -> None:
    result = eager.start.delay(shape)
    items = [event for event in _events(result.id) if isinstance(event, ItemEvent)]
    done = [item.item_id for item in items if item.status == "succeeded"]
    assert done == {"task": ["start", "a"], "chord": ["start", "a", "b", "c"]}.get(
        shape, ["start", "a", "b"]
    )
    assert _statuses(result.id) == ["running", "completed"]


def test_a_task_belongs_to_the_job_in_whose_midst_it_is_called_at_every_attempt() -> None:
    result = eager.again.delay()
    items = [event for event in _events(result.id) if isinstance(event, ItemEvent)]
    done = [(item.item_id, item.attempt) for item in items if item.status == "succeeded"]
    assert done == [("0", 1), ("1", 2)]
    assert _statuses(result.id) == ["running", "retrying", "running", "completed"]


def test_a_task_that_a_task_of_no_job_calls_is_a_job() -> None:
    jobs = set(eager.installation.log._jobs)  # type: ignore[attr-defined]
    eager.plain.delay("a")
    (ref,) = set(eager.installation.log._jobs) - jobs  # type: ignore[attr-defined]
    assert _statuses(ref.job_id) == ["running", "completed"]


def test_counts_told_by_update_state_are_shown() -> None:
    result = eager.counts.delay()
    known = eager.installation.log.snapshot(JobRef("everyone", result.id))
    assert known is not None
    assert isinstance(known[0], Snapshot)
    assert known[0].progress is not None
    assert (known[0].progress.done, known[0].progress.total) == (3, 3)


def test_a_cancelled_job_stops_before_it_is_done() -> None:
    log = eager.installation.log
    log.request_cancel(JobRef("everyone", "cancelled-job"))
    eager.step.apply(("x",), task_id="cancelled-job")
    assert _statuses("cancelled-job")[-1] == "cancelled"


def test_no_lease_and_no_open_part_is_left() -> None:
    eager.start.delay("chord")
    eager.step.delay("x", "raise")
    assert leased_jobs(eager.installation.leases.look()) == frozenset()
    assert eager.installation.parts._attempts == {}  # type: ignore[attr-defined]


@pytest.mark.parametrize("way", ["apply", "delay"])
def test_a_job_is_the_account_s_in_whose_request_it_runs(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owned = replace(eager.installation, account=lambda: "ada")
    monkeypatch.setattr(eager.app, "progress_installation", owned)
    result = eager.start.apply(("chord",)) if way == "apply" else eager.start.delay("chord")
    log = eager.installation.log
    known = log.snapshot(JobRef("ada", result.id))
    assert known is not None
    assert isinstance(known[0], Snapshot)
    assert (known[0].status, known[0].progress and known[0].progress.done) == ("completed", 4)
    assert log.snapshot(JobRef("everyone", result.id)) is None
