"""Retention: which jobs are kept, and how the others are deleted without anybody waiting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Delete,
    Update,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from .models import ItemFailure, Job, Match

#: One step looks at this many accounts; the next step finds the others.
_ACCOUNTS = 20
#: One step deletes this many jobs. Each may have thousands of failures, which go before it.
_JOBS = 50


@dataclass(frozen=True, slots=True)
class JobRetention:
    """How long jobs that are over are kept, and how many of an account."""

    days: int = 90
    each_account: int = 1_000


def purge_jobs(session: Session, *, now: datetime, terms: JobRetention, limit: int) -> int:
    """Take one step towards deleting the jobs that are kept no longer; how many rows it changed.

    0 when nothing is left to do. A step changes about `limit` rows, so that no other writer
    waits for long; what belongs to a job goes first, and the job when nothing is left of it.
    The newest job of each kind stays: the pages tell what came of it.
    """
    old = _too_old(session, now - timedelta(days=terms.days)) or _too_many(
        session, terms.each_account
    )
    if not old:
        return 0
    failures = select(ItemFailure.id).where(ItemFailure.job_id.in_(old)).limit(limit)
    changed = _run(session, delete(ItemFailure).where(ItemFailure.id.in_(failures)))
    if changed:
        return changed
    matches = select(Match.id).where(Match.job_id.in_(old)).limit(limit)
    changed = _run(session, update(Match).where(Match.id.in_(matches)).values(job_id=None))
    if changed:
        return changed
    _run(session, update(Job).where(Job.retry_of.in_(old)).values(retry_of=None))
    return _run(session, delete(Job).where(Job.id.in_(old)))


def _too_old(session: Session, before: datetime) -> Sequence[UUID]:
    """Jobs that ended before a time, those that ended first coming first."""
    query = select(Job.id).where(Job.finished_at <= before, _has_a_newer())
    return session.scalars(query.order_by(Job.finished_at).limit(_JOBS)).all()


def _too_many(session: Session, most: int) -> Sequence[UUID]:
    """Jobs of accounts that have more, the oldest first."""
    crowded = select(Job.account_id).group_by(Job.account_id).having(func.count() > most)
    for account_id in session.scalars(crowded.limit(_ACCOUNTS)):
        found = _beyond(session, account_id, most)
        if found:
            return found
    return ()


def _beyond(session: Session, account_id: UUID, most: int) -> Sequence[UUID]:
    mine = select(Job.created_at, Job.id).where(Job.account_id == account_id)
    newest_first = mine.order_by(Job.created_at.desc(), Job.id.desc())
    mark = session.execute(newest_first.offset(most - 1).limit(1)).one()
    older = or_(
        Job.created_at < mark.created_at, and_(Job.created_at == mark.created_at, Job.id < mark.id)
    )
    query = select(Job.id).where(Job.account_id == account_id, older)
    query = query.where(Job.finished_at.is_not(None), _has_a_newer())
    return session.scalars(query.order_by(Job.created_at, Job.id).limit(_JOBS)).all()


def _has_a_newer() -> ColumnElement[bool]:
    newer = aliased(Job)
    is_newer = or_(
        newer.created_at > Job.created_at,
        and_(newer.created_at == Job.created_at, newer.id > Job.id),
    )
    return exists().where(newer.account_id == Job.account_id, newer.kind == Job.kind, is_newer)


def _run(session: Session, statement: Delete | Update) -> int:
    done = session.execute(statement.execution_options(synchronize_session=False))
    return done.rowcount if isinstance(done, CursorResult) else 0
