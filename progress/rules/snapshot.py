"""The fold: a job's state after its events. Pure; its twins are ``reduce`` and `append.lua`."""

from __future__ import annotations

from typing import Any, TypeVar

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
    Note,
    NoteEvent,
    Progress,
    ProgressEvent,
    ResultEvent,
    RunningItem,
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

    An event of a later attempt first clears what belonged to the earlier one: items in progress,
    failed and slowest items, the error, the note, the result. Each progress event has all counts.
    """
    current = begin(event) if snapshot is None else snapshot
    if event.attempt > current.attempt:
        current = current.model_copy(
            update={
                "items_in_progress": (),
                "failed_items": (),
                "slowest_items": (),
                "error": None,
                "note": None,
                "result": None,
            }
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
        case NoteEvent():
            return {"note": Note(text=event.text, details=event.details)}
        case ResultEvent():
            return {"result": event.value}


def _status_changes(current: Snapshot, event: StatusEvent) -> dict[str, object]:
    changes: dict[str, object] = {"status": event.status, "reason": event.reason}
    if event.status is JobStatus.RUNNING and current.started_at is None:
        changes["started_at"] = event.at
    if event.status.is_terminal:
        # No item is in progress once its job has ended.
        changes |= {"finished_at": event.at, "items_in_progress": ()}
    return changes


def _item_changes(current: Snapshot, event: ItemEvent) -> dict[str, object]:
    running = _without(current.items_in_progress, event)
    failed = _without(current.failed_items, event)
    changes: dict[str, object] = {}
    fields = {name: getattr(event, name) for name in _ITEM_FIELDS}
    if event.status is ItemStatus.IN_PROGRESS:
        begun = RunningItem.model_construct(**fields, since=event.at)
        running = (*running, begun)[-RULES.max_listed :]
    if event.status is ItemStatus.FAILED:
        failed = (*failed, Item.model_construct(**fields))[-RULES.max_listed :]
    if event.took_seconds is not None:
        changes["slowest_items"] = _with_slow(current.slowest_items, event, fields)
    return changes | {"items_in_progress": running, "failed_items": failed}


def _with_slow(
    items: tuple[Item, ...], event: ItemEvent, fields: dict[str, Any]
) -> tuple[Item, ...]:
    others = [*_without(items, event), Item.model_construct(**fields)]
    # Stable: of two that took as long, the one that was over first comes first.
    return tuple(sorted(others, key=_slowness)[: RULES.max_slowest])


def _slowness(item: Item) -> float:
    return -(item.took_seconds or 0.0)


_SomeItem = TypeVar("_SomeItem", bound=Item)


def _without(items: tuple[_SomeItem, ...], event: ItemEvent) -> tuple[_SomeItem, ...]:
    name = (event.item_kind, event.item_id)
    return tuple(item for item in items if (item.item_kind, item.item_id) != name)


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
