"""Jobs: the rows that are the truth about a status."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CursorResult, and_, bindparam, case, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from . import parts
from .errors import JobAlreadyActive
from .models import ACTIVE_STATUSES, FILE_KINDS, BrowserSession, Job

#: The account of a session, found by `sessions.token_values` and `job_id`, if the job is its own.
OWN_AND_SESSION = (
    select(BrowserSession.account_id)
    .join(Job, Job.account_id == BrowserSession.account_id)
    .where(
        BrowserSession.token_hash == bindparam("token_hash"),
        BrowserSession.last_seen_at > bindparam("seen_after"),
        Job.id == bindparam("job_id"),
    )
)

#: An account's jobs by `account_id`, newest first, at most `limit`.
_NEWEST = (
    select(Job)
    .where(Job.account_id == bindparam("account_id"))
    .order_by(Job.created_at.desc(), Job.id.desc())
    .limit(bindparam("limit"))
)


def create(
    session: Session,
    *,
    account_id: UUID,
    kind: str,
    parameters: dict[str, Any] | None = None,
    idempotency_key: str | None = None,
    retry_of: UUID | None = None,
) -> tuple[Job, bool]:
    """A new job and True; or, for a key that was used before, that job and False.

    Raises:
        JobAlreadyActive: one of the same kind, or at the same files, has not ended.
    """
    if idempotency_key is not None:
        known = _by_key(session, account_id, idempotency_key)
        if known is not None:
            return known, False
    job = Job(
        id=uuid4(),
        account_id=account_id,
        kind=kind,
        parameters=parameters or {},
        idempotency_key=idempotency_key,
        retry_of=retry_of,
    )
    try:
        with session.begin_nested():
            session.add(job)
    except IntegrityError as error:
        # Two at once: the indexes let one through, and the other finds it here.
        return _lost_race(session, account_id, kind, idempotency_key, error)
    return job, True


def _lost_race(
    session: Session, account_id: UUID, kind: str, key: str | None, error: IntegrityError
) -> tuple[Job, bool]:
    known = _by_key(session, account_id, key) if key is not None else None
    if known is not None:
        return known, False
    kinds = FILE_KINDS if kind in FILE_KINDS else (kind,)
    running = _active(session, account_id, kinds)
    if running is None:
        raise error
    raise JobAlreadyActive(running.id, running.kind) from error


def _by_key(session: Session, account_id: UUID, key: str) -> Job | None:
    mine = select(Job).where(Job.account_id == account_id)
    return session.scalar(mine.where(Job.idempotency_key == key))


def get(session: Session, *, account_id: UUID, job_id: UUID) -> Job | None:
    """An account's own job."""
    mine = select(Job).where(Job.account_id == account_id)
    return session.scalar(mine.where(Job.id == job_id))


def load(session: Session, *, job_id: UUID) -> Job | None:
    """A job of any account. For workers, which get job ids from the site alone."""
    return session.get(Job, job_id, populate_existing=True)


def active(session: Session, *, account_id: UUID, kind: str) -> Job | None:
    """The account's job of a kind that has not ended."""
    return _active(session, account_id, (kind,))


def _active(session: Session, account_id: UUID, kinds: tuple[str, ...]) -> Job | None:
    mine = select(Job).where(Job.account_id == account_id, Job.kind.in_(kinds))
    return session.scalar(mine.where(Job.status.in_(ACTIVE_STATUSES)))


def latest(session: Session, *, account_id: UUID, kind: str) -> Job | None:
    """The account's newest job of a kind."""
    query = _NEWEST.where(Job.kind == kind)
    return session.scalar(query, {"account_id": account_id, "limit": 1})


def repeat_of(session: Session, *, account_id: UUID, job_id: UUID) -> Job | None:
    """The newest job that does what was left of one."""
    query = _NEWEST.where(Job.retry_of == job_id)
    return session.scalar(query, {"account_id": account_id, "limit": 1})


def page(
    session: Session,
    *,
    account_id: UUID,
    kind: str | None = None,
    status: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Job]:
    """The account's jobs, newest first, from the one after `before` on.

    `since` and `until` bound when they were asked for; the second one is not included.
    """
    query = _NEWEST
    if kind is not None:
        query = query.where(Job.kind == kind)
    if status is not None:
        query = query.where(Job.status == status)
    if since is not None:
        query = query.where(Job.created_at >= since)
    if until is not None:
        query = query.where(Job.created_at < until)
    if before is not None:
        mark = get(session, account_id=account_id, job_id=before)
        if mark is None:
            return []
        older = and_(Job.created_at == mark.created_at, Job.id < mark.id)
        query = query.where(or_(Job.created_at < mark.created_at, older))
    return list(session.scalars(query, {"account_id": account_id, "limit": limit}))


