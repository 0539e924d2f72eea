"""All failed items of a job: the provider that an application may have, and the answers made of it.

A log holds the newest 20; an application's database has room for the rest. No framework here.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

from .events import FeedSnapshot, Snapshot
from .log import JobRef

#: Failures of one page, if nothing else is asked for, and at the most.
DEFAULT_LIMIT, MAX_LIMIT = 100, 500

COLUMNS = ("kind", "id", "label", "reason", "failed at")

#: What a spreadsheet takes for the beginning of a formula, in either width.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


class UnusableQuery(ValueError):
    """A query holds a value that cannot be used; says which, and what to send instead."""


@dataclass(frozen=True, slots=True)
class FailedItem:
    """An item that failed, in words fit for the person whose job it is."""

    item_id: str
    item_kind: str
    label: str | None
    reason: str | None
    #: ISO 8601, UTC; None where it is not known.
    at: str | None = None


@dataclass(frozen=True, slots=True)
class FailurePage:
    """Some of a job's failures, oldest first."""

    items: Sequence[FailedItem]
    #: What `page` is to be given as `after` for the next page; None on the last.
    following: str | None


class FailureProvider(Protocol):
    """Where an application keeps the failed items of its jobs. Asked within a request."""

    def page(self, ref: JobRef, /, *, after: str | None, limit: int) -> FailurePage:
        """At most `limit` failures, after the place that an earlier page named.

        Raises:
            ValueError: `after` is no such place.
        """
        ...

    def reasons(self, ref: JobRef, /) -> Sequence[tuple[str, int]]:
        """Each reason with how many items failed for it, the commonest first."""
        ...

    def count(self, ref: JobRef, /) -> int:
        """How many items failed."""
        ...


@dataclass(frozen=True, slots=True)
class FailuresAnswer:
    """What is sent to who asked for a job's failures."""

    body: Iterator[bytes]
    content_type: str = "application/json"
    #: The file's name, where it is one to be kept; its body is then made while it is sent.
    name: str | None = None


def failures_answer(
    provider: FailureProvider, ref: JobRef, *, path: str, query: Mapping[str, str]
) -> FailuresAnswer:
    """A page of failures, or with ``group=reason`` the reasons, or with ``format=csv`` all.

    Raises:
        UnusableQuery: the query holds something that cannot be used.
    """
    if query.get("group") == "reason":
        groups = [{"reason": reason, "count": count} for reason, count in provider.reasons(ref)]
        return _as_json({"reasons": groups})
    is_csv = query.get("format") == "csv"
    limit = MAX_LIMIT if is_csv else parse_limit(query.get("limit"))
    try:
        page = provider.page(ref, after=query.get("after"), limit=limit)
    except ValueError as error:
        raise UnusableQuery("after must be what the link to the next page has.") from error
    if is_csv:
        lines = csv_lines(_all_pages(provider, ref, page))
        return FailuresAnswer(lines, "text/csv; charset=utf-8", f"failures-{ref.job_id}.csv")
    following = None
    if page.following is not None:
        following = f"{path}?{urlencode({'after': page.following, 'limit': limit})}"
    return _page_json(page, provider.count(ref), following)


def newest_failures(state: Snapshot | FeedSnapshot | None) -> FailuresAnswer:
    """The newest failures that a log knows, and how many there are in all."""
    items: list[FailedItem] = []
    count = 0
    if isinstance(state, Snapshot):
        items = [FailedItem(i.item_id, i.item_kind, i.label, i.error) for i in state.failed_items]
        count = state.progress.failed if state.progress is not None else len(items)
    return _page_json(FailurePage(items, None), count, None)


def parse_limit(text: str | None) -> int:
    """How many things a page has: what a query asks for, or the usual number.

    Raises:
        UnusableQuery: it is no number, or one too large.
    """
    if text is None:
        return DEFAULT_LIMIT
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_LIMIT))
    if not is_number or not 1 <= int(text) <= MAX_LIMIT:
        raise UnusableQuery(f"limit must be a number from 1 to {MAX_LIMIT}.")
    return int(text)


def _page_json(page: FailurePage, total: int, following: str | None) -> FailuresAnswer:
    failures = [
        {
            "itemId": item.item_id,
            "itemKind": item.item_kind,
            "label": item.label,
            "error": item.reason,
            "at": item.at,
        }
        for item in page.items
    ]
    return _as_json({"failures": failures, "total": total, "links": {"next": following}})


def _as_json(document: dict[str, object]) -> FailuresAnswer:
    return FailuresAnswer(iter([json.dumps(document).encode()]))


def _all_pages(provider: FailureProvider, ref: JobRef, page: FailurePage) -> Iterator[FailurePage]:
    yield page
    while page.following is not None:
        page = provider.page(ref, after=page.following, limit=MAX_LIMIT)
        yield page


def csv_lines(pages: Iterable[FailurePage]) -> Iterator[bytes]:
    """The failures as a CSV file (RFC 4180) in UTF-8, a piece for each page.

    It begins with a byte order mark, without which Excel takes it for another encoding. A cell
    that a spreadsheet would run as a formula begins with an apostrophe.
    """
    yield b"\xef\xbb\xbf" + csv_rows([COLUMNS])
    for page in pages:
        yield csv_rows(
            (item.item_kind, item.item_id, item.label, item.reason, item.at) for item in page.items
        )


def csv_rows(rows: Iterable[Sequence[str | None]]) -> bytes:
    """Rows of a CSV file (RFC 4180).

    A cell that a spreadsheet would run begins with an apostrophe.
    """
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([_harmless(c) for c in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


def _harmless(cell: str | None) -> str:
    text = cell or ""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
