"""Failures: the items of a job that did not work, each with its reason, as long as the job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Insert, ScalarSelect, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from .models import ACTIVE_STATUSES, ItemFailure, Job

#: `reasons` lists at most this many of a job. Reasons are Earmark's own sentences, which are few.
MAX_REASONS = 100


@dataclass(frozen=True, slots=True)
class FailedItem:
    """An item that failed, in words fit for the person whose job it is."""

    item_id: str
    item_kind: str
    label: str | None
    reason: str
    failed_at: datetime


@dataclass(frozen=True, slots=True)
class ListedFailure(FailedItem):
    """A failed item with its place in the list."""

    number: int


_LISTED = select(
    ItemFailure.item_id,
    ItemFailure.item_kind,
    ItemFailure.label,
    ItemFailure.reason,
    ItemFailure.failed_at,
    ItemFailure.id,
)


def keep(session: Session, *, job_id: UUID, attempt: int, items: Sequence[FailedItem]) -> int:
    """Keep failed items of a job's present attempt; how many of them were new.

    An item counts once, with the reason that came first, as in the log. Of an attempt that is
    over, nothing is kept.
    """
    job = select(Job.account_id).where(
        Job.id == job_id, Job.attempt == attempt, Job.status.in_(ACTIVE_STATUSES)
    )
    # Held until the end of the transaction, so that no attempt begins meanwhile.
    account_id = session.scalar(job.with_for_update(read=True))
    if account_id is None or not items:
        return 0
    rows = [
        {
            "account_id": account_id,
            "job_id": job_id,
            "item_kind": item.item_kind,
            "item_id": item.item_id,
            "label": item.label,
            "reason": item.reason,
            "failed_at": item.failed_at,
        }
        for item in items
    ]
    made = _insert_new(session).values(rows).returning(ItemFailure.id)
    return len(session.scalars(made).all())


def _insert_new(session: Session) -> Insert:
    dialect = {"postgresql": postgresql, "sqlite": sqlite}[session.get_bind().dialect.name]
    made: Insert = dialect.insert(ItemFailure).on_conflict_do_nothing(
        index_elements=["job_id", "item_kind", "item_id"]
    )
    return made


def page(
    session: Session,
    *,
    account_id: UUID,
    job_id: UUID,
    reason: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[ListedFailure]:
    """The failures of an account's own job, oldest first, from the one after `after` on."""
    query = (
        _LISTED.where(ItemFailure.job_id == _own(account_id, job_id), ItemFailure.id > after)
        .order_by(ItemFailure.id)
        .limit(limit)
    )
    if reason is not None:
        query = query.where(ItemFailure.reason == reason)
    return [ListedFailure(*row) for row in session.execute(query)]


def newest(
    session: Session, *, account_id: UUID, job_id: UUID, limit: int = 20
) -> list[ListedFailure]:
    """The newest failures of an account's own job, oldest first."""
    query = _LISTED.where(ItemFailure.job_id == _own(account_id, job_id))
    rows = session.execute(query.order_by(ItemFailure.id.desc()).limit(limit)).all()
    return [ListedFailure(*row) for row in reversed(rows)]


def of_kind(
    session: Session, *, account_id: UUID, job_id: UUID, item_kind: str, limit: int = 20
) -> list[ListedFailure]:
    """The failures of one kind of items of an account's own job, oldest first."""
    own = (ItemFailure.job_id == _own(account_id, job_id), ItemFailure.item_kind == item_kind)
    query = _LISTED.where(*own).order_by(ItemFailure.id).limit(limit)
    return [ListedFailure(*row) for row in session.execute(query)]


def count(session: Session, *, account_id: UUID, job_id: UUID) -> int:
    """How many items of an account's own job failed."""
    mine = ItemFailure.job_id == _own(account_id, job_id)
    return session.scalar(select(func.count()).select_from(ItemFailure).where(mine)) or 0


def drop(session: Session, *, job_id: UUID) -> None:
    """Forget what failed in a job: its items are worked on anew."""
    session.execute(delete(ItemFailure).where(ItemFailure.job_id == job_id))


def _own(account_id: UUID, job_id: UUID) -> ScalarSelect[UUID]:
    # Asked once, so that the rest is answered from an index of the failures alone.
    return select(Job.id).where(Job.account_id == account_id, Job.id == job_id).scalar_subquery()


def reasons(session: Session, *, account_id: UUID, job_id: UUID) -> list[tuple[str, int]]:
    """The reasons in an account's own job, each with how often it was one; the commonest first."""
    count = func.count()
    query = (
        select(ItemFailure.reason, count)
        .where(ItemFailure.job_id == _own(account_id, job_id))
        .group_by(ItemFailure.reason)
        .order_by(count.desc(), ItemFailure.reason)
        .limit(MAX_REASONS)
    )
    return [(reason, number) for reason, number in session.execute(query)]
