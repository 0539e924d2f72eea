"""What a job had done when it ended early: from its log, else from the rows."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from sqlalchemy.orm import Session

from library import failures, features, matches
from library.analysis import ANALYSER_VERSION
from library.models import Job
from progress.errors import LogUnavailable
from progress.events import Snapshot
from progress.log import JobRef, Log


class Counts(NamedTuple):
    """How much of a job was done."""

    total: int | None
    succeeded: int
    failed: int


def logged_counts(log: Log, ref: JobRef, *, attempt: int) -> Counts | None:
    """An attempt's counts from the log; None where it knows none, or its server is away."""
    with suppress(LogUnavailable):
        known = log.snapshot(ref)
        if known is not None and isinstance(known[0], Snapshot) and known[0].attempt == attempt:
            progress = known[0].progress
            if progress is not None:
                # A matching tells how many songs are done, and no song by itself.
                done = max(progress.succeeded, progress.done - progress.failed)
                return _fit(progress.total, done, progress.failed)
    return None


def row_counts(session: Session, job: Job) -> Counts:
    """A job's counts from the rows it has written; a sync's rows do not tell what it has read."""
    failed = failures.count(session, account_id=job.account_id, job_id=job.id)
    succeeded = 0
    if job.kind == "analysis":
        heard = features.heard_since(
            session,
            account_id=job.account_id,
            analyser_version=ANALYSER_VERSION,
            since=job.created_at,
        )
        succeeded = sum(1 for _ in heard)
    elif job.kind == "matching":
        succeeded = matches.count_of_job(session, job_id=job.id)
    return _fit(job.total, max(succeeded, job.succeeded), max(failed, job.failed))


def _fit(total: int | None, succeeded: int, failed: int) -> Counts:
    # The row's constraint: no more is done than there is.
    known = None if total is None else max(total, succeeded + failed)
    return Counts(known, succeeded, failed)