def begin_attempt(session: Session, *, job_id: UUID, now: datetime) -> int | None:
    """Begin the next attempt; its number from 1, or None when the job is over."""
    changed = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.status.in_(ACTIVE_STATUSES))
        .values(
            status="running",
            attempt=Job.attempt + 1,
            # One that was running already was lost: nobody said that it would be tried again.
            losses=Job.losses + case((Job.status == "running", 1), else_=0),
            started_at=now,
            lease_expires_at=None,
        )
        .returning(Job.attempt)
        .execution_options(synchronize_session=False)
    )
    return changed.scalar_one_or_none()


def set_retrying(
    session: Session, *, job_id: UUID, attempt: int, due_at: datetime | None = None
) -> bool:
    """Say that a passing fault has the job wait for its next attempt, due at a time."""
    return _change(session, job_id, attempt, {"status": "retrying", "lease_expires_at": due_at})


def set_lost(session: Session, *, job_id: UUID, attempt: int) -> bool:
    """Say that the attempt was lost, and that the job waits for its next."""
    values = {
        "status": "retrying",
        "losses": Job.losses + case((Job.status == "running", 1), else_=0),
        "lease_expires_at": None,
    }
    return _change(session, job_id, attempt, values)


def overdue(
    session: Session,
    *,
    now: datetime,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 500,
) -> list[tuple[UUID, UUID, datetime]]:
    """Jobs that have not ended and wait for no later time, oldest first: account, id, since when.

    Those after one of a moment and an id, where it is given.
    """
    due = or_(Job.lease_expires_at.is_(None), Job.lease_expires_at <= now)
    query = select(Job.account_id, Job.id, Job.created_at)
    query = query.where(Job.status.in_(ACTIVE_STATUSES), due)
    if after is not None:
        moment, job_id = after
        same = and_(Job.created_at == moment, Job.id > job_id)
        query = query.where(or_(Job.created_at > moment, same))
    rows = session.execute(query.order_by(Job.created_at, Job.id).limit(limit))
    return [(row.account_id, row.id, row.created_at) for row in rows]


def set_counts(
    session: Session,
    *,
    job_id: UUID,
    attempt: int,
    total: int | None,
    succeeded: int,
    failed: int,
    result: dict[str, Any] | None = None,
) -> bool:
    """Keep what the work has come to, before the job ends."""
    values: dict[str, Any] = {"total": total, "succeeded": succeeded, "failed": failed}
    if result is not None:
        values["result"] = result
    return _change(session, job_id, attempt, values)


def set_result(session: Session, *, job_id: UUID, attempt: int, result: dict[str, Any]) -> bool:
    """Keep the result of a job that is about to fail: its page shows it beside the error."""
    return _change(session, job_id, attempt, {"result": result})


def finish(
    session: Session,
    *,
    job_id: UUID,
    attempt: int,
    status: str,
    now: datetime,
    error_code: str | None = None,
    error_message: str | None = None,
    counts: tuple[int | None, int, int] | None = None,
) -> bool:
    """Make a job terminal; True only for the one call that did.

    `counts` are the total, what succeeded and what failed, where the job has not kept them.
    """
    values: dict[str, Any] = {
        "status": status,
        "finished_at": now,
        "lease_expires_at": None,
        "error_code": error_code,
        "error_message": error_message,
    }
    if counts is not None:
        values |= dict(zip(("total", "succeeded", "failed"), counts, strict=True))
    is_first = _change(session, job_id, attempt, values)
    if is_first:
        parts.forget(session, job_id=job_id)
    return is_first


def request_cancel(session: Session, *, account_id: UUID, job_id: UUID, now: datetime) -> bool:
    """Note that the person wants the job to stop; False when it is over or not theirs."""
    changed = session.execute(
        update(Job)
        .where(Job.account_id == account_id, Job.id == job_id, Job.status.in_(ACTIVE_STATUSES))
        .values(cancel_requested_at=now)
        .execution_options(synchronize_session=False)
    )
    return _one(changed)


def _change(session: Session, job_id: UUID, attempt: int, values: dict[str, Any]) -> bool:
    # The conditions are the fence: a stale attempt writes nothing, and neither does an ended job.
    changed = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.attempt == attempt, Job.status.in_(ACTIVE_STATUSES))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return _one(changed)


def _one(changed: object) -> bool:
    return isinstance(changed, CursorResult) and changed.rowcount == 1
