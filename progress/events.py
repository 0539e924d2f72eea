"""The facts about a job as they stand on the wire.

One JSON document per event, camelCase. The models are the source of the JSON Schema and of
the TypeScript types. A field that may be absent is absent rather than null; ``total``,
``fraction`` and a snapshot's ``progress`` are null while unknown. A reader ignores types
and fields it does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from .wire import Moment, WireModel, absent


class JobStatus(StrEnum):
    """Where a job stands. The last three are terminal: one per job, the last event of its log."""

    PENDING = "pending"
    RUNNING = "running"
    RETRYING = "retrying"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing can follow."""
        return self in TERMINAL_STATUSES


TERMINAL_STATUSES = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED})
#: The statuses in which no worker is at a job that is not over.
WAITING_STATUSES = frozenset({JobStatus.PENDING, JobStatus.RETRYING})


class ItemStatus(StrEnum):
    """Where an item stands. The last two are final within an attempt."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def is_end(self) -> bool:
        """Whether nothing can follow within an attempt."""
        return self is ItemStatus.SUCCEEDED or self is ItemStatus.FAILED


def _is_empty(value: tuple[object, ...]) -> bool:
    return not value


class Phase(WireModel):
    """The named part of an attempt that is under way."""

    name: str
    #: 1 for the first.
    index: int = Field(ge=1)
    count: int = Field(ge=1)


class Progress(WireModel):
    """How far a job is. Within an attempt no number but the rate and the ETA goes back."""

    #: Items that are over: ``succeeded + failed`` where the job reports items.
    done: int = Field(ge=0)
    #: Null while unknown; it may grow.
    total: int | None = Field(ge=0)
    succeeded: int = Field(ge=0)
    failed: int = Field(ge=0)
    phase: Phase | None = absent()
    #: 0…1 over the weighted phases; null while unknown.
    fraction: float | None = Field(ge=0, le=1)
    #: Items a second, smoothed; once the job has ended, the mean of the last attempt.
    per_second: float | None = absent(ge=0)
    eta_seconds: int | None = absent(ge=0)


class Failure(WireModel):
    """Why something failed, fit for the person whose job it is."""

    message: str
    code: str


class Note(WireModel):
    """What a job says in words while it runs."""

    text: str
    #: A small typed mapping beside the text.
    details: dict[str, Any] | None = absent()


class Item(WireModel):
    """One thing a job works on, as last reported. Its kind and its id name it within the job."""

    item_id: str
    #: Such as ``song``, ``playlist``, ``match``; the core takes any string.
    item_kind: str
    status: ItemStatus
    label: str | None = absent()
    index: int | None = absent()
    count: int | None = absent()
    #: Why the item failed.
    error: str | None = absent()
    #: How long an item that is over took, where that was a second or more.
    took_seconds: float | None = absent(ge=0)


class RunningItem(Item):
    """An item in progress, in a snapshot."""

    since: Moment | None = absent()


class _JobEvent(WireModel):
    job_id: str
    at: Moment
    attempt: int = Field(ge=1)


class ProgressEvent(Progress, _JobEvent):
    """The counts after a batch of reports."""

    type: Literal["progress"] = "progress"


class StatusEvent(_JobEvent):
    """The job came to a status."""

    type: Literal["status"] = "status"
    status: JobStatus
    reason: str | None = absent()


class ItemEvent(Item, _JobEvent):
    """An item came to a status."""

    type: Literal["item"] = "item"


class ErrorEvent(Failure, _JobEvent):
    """Why the job is about to fail or to be tried again."""

    type: Literal["error"] = "error"


class NoteEvent(Note, _JobEvent):
    """The job says something in words. The newest note is part of the snapshot."""

    type: Literal["note"] = "note"


class ResultEvent(_JobEvent):
    """What the job came to. It comes before the terminal status."""

    type: Literal["result"] = "result"
    value: Any


class Snapshot(_JobEvent):
    """A job's state folded from its events. Bounded in size whatever the job's size."""

    type: Literal["snapshot"] = "snapshot"
    status: JobStatus
    reason: str | None = absent()
    progress: Progress | None
    #: Oldest first; the newest `MAX_SNAPSHOT_ITEMS` of them.
    items_in_progress: tuple[RunningItem, ...]
    #: Oldest first; the newest `MAX_SNAPSHOT_ITEMS` of them.
    failed_items: tuple[Item, ...]
    #: The `MAX_SLOWEST_ITEMS` items of the attempt that took longest, the slowest first.
    slowest_items: tuple[Item, ...] = Field(default=(), exclude_if=_is_empty)
    note: Note | None = absent()
    #: What the job came to, as JSON.
    result: Any = absent()
    error: Failure | None = absent()
    started_at: Moment | None = absent()
    finished_at: Moment | None = absent()


class JobWaiting(WireModel):
    """Why a job waits. No event of its log: it has no position, and replaces the one before it."""

    type: Literal["waiting"] = "waiting"
    job_id: str
    #: The queue that the job was sent to.
    queue: str
    #: How many workers take jobs of that queue.
    workers: int = Field(ge=0)
    #: About how many jobs are before it.
    before: int | None = absent(ge=0)
    #: It is not begun before this moment.
    until: Moment | None = absent()


class FeedJob(WireModel):
    """One active job as the feed shows it."""

    job_id: str
    at: Moment
    attempt: int = Field(ge=1)
    status: JobStatus
    reason: str | None = absent()
    progress: Progress | None


class FeedSnapshot(WireModel):
    """The active jobs of an account, folded from its feed."""

    type: Literal["feed"] = "feed"
    at: Moment
    jobs: tuple[FeedJob, ...]


#: A snapshot holds at most this many items in progress and this many failed ones.
MAX_SNAPSHOT_ITEMS = 20

#: A snapshot lists at most this many of the slowest items.
MAX_SLOWEST_ITEMS = 5

#: The snapshot of a feed of which no log exists.
EMPTY_FEED = FeedSnapshot(at=datetime.fromtimestamp(0, UTC), jobs=())

#: An event of a log: a job's log has all types, a feed has statuses and progress.
_AnyEvent = ProgressEvent | StatusEvent | ItemEvent | ErrorEvent | NoteEvent | ResultEvent
LogEvent = Annotated[_AnyEvent, Field(discriminator="type")]
#: A document of a stream: an event of its log, a snapshot of the job or the feed, or why it waits.
StreamEvent = Annotated[
    _AnyEvent | Snapshot | FeedSnapshot | JobWaiting, Field(discriminator="type")
]

_parse_log_event: Callable[[str | bytes], LogEvent] = TypeAdapter(LogEvent).validate_json
_parse_stream_event: Callable[[str | bytes], StreamEvent] = TypeAdapter(StreamEvent).validate_json


def parse_event(text: str | bytes) -> LogEvent:
    """The event in a JSON document of a log.

    Raises:
        pydantic.ValidationError: the document is no event of a known type.
    """
    return _parse_log_event(text)


def parse_stream_event(text: str | bytes) -> StreamEvent:
    """The event in a JSON document of a stream: of a log, a snapshot, or why a job waits.

    Raises:
        pydantic.ValidationError: the document is no event of a known type.
    """
    return _parse_stream_event(text)
