"""The failed items of Earmark's jobs, as `progress` asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict
from uuid import UUID

from library import failures
from library.database import Database
from library.failures import ListedFailure
from progress.failures import FailedItem, FailurePage
from progress.log import JobRef
from progress.wire import iso_utc

from .paging import Page, parse_number


class _Own(TypedDict):
    account_id: UUID
    job_id: UUID


class DatabaseFailures:
    """The failures that the database keeps as long as the job."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, ref: JobRef, /, *, after: str | None, limit: int) -> FailurePage:
        """See `progress.failures.FailureProvider.page`."""
        start = 0 if after is None else parse_number(after)
        if start is None:
            raise ValueError("A place among failures is a number.")
        with self._database.reading() as session:
            found = failures.page(session, **_of(ref), after=start, limit=limit + 1)
        page = Page.of(found, limit)
        items = [
            FailedItem(
                row.item_id,
                row.item_kind,
                row.label,
                row.reason,
                iso_utc(row.failed_at.timestamp()),
            )
            for row in page.rows
        ]
        return FailurePage(items, str(page.last.number) if page.last else None)

    def reasons(self, ref: JobRef, /) -> Sequence[tuple[str, int]]:
        """See `progress.failures.FailureProvider.reasons`."""
        with self._database.reading() as session:
            return failures.reasons(session, **_of(ref))

    def count(self, ref: JobRef, /) -> int:
        """See `progress.failures.FailureProvider.count`."""
        with self._database.reading() as session:
            return failures.count(session, **_of(ref))


def _item(row: ListedFailure) -> FailedItem:
    at = iso_utc(row.failed_at.timestamp())
    return FailedItem(row.item_id, row.item_kind, row.label, row.reason, at)


def _of(ref: JobRef) -> _Own:
    return {"account_id": UUID(ref.account), "job_id": UUID(ref.job_id)}
