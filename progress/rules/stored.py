"""The states that `append.lua` has stored, as snapshots. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from ..events import FeedSnapshot, Snapshot


def _lines(text: bytes | None) -> list[Any]:
    """The documents of a list in a state hash. Each line is an item's id and its event."""
    if not text:
        return []
    return [orjson.loads(line.split(b"\t", 1)[1]) for line in text.splitlines()]


def job_snapshot(job_id: str, fields: Mapping[bytes, bytes]) -> Snapshot:
    """A job's state, from the fields of its state hash."""

    def optional(name: bytes) -> Any:
        return fields[name].decode() if name in fields else None

    def document(name: bytes) -> Any:
        return orjson.loads(fields[name]) if fields.get(name) else None

    return Snapshot.model_validate(
        {
            "jobId": job_id,
            "at": optional(b"at"),
            "attempt": int(fields[b"attempt"]),
            "status": optional(b"status") or "pending",
            "reason": document(b"reason"),
            "progress": document(b"progress"),
            "itemsInProgress": _lines(fields.get(b"running")),
            "failedItems": _lines(fields.get(b"failures")),
            "error": document(b"error"),
            "startedAt": optional(b"started_at"),
            "finishedAt": optional(b"finished_at"),
        }
    )


def feed_snapshot(fields: Mapping[bytes, bytes]) -> FeedSnapshot:
    """A feed's state, from the fields of its state hash."""
    jobs = [
        _feed_job(name[2:].decode(), text)
        for name, text in sorted(fields.items())
        if name.startswith(b"j:")
    ]
    return FeedSnapshot.model_validate({"at": fields[b"at"].decode(), "jobs": jobs})


def _feed_job(job_id: str, text: bytes) -> dict[str, Any]:
    status, attempt, at, reason, progress = text.split(b"\t")
    return {
        "jobId": job_id,
        "status": status.decode(),
        "attempt": int(attempt),
        "at": at.decode(),
        "reason": orjson.loads(reason) if reason else None,
        "progress": orjson.loads(progress),
    }
