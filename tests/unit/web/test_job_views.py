"""A page shows a job's progress from the log and its status from the row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from library.models import Job
from progress.events import Item, ItemStatus, JobStatus, Progress, RunningItem, Snapshot
from web.job_views import present_state

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def row(status: str, **fields: Any) -> Job:
    given: dict[str, Any] = {"total": None, "succeeded": 0, "failed": 0} | fields
    ended = None if status in ("pending", "running", "retrying") else NOW
    return Job(id=uuid4(), status=status, attempt=1, created_at=NOW, finished_at=ended, **given)


def logged(status: JobStatus) -> Snapshot:
    return Snapshot(
        job_id="j",
        at=NOW + timedelta(seconds=1),
        attempt=1,
        status=status,
        reason="Trying again in 4 seconds." if status is JobStatus.RETRYING else None,
        progress=Progress(done=8, total=12, succeeded=7, failed=1, fraction=0.6),
        items_in_progress=(
            RunningItem(item_id="9", item_kind="song", status=ItemStatus.IN_PROGRESS),
        ),
        failed_items=(
            Item(item_id="3", item_kind="song", status=ItemStatus.FAILED, error="It is empty."),
        ),
    )


@pytest.mark.parametrize("status", list(JobStatus))
def test_where_both_say_the_same_the_log_is_shown_whole(status: JobStatus) -> None:
    assert present_state(row(status.value), logged(status), ()) == logged(status)


def test_without_a_log_the_row_tells_all() -> None:
    shown = present_state(row("completed", total=12, succeeded=11, failed=1), None, ())
    assert shown.progress is not None
    assert (shown.status, shown.progress.done, shown.progress.fraction) == ("completed", 12, 1.0)


def test_a_row_that_runs_again_takes_away_why_it_waited() -> None:
    shown = present_state(row("running"), logged(JobStatus.RETRYING), ())
    assert (shown.status, shown.reason) == (JobStatus.RUNNING, None)
    assert [item.item_id for item in shown.items_in_progress] == ["9"]


def test_a_row_that_ended_untold_keeps_the_logs_counts_and_failures() -> None:
    ended = row("failed", error_message="It was lost.", error_code="worker_lost")
    shown = present_state(ended, logged(JobStatus.RUNNING), ())
    assert (shown.status, shown.reason, shown.finished_at) == ("failed", "It was lost.", NOW)
    assert shown.progress == logged(JobStatus.RUNNING).progress
    assert [item.item_id for item in shown.failed_items] == ["3"]
    assert shown.items_in_progress == ()
