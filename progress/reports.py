"""What a writer tells a log, from which the log makes events.

A report is an intention, and the log decides which events it becomes. An item that is reported
twice becomes one event. Counts are not reported beside items: the log derives them.
Times (``at``) are seconds since 1970 on the writer's clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

import orjson

from .events import WAITING_STATUSES, ItemStatus, JobStatus
from .wire import iso_utc


class ItemReport(NamedTuple):
    """An item came to a status."""

    item_id: str
    item_kind: str
    status: ItemStatus
    at: float
    label: str | None = None
    item_index: int | None = None
    item_count: int | None = None
    error: str | None = None
    #: How long an item that is over took; None where that is not known, or too short to tell.
    took_seconds: float | None = None


class StatusReport(NamedTuple):
    """The job came to a status."""

    status: JobStatus
    at: float
    reason: str | None = None


class ErrorReport(NamedTuple):
    """Why the job is about to fail or to be tried again."""

    message: str
    code: str
    at: float


class TotalReport(NamedTuple):
    """How many items there are. A number smaller than an earlier one changes nothing."""

    total: int
    at: float


class PhaseReport(NamedTuple):
    """A phase began."""

    name: str
    at: float
    #: 1 for the first.
    phase_index: int
    phase_count: int
    #: The sum of the weights of the phases before this one.
    weight_before: float
    weight: float
    weight_in_all: float
    #: The items of this phase, added to the job's total; null while unknown.
    total: int | None = None


class PhaseEndReport(NamedTuple):
    """A phase is over, with whatever was done of it."""

    phase_index: int
    at: float


class PartReport(NamedTuple):
    """A task that is a part of the job begins. It becomes no event: the job's run tells it."""

    #: The part's name within its attempt. The same begin of the same part changes nothing.
    part: str
    at: float


class PartEndReport(NamedTuple):
    """A task that is a part of the job is over."""

    part: str
    at: float
    #: One of the terminal statuses.
    outcome: JobStatus


class NoteReport(NamedTuple):
    """The job says something in words."""

    text: str
    at: float
    #: A JSON object.
    details: bytes | None = None


class ResultReport(NamedTuple):
    """What the job came to."""

    #: A JSON document.
    value: bytes
    at: float


class CountsReport(NamedTuple):
    """The counts of a job that reports no items, as plain ``update_state`` does."""

    done: int
    at: float
    total: int | None = None


Report = (
    ItemReport
    | StatusReport
    | ErrorReport
    | TotalReport
    | PhaseReport
    | PhaseEndReport
    | CountsReport
    | PartReport
    | PartEndReport
    | NoteReport
    | ResultReport
)


#: Gives the job's items as the database knows them, for a log that has lost them.
Repair = Callable[[], Iterable[ItemReport]]


def head(job_id: str, attempt: int) -> bytes:
    """The fields that every event of an attempt has, as JSON without braces."""
    return b'"jobId":' + orjson.dumps(job_id) + b',"attempt":%d' % attempt


_STATUS_JSON = {status: b'"' + status.value.encode() + b'"' for status in ItemStatus}


def item_json(report: ItemReport, head: bytes, at: bytes) -> bytes:
    """The item event of a report, as it goes on the wire; `at` is its moment in ISO 8601.

    It is put together by hand, since a dict for each costs three times as much, and nearly all
    events of a busy job are of items.
    """
    item_id, kind, status, _, label, index, count, error, took = report
    json = orjson.dumps
    document = b'{"type":"item",%b,"at":"%b","itemId":%b,"itemKind":%b,"status":%b' % (
        head,
        at,
        json(item_id),
        json(kind),
        _STATUS_JSON[status],
    )
    if label is not None:
        document += b',"label":' + json(label)
    if index is not None:
        document += b',"index":%d' % index
    if count is not None:
        document += b',"count":%d' % count
    if error is not None:
        document += b',"error":' + json(error)
    if took is not None:
        document += b',"tookSeconds":' + json(took)
    return document + b"}"


def status_json(report: StatusReport, *, job_id: str, attempt: int) -> bytes:
    """The status event of a report, as it goes on the wire."""
    # Type and status come first: `is_terminal_json` and the hub know the terminal event by its
    # first bytes.
    document: dict[str, object] = {
        "type": "status",
        "status": report.status,
        "jobId": job_id,
        "at": iso_utc(report.at),
        "attempt": attempt,
    }
    if report.reason is not None:
        document["reason"] = report.reason
    return orjson.dumps(document)


def note_json(report: NoteReport, *, job_id: str, attempt: int) -> bytes:
    """The note event of a report, as it goes on the wire."""
    at = iso_utc(report.at).encode()
    opening = b'{"type":"note",%b,"at":"%b",' % (head(job_id, attempt), at)
    return opening + said_json(report)[1:]


def said_json(report: NoteReport) -> bytes:
    """The words of a note and what is beside them, as JSON."""
    details = b"" if report.details is None else b',"details":' + report.details
    return b'{"text":%b%b}' % (orjson.dumps(report.text), details)


def result_json(report: ResultReport, *, job_id: str, attempt: int) -> bytes:
    """The result event of a report, as it goes on the wire."""
    at = iso_utc(report.at).encode()
    return b'{"type":"result",%b,"at":"%b","value":%b}' % (head(job_id, attempt), at, report.value)


def item_key(kind: str, item_id: str) -> bytes:
    """What names an item within its job, in a batch and in a server's hash of items."""
    # JSON holds no raw control character.
    return b"%b\x1f%b" % (orjson.dumps(kind)[1:-1], id_key(item_id))


def id_key(item_id: str) -> bytes:
    """A name as a batch has it: its letters as JSON has them, without quotes."""
    return orjson.dumps(item_id)[1:-1]


def error_json(report: ErrorReport, *, job_id: str, attempt: int) -> bytes:
    """The error event of a report, as it goes on the wire."""
    return orjson.dumps(
        {
            "type": "error",
            "jobId": job_id,
            "at": iso_utc(report.at),
            "attempt": attempt,
            "message": report.message,
            "code": report.code,
        }
    )


STATUS_PREFIX = b'{"type":"status","status":"'
TERMINAL_PREFIXES = tuple(
    STATUS_PREFIX + status.value.encode() + b'"' for status in JobStatus if status.is_terminal
)
_WAITING_PREFIXES = tuple(
    STATUS_PREFIX + status.value.encode() + b'"' for status in sorted(WAITING_STATUSES)
)


_MADE_AT = re.compile(rb'"at":"([^"]+)"')


def made_at_json(document: bytes) -> float | None:
    """When a document's event was made, in seconds since 1970."""
    found = _MADE_AT.search(document)
    return datetime.fromisoformat(found[1].decode()).timestamp() if found else None


def is_terminal_json(document: bytes) -> bool:
    """Whether a document of a job's log is its terminal event, told by its first bytes."""
    return document.startswith(TERMINAL_PREFIXES)


def waits_json(document: bytes) -> bool | None:
    """Whether a job waits after an event of its log, told by the first bytes.

    None where the event is no status: then the job waits as before.
    """
    if not document.startswith(STATUS_PREFIX):
        return None
    return document.startswith(_WAITING_PREFIXES)
