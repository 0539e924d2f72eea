"""The fold: a job's state after its events. Pure; its twins are ``reduce`` and `append.lua`."""

from __future__ import annotations

from ..events import (
    ErrorEvent,
    Failure,
    FeedJob,
    FeedSnapshot,
    Item,
    ItemEvent,
    ItemStatus,
    JobStatus,
    LogEvent,
    Progress,
    ProgressEvent,
    Snapshot,
    StatusEvent,
)
from .constants import RULES

_PROGRESS_FIELDS = tuple(Progress.model_fields)
_ITEM_FIELDS = tuple(Item.model_fields)


def begin(event: LogEvent) -> Snapshot:
    """The state before the first event of a log: the job is pending, and nothing else is known."""
    return Snapshot(
        job_id=event.job_id,
        at=event.at,
        attempt=event.attempt,
        status=JobStatus.PENDING,
        progress=None,
        items_in_progress=(),
        failed_items=(),
    )


def fold(snapshot: Snapshot | None, event: LogEvent) -> Snapshot:
    """The state after one more event.

    An event of a later attempt first clears what belonged to the earlier one: items in
    progress, failed items, the error. Each progress event has all the counts.
    """
    current = begin(event) if snapshot is None else snapshot
    if event.attempt > current.attempt:
        current = current.model_copy(
            update={"items_in_progress": (), "failed_items": (), "error": None}
        )
    changes = _changes(current, event)
    return current.model_copy(update={"at": event.at, "attempt": event.attempt, **changes})


def _changes(current: Snapshot, event: LogEvent) -> dict[str, object]:
    match event:
        case ProgressEvent():
            return {"progress": progress_of(event)}
        case StatusEvent():
            return _status_changes(current, event)
        case ItemEvent():
            return _item_changes(current, event)
        case ErrorEvent():
            return {"error": Failure(message=event.message, code=event.code)}


def _status_changes(current: Snapshot, event: StatusEvent) -> dict[str, object]:
    changes: dict[str, object] = {"status": event.status, "reason": event.reason}
    if event.status is JobStatus.RUNNING and current.started_at is None:
        changes["started_at"] = event.at
    if event.status.is_terminal:
        # No item is in progress once its job has ended.
        changes |= {"finished_at": event.at, "items_in_progress": ()}
    return changes


def _item_changes(current: Snapshot, event: ItemEvent) -> dict[str, object]:
    running = _without(current.items_in_progress, event.item_id)
    failed = _without(current.failed_items, event.item_id)
    item = Item.model_construct(**{name: getattr(event, name) for name in _ITEM_FIELDS})
    if event.status is ItemStatus.IN_PROGRESS:
        running = (*running, item)[-RULES.max_listed :]
    if event.status is ItemStatus.FAILED:
        failed = (*failed, item)[-RULES.max_listed :]
    return {"items_in_progress": running, "failed_items": failed}


def _without(items: tuple[Item, ...], item_id: str) -> tuple[Item, ...]:
    return tuple(item for item in items if item.item_id != item_id)


def progress_of(event: ProgressEvent) -> Progress:
    """The counts of a progress event by themselves."""
    return Progress.model_construct(**{name: getattr(event, name) for name in _PROGRESS_FIELDS})


def fold_feed(snapshot: FeedSnapshot | None, event: LogEvent) -> FeedSnapshot:
    """The feed's state after one more event. A job that ended is active no longer."""
    jobs = {job.job_id: job for job in snapshot.jobs} if snapshot else {}
    job = jobs.pop(event.job_id, None)
    ended = isinstance(event, StatusEvent) and event.status.is_terminal
    if not ended:
        jobs[event.job_id] = _feed_job(job, event)
    ordered = tuple(sorted(jobs.values(), key=lambda job: job.job_id))
    return FeedSnapshot(at=event.at, jobs=ordered)


def _feed_job(job: FeedJob | None, event: LogEvent) -> FeedJob:
    current = job or FeedJob(
        job_id=event.job_id,
        at=event.at,
        attempt=event.attempt,
        status=JobStatus.PENDING,
        progress=None,
    )
    changes: dict[str, object] = {"at": event.at, "attempt": event.attempt}
    if isinstance(event, StatusEvent):
        changes |= {"status": event.status, "reason": event.reason}
    if isinstance(event, ProgressEvent):
        changes["progress"] = progress_of(event)
    return current.model_copy(update=changes)
