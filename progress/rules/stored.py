"""The states that `append.lua` has stored, as snapshots. Pure.

What is stored is read with tolerance, also what an older or a newer version wrote: a field or an
item that cannot be understood is left out, alone.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from ..cursor import Cursor
from ..events import (
    EMPTY_FEED,
    Failure,
    FeedJob,
    FeedSnapshot,
    Item,
    JobStatus,
    Note,
    Progress,
    RunningItem,
    Snapshot,
)
from ..wire import Moment, WireModel
from .constants import STATE_NUMBERS

_MOMENT: TypeAdapter[Any] = TypeAdapter(Moment)

#: The fields of a state that say where its log stands.
PLACE = (b"numbers", b"epoch", b"seq")

_Model = TypeVar("_Model", bound=WireModel)


def numbers(fields: Mapping[bytes, bytes | None]) -> Mapping[str, float]:
    """The numbers of a job's state, without those that it has not.

    They are one field of eight bytes each, as `STATE_NUMBERS` has them in order; an earlier version
    stored each as a text of its own.
    """
    packed = fields.get(b"numbers")
    if packed is None:
        texts = ((name, fields.get(name.encode())) for name in STATE_NUMBERS)
        return {name: float(_whole(text)) for name, text in texts if text is not None}
    values = struct.unpack_from(f">{len(packed) // 8}d", packed)
    pairs = zip(STATE_NUMBERS, values, strict=False)
    return {name: value for name, value in pairs if not math.isnan(value)}


def cursor_of(fields: Mapping[bytes, bytes | None]) -> Cursor | None:
    """Where a log stands, from its state's fields named in `PLACE`; None where there is no log."""
    known = numbers(fields)
    return Cursor(int(known["epoch"]), int(known["seq"])) if "epoch" in known else None


def job_snapshot(job_id: str, fields: Mapping[bytes, bytes]) -> Snapshot:
    """A job's state, from the fields of its state hash."""
    reason = _document(fields.get(b"reason"))
    return Snapshot(
        job_id=job_id,
        at=_moment(fields.get(b"at")) or EMPTY_FEED.at,
        attempt=max(1, int(numbers(fields).get("attempt", 1))),
        status=_status(fields.get(b"status")),
        reason=reason if isinstance(reason, str) else None,
        progress=_model(Progress, _document(fields.get(b"progress"))),
        items_in_progress=tuple(_running(fields.get(b"running"))),
        failed_items=tuple(_items(fields.get(b"failures"))),
        slowest_items=tuple(_items(fields.get(b"slowest"))),
        note=_model(Note, _document(fields.get(b"note"))),
        result=_document(fields.get(b"result")),
        error=_model(Failure, _document(fields.get(b"error"))),
        started_at=_moment(fields.get(b"started_at")),
        finished_at=_moment(fields.get(b"finished_at")),
    )


def feed_snapshot(fields: Mapping[bytes, bytes]) -> FeedSnapshot:
    """A feed's state, from the fields of its state hash."""
    jobs = [
        _feed_job(name[2:].decode("utf-8", "replace"), text)
        for name, text in sorted(fields.items())
        if name.startswith(b"j:")
    ]
    at = _moment(fields.get(b"at")) or EMPTY_FEED.at
    return FeedSnapshot(at=at, jobs=tuple(job for job in jobs if job is not None))


def _feed_job(job_id: str, text: bytes) -> FeedJob | None:
    status, attempt, at, reason, progress = (*text.split(b"\t"), b"", b"", b"", b"", b"")[:5]
    moment, why = _moment(at), _document(reason)
    if moment is None:
        return None
    return FeedJob(
        job_id=job_id,
        at=moment,
        attempt=max(1, _whole(attempt)),
        status=_status(status),
        reason=why if isinstance(why, str) else None,
        progress=_model(Progress, _document(progress)),
    )


def _running(text: bytes | None) -> list[RunningItem]:
    """The items in progress: lines of an item's key and the event with which it began."""
    return [
        item.model_copy(update={"since": _moment(document.get("at"))})
        for document in _lines(text)
        if (item := _model(RunningItem, document)) is not None
    ]


def _items(text: bytes | None) -> list[Item]:
    """The items of a list: lines that end with an item's event."""
    found = (_model(Item, document) for document in _lines(text))
    return [item for item in found if item is not None]


def _lines(text: bytes | None) -> list[dict[str, Any]]:
    lines = (text or b"").split(b"\n")
    documents = [_document(line.rsplit(b"\t", 1)[-1]) for line in lines if line]
    return [document for document in documents if isinstance(document, dict)]


def _document(text: bytes | None) -> Any:
    if not text:
        return None
    with suppress(orjson.JSONDecodeError):
        return orjson.loads(text)
    return None


def _model(kind: type[_Model], document: Any) -> _Model | None:
    if document is None:
        return None
    with suppress(ValidationError):
        return kind.model_validate(document)
    return None


def _status(text: bytes | None) -> JobStatus:
    with suppress(ValueError):
        return JobStatus((text or b"").decode("utf-8", "replace"))
    return JobStatus.PENDING


def _moment(text: bytes | str | None) -> Any:
    with suppress(ValidationError):
        return _MOMENT.validate_python(
            text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        )
    return None


def _whole(text: bytes | None) -> int:
    with suppress(ValueError):
        return int(float(text or 0))
    return 0
