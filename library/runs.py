"""Runs: how a job went, kept beside its row when its log is gone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from .models import Job


def keep(session: Session, *, job_id: UUID, run: dict[str, Any]) -> None:
    """Keep how a job went; what is kept stays."""
    session.execute(
        update(Job)
        .where(Job.id == job_id, Job.run.is_(None))
        .values(run=run)
        .execution_options(synchronize_session=False)
    )


def of_job(session: Session, *, account_id: UUID, job_id: UUID) -> dict[str, Any] | None:
    """How one of an account's jobs went; None where nothing is kept of it."""
    query = select(Job.run).where(Job.account_id == account_id, Job.id == job_id)
    return session.execute(query).scalar_one_or_none()
