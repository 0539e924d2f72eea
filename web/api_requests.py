"""Requests to the jobs API, parsed and checked. Nothing here asks Flask or the database."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from uuid import UUID

from library.models import ACTIVE_STATUSES, JOB_KINDS, STEPS, TERMINAL_STATUSES

from .job_views import parse_id

DEFAULT_LIMIT, MAX_LIMIT = 50, 100
STATUSES = ACTIVE_STATUSES + TERMINAL_STATUSES
_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_NUMBER = re.compile(r"[1-9][0-9]{0,2}")
#: A message shows at most this many characters of a wrong value.
_SHOWN = 60


class Unusable(ValueError):
    """A field has a value that cannot be used; says which, and what to send instead."""

    def __init__(self, field: str, value: object, wanted: str) -> None:
        self.field = field
        shown = json.dumps(value)
        if len(shown) > _SHOWN:
            shown = f"{shown[:_SHOWN]}…"
        super().__init__(f"{field} is {shown}: it must be {wanted}.")


@dataclass(frozen=True, slots=True)
class StartRequest:
    """A job to start."""

    kind: str
    #: The one source that a sync is to read.
    source: UUID | None
    #: Makes a repeat of the request harmless.
    idempotency_key: str | None

    @classmethod
    def parse(cls, body: bytes, *, idempotency_key: str | None) -> Self:
        """The request in a body and a header.

        Raises:
            Unusable: it holds something that cannot be used.
        """
        if idempotency_key is not None and not _KEY.fullmatch(idempotency_key):
            wanted = "1 to 128 printable ASCII characters without spaces"
            raise Unusable("Idempotency-Key", idempotency_key, wanted)
        found = document(body, like='{"kind": "sync"}')
        kind = _kind(found.get("kind"), STEPS)
        return cls(kind, _source(kind, found.get("source")), idempotency_key)


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A page of jobs to show, newest first."""

    kind: str | None
    status: str | None
    #: When the jobs were asked for: from the first on, before the second.
    since: datetime | None
    until: datetime | None
    #: The job after which the page begins.
    before: UUID | None
    limit: int

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> Self:
        """The request in a query string.

        Raises:
            Unusable: it holds something that cannot be used.
        """
        kind, status, before = query.get("kind"), query.get("status"), query.get("before")
        limit = query.get("limit", str(DEFAULT_LIMIT))
        if status is not None and status not in STATUSES:
            raise Unusable("status", status, f"one of {', '.join(STATUSES)}")
        if not _NUMBER.fullmatch(limit) or int(limit) > MAX_LIMIT:
            raise Unusable("limit", limit, f"a number from 1 to {MAX_LIMIT}")
        mark = parse_id(before)
        if before is not None and mark is None:
            raise Unusable("before", before, "the id of a job")
        return cls(
            _kind(kind) if kind is not None else None,
            status,
            _moment("since", query.get("since")),
            _moment("until", query.get("until")),
            mark,
            int(limit),
        )


def _source(kind: str, value: object) -> UUID | None:
    if value is None:
        return None
    found = parse_id(value) if isinstance(value, str) else None
    if found is None or kind != "sync":
        raise Unusable("source", value, "the id of a source, and of a sync alone")
    return found


def _moment(field: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        # A moment at the edge of the calendar has no counterpart in UTC.
        return found.astimezone(UTC) if found.tzinfo is not None else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise Unusable(field, text, "a time such as 2026-01-31T12:00:00Z") from error


def _kind(value: object, known: tuple[str, ...] = JOB_KINDS) -> str:
    if not isinstance(value, str) or value not in known:
        raise Unusable("kind", value, f"one of {', '.join(known)}")
    return value


def document(body: bytes, *, like: str) -> dict[str, object]:
    """The object in a body; `like` shows what one may be.

    Raises:
        Unusable: there is none.
    """
    wanted = f"a JSON object such as {like}"
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unusable("The body", body.decode("utf-8", "replace"), wanted) from error
    if not isinstance(found, dict):
        raise Unusable("The body", found, wanted)
    return found
