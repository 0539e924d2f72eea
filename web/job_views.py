"""Jobs as the API and the pages show them, from their rows and their logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import url_for

from library.failures import ListedFailure
from library.models import Job
from progress.events import Failure, Item, ItemStatus, JobStatus, Progress, Snapshot
from progress.run import RowStatus, Run, RunRow
from progress.wire import iso_utc


def parse_id(text: str | None) -> UUID | None:
    """A row's id in the one form it is given out in, else None."""
    try:
        found = UUID(text)
    except (TypeError, ValueError):
        return None
    return found if str(found) == text else None


def job_json(job: Job) -> dict[str, Any]:
    """A job with its links."""
    key = str(job.id)
    return {
        "id": key,
        "kind": job.kind,
        "status": job.status,
        "attempt": job.attempt,
        "createdAt": iso(job.created_at),
        "startedAt": iso(job.started_at),
        "finishedAt": iso(job.finished_at),
        "cancelRequestedAt": iso(job.cancel_requested_at),
        "retryOf": str(job.retry_of) if job.retry_of else None,
        "total": job.total,
        "succeeded": job.succeeded,
        "failed": job.failed,
        "result": job.result,
        "error": _error(job),
        "links": {
            "self": url_for("api.get_job", job_id=key),
            "progress": url_for("progress.job", job_id=key),
            "failures": url_for("progress.failures", job_id=key),
            "run": url_for("progress.run", job_id=key),
            "cancel": url_for("api.cancel_job", job_id=key),
            "retry": url_for("api.retry_job", job_id=key),
            "page": url_for("pages.job", job_id=key),
        },
    }


def iso(moment: datetime | None) -> str | None:
    """A moment as JSON has it."""
    return None if moment is None else iso_utc(moment.timestamp())


def _error(job: Job) -> dict[str, str] | None:
    if job.error_message is None:
        return None
    return {"message": job.error_message, "code": job.error_code or "failed"}


def row_snapshot(job: Job, failed: Sequence[ListedFailure]) -> Snapshot:
    """A job's progress from its rows alone, for a job whose log is gone."""
    error = _error(job)
    return Snapshot(
        job_id=str(job.id),
        at=job.finished_at or job.started_at or job.created_at,
        attempt=max(1, job.attempt),
        status=JobStatus(job.status),
        reason=job.error_message,
        progress=_row_progress(job),
        items_in_progress=(),
        failed_items=tuple(_failed_item(row) for row in failed),
        error=Failure(**error) if error else None,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


def _failed_item(row: ListedFailure) -> Item:
    return Item(
        item_id=row.item_id,
        item_kind=row.item_kind,
        status=ItemStatus.FAILED,
        label=row.label,
        error=row.reason,
    )


def _row_progress(job: Job) -> Progress | None:
    if job.total is None:
        return None
    done = job.succeeded + job.failed
    completed = job.status == JobStatus.COMPLETED
    return Progress(
        done=done,
        total=job.total,
        succeeded=job.succeeded,
        failed=job.failed,
        fraction=1.0 if completed or not job.total else done / job.total,
    )


def present_state(job: Job, logged: Snapshot | None, failed: Sequence[ListedFailure]) -> Snapshot:
    """A job's state from both: the log knows more, the row is the truth about the status.

    A row that has ended before its log was told, or whose log never will be, is believed.
    """
    row = row_snapshot(job, failed)
    if logged is None:
        return row
    if logged.status is row.status:
        return logged
    if job.is_active:
        return logged.model_copy(update={"status": row.status, "reason": None})
    return row.model_copy(
        update={
            "progress": row.progress or logged.progress,
            "failed_items": logged.failed_items or row.failed_items,
        }
    )


@dataclass(frozen=True, slots=True)
class NextStep:
    """What a person may do once a job is done: start another kind, or look at a page."""

    words: str
    kind: str | None = None
    endpoint: str | None = None


def next_step(job: Job) -> NextStep | None:
    """What follows a completed job; None where nothing does."""
    if job.status != JobStatus.COMPLETED:
        return None
    if job.kind == "matching":
        if job.result.get("proposed"):
            return NextStep("Look at the proposals", endpoint="review.queue")
        return NextStep("Back to the start", endpoint="pages.start")
    if job.kind == "analysis":
        return NextStep("Match them now", kind="matching")
    if job.kind == "write_back":
        return NextStep("See what was written", endpoint="writing.written")
    if job.result.get("songs"):
        return NextStep("Listen to them now", kind="analysis")
    return NextStep("Add music", endpoint="sources.all_sources")


def may_repeat(job: Job) -> bool:
    """Whether something is left to do of a job that is over."""
    return not job.is_active and (job.status != JobStatus.COMPLETED or job.failed > 0)


def run_from_row(job: Job) -> Run:
    """How a job went as far as its row tells: when it was sent, began and ended."""
    is_over = job.finished_at is not None
    attempt = RunRow(
        kind="attempt",
        attempt=max(1, job.attempt),
        begin=job.started_at or job.created_at,
        end=job.finished_at,
        status=RowStatus(job.status) if is_over else RowStatus.RUNNING,
    )
    return Run(
        job_id=str(job.id),
        status=JobStatus(job.status),
        sent_at=job.created_at,
        finished_at=job.finished_at,
        rows=(attempt,) if job.started_at else (),
        points=(),
        left_out=0,
    )
