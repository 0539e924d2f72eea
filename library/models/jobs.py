"""The tables of jobs: their rows, what failed in them, their parts."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    Integer,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, account_column, to_a_job, utc_now, where_known, within_account

#: The kinds that need nothing said: a person starts them with a button.
STEPS = ("sync", "analysis", "matching")
JOB_KINDS = (*STEPS, "write_back")
#: The kinds that are at an account's own lists: never two at once.
FILE_KINDS = ("sync", "write_back")
ACTIVE_STATUSES = ("pending", "running", "retrying")
TERMINAL_STATUSES = ("completed", "failed", "cancelled")

_ACTIVE_SQL = "status IN ('pending', 'running', 'retrying')"


class Job(Base):
    """One run of a pipeline. The truth about its status."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("account_id", "id"),
        UniqueConstraint("account_id", "idempotency_key"),
        to_a_job("retry_of"),
        CheckConstraint(f"kind IN {JOB_KINDS}", name="kind"),
        CheckConstraint(f"status IN {ACTIVE_STATUSES + TERMINAL_STATUSES}", name="status"),
        CheckConstraint("attempt >= 0", name="attempt"),
        CheckConstraint(f"({_ACTIVE_SQL}) = (finished_at IS NULL)", name="finished_when_terminal"),
        CheckConstraint(
            "succeeded >= 0 AND failed >= 0 AND (total IS NULL OR total >= succeeded + failed)",
            name="counts",
        ),
        Index(
            "ix_jobs_one_active",
            "account_id",
            "kind",
            unique=True,
            sqlite_where=text(_ACTIVE_SQL),
            postgresql_where=text(_ACTIVE_SQL),
        ),
        Index(
            "ix_jobs_one_at_files",
            "account_id",
            unique=True,
            sqlite_where=text(f"{_ACTIVE_SQL} AND kind IN {FILE_KINDS}"),
            postgresql_where=text(f"{_ACTIVE_SQL} AND kind IN {FILE_KINDS}"),
        ),
        Index("ix_jobs_account_id_created_at_id", "account_id", "created_at", "id"),
        # A job that is purged is looked for in all that may refer to it.
        where_known("ix_jobs_retry_of", "retry_of"),
        where_known("ix_jobs_finished_at", "finished_at"),
        Index(
            "ix_jobs_active",
            "created_at",
            sqlite_where=text(_ACTIVE_SQL),
            postgresql_where=text(_ACTIVE_SQL),
        ),
    )

    #: Equal to the Celery id of its root task.
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = account_column()
    kind: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20), default="pending")
    #: 0 until a worker takes it up.
    attempt: Mapped[int] = mapped_column(default=0)
    #: Attempts of which the worker was lost.
    losses: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    parameters: Mapped[dict[str, Any]] = mapped_column(default=dict)
    idempotency_key: Mapped[str | None] = mapped_column(String(128))
    #: The job whose remaining work this one does.
    retry_of: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    #: A retry waits until then; nobody takes the job for lost before.
    lease_expires_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    total: Mapped[int | None]
    succeeded: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error_code: Mapped[str | None] = mapped_column(String(40))
    error_message: Mapped[str | None]
    #: How it went, as `progress.run.Run` is on the wire: some 60 KB at most, which no list reads.
    run: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)

    @property
    def is_active(self) -> bool:
        """Whether it has not ended."""
        return self.status in ACTIVE_STATUSES


class ItemFailure(Base):
    """An item of a job that did not work, in the job's newest attempt."""

    __tablename__ = "item_failures"
    __table_args__ = (
        within_account("job_id", "jobs"),
        UniqueConstraint("job_id", "item_kind", "item_id"),
        Index("ix_item_failures_job_id_id", "job_id", "id"),
        Index("ix_item_failures_job_id_reason_id", "job_id", "reason", "id"),
    )

    #: Its place in the list: later failures have larger ones.
    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True
    )
    account_id: Mapped[UUID]
    job_id: Mapped[UUID]
    item_kind: Mapped[str] = mapped_column(String(40))
    item_id: Mapped[str] = mapped_column(String(200))
    label: Mapped[str | None] = mapped_column(String(300))
    #: Why, in words fit for the person whose job it is.
    reason: Mapped[str] = mapped_column(String(300))
    failed_at: Mapped[datetime]


class JobPart(Base):
    """A part of a job that is shared out: where in the order of the songs' ids it ends.

    It begins after the part before it. The song need not be there any more.
    """

    __tablename__ = "job_parts"
    __table_args__ = (within_account("job_id", "jobs"),)

    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    #: From 0.
    number: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    through_song_id: Mapped[UUID]
