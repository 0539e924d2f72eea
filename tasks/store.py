"""The jobs' rows, as `progress` asks for them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from library import failures, jobs, runs
from library.database import Database
from library.models import Job, utc_now
from progress.errors import LogUnavailable, StoreUnavailable
from progress.events import JobStatus
from progress.lifecycle import CANCELLED, Begun, Recovery, Settlement
from progress.log import JobRef, Log, SupportsRun
from progress.rules.stored_run import settled

from .counts import Counts, logged_counts, row_counts

logger = logging.getLogger(__name__)

#: A job is given up when its worker was lost this many times.
MAX_LOSSES = 3

_GIVEN_UP = Settlement(
    JobStatus.FAILED,
    f"The process that did this work was lost {MAX_LOSSES} times. Try again later.",
    "worker_lost",
)
_GONE = Settlement(JobStatus.FAILED, "The job is not known any more.", "unknown_job")


class DatabaseStore:
    """The truth about jobs' statuses, in the `jobs` table."""

    def __init__(self, database: Database, log: Log) -> None:
        self._database = database
        self._log = log

    @contextmanager
    def _session(self) -> Iterator[Session]:
        try:
            with self._database.session() as session:
                yield session
        except (OperationalError, InterfaceError) as error:
            # Without its text, which may hold the statement and its values.
            name = type(error.orig).__name__
            raise StoreUnavailable(f"The database cannot be reached ({name}).") from error

    def begin(self, job_id: str, /, *, attempt: int) -> Begun:
        """See `progress.lifecycle.JobStore.begin`."""
        with self._session() as session:
            job = jobs.load(session, job_id=UUID(job_id))
            if job is None:
                return Begun(max(1, attempt), ended=_GONE)
            if not job.is_active:
                return Begun(max(1, job.attempt), ended=_ending(job))
            wanted = job.cancel_requested_at is not None
            if attempt > 0:
                # An attempt that was lost, or waits to be tried again, is done anew as a whole:
                # what is left of it in the queue makes room for that.
                is_stale = attempt < job.attempt or job.status == "retrying"
                return Begun(attempt, cancel_requested=wanted, is_stale=is_stale)
            if not _is_given_up(job):
                begun = jobs.begin_attempt(session, job_id=job.id, now=utc_now())
                failures.drop(session, job_id=job.id)
                return Begun(begun or 1, cancel_requested=wanted)
        return Begun(max(1, job.attempt), ended=self._end(job, _GIVEN_UP))

    def retrying(self, job_id: str, /, *, attempt: int, in_seconds: float) -> None:
        """See `progress.lifecycle.JobStore.retrying`."""
        due_at = utc_now() + timedelta(seconds=in_seconds)
        with self._session() as session:
            jobs.set_retrying(session, job_id=UUID(job_id), attempt=attempt, due_at=due_at)

    def lost(self, job_id: str, /, *, attempt: int) -> Recovery | None:
        """See `progress.lifecycle.JobStore.lost`."""
        with self._session() as session:
            job = jobs.load(session, job_id=UUID(job_id))
            if job is None or 0 < attempt < job.attempt:
                return None
            if not job.is_active:
                return Recovery(job.attempt, _ending(job))
            ending = CANCELLED if job.cancel_requested_at is not None else None
            if ending is None and attempt > 0 and job.status != "running":
                return None  # another part of the attempt was found lost already
            if ending is None and _is_given_up(job):
                ending = _GIVEN_UP
            if ending is None:
                is_changed = jobs.set_lost(session, job_id=job.id, attempt=job.attempt)
                return Recovery(job.attempt) if is_changed else None
        truth = self._end(job, ending)
        return Recovery(job.attempt, truth) if truth is not None else None

    def overdue(self) -> Iterator[JobRef]:
        """See `progress.lifecycle.JobStore.overdue`."""
        after: tuple[datetime, UUID] | None = None
        now = utc_now()
        while True:
            with self._session() as session:
                found = jobs.overdue(session, now=now, after=after)
            for account_id, job_id, created_at in found:
                yield JobRef(str(account_id), str(job_id))
                after = created_at, job_id
            if not found:
                return

    def finish(self, job_id: str, /, *, attempt: int, settlement: Settlement) -> Settlement | None:
        """See `progress.lifecycle.JobStore.finish`."""
        with self._session() as session:
            job = jobs.load(session, job_id=UUID(job_id))
        if job is None:
            return _GONE
        if not job.is_active:
            return _ending(job)
        if job.attempt not in (attempt, 0):
            return None
        return self._end(job, settlement)

    def _end(self, job: Job, settlement: Settlement) -> Settlement | None:
        """The settlement, or how the job has ended already; None if a newer attempt has begun."""
        # Before the transaction: no other writer waits while the log is asked.
        counts = None if settlement.status is JobStatus.COMPLETED else self._counts(job)
        with self._session() as session:
            is_first = jobs.finish(
                session,
                job_id=job.id,
                attempt=job.attempt,
                status=settlement.status.value,
                now=utc_now(),
                error_code=settlement.code,
                error_message=settlement.message,
                counts=counts,
            )
            now = None if is_first else jobs.load(session, job_id=job.id)
        if is_first:
            self._keep_run(job, settlement)
            return settlement
        if now is None:
            return _GONE
        return None if now.is_active else _ending(now)

    def _keep_run(self, job: Job, settlement: Settlement) -> None:
        """Copy how the job went into its row. It is not worth an error to a job that has ended."""
        if not isinstance(self._log, SupportsRun):
            return
        try:
            run = self._log.run(JobRef(str(job.account_id), str(job.id)))
            if run is None:
                return
            # The log is told of the end after the row.
            document = settled(run, settlement.status, utc_now()).to_dict()
            with self._session() as session:
                runs.keep(session, job_id=job.id, run=document)
        except (LogUnavailable, StoreUnavailable) as error:
            extra = {"action": "run_not_kept", "job_id": str(job.id)}
            logger.info("How a job went could not be kept: %s", error, extra=extra)

    def _counts(self, job: Job) -> Counts:
        """The counts of a job that ends before it could keep them itself."""
        ref = JobRef(str(job.account_id), str(job.id))
        logged = logged_counts(self._log, ref, attempt=max(1, job.attempt))
        if logged is not None:
            return logged
        with self._session() as session:
            return row_counts(session, job)


def _is_given_up(job: Job) -> bool:
    """Whether a job's worker was lost once too often, the present attempt included."""
    return job.losses + (job.status == "running") >= MAX_LOSSES


def _ending(job: Job) -> Settlement:
    return Settlement(JobStatus(job.status), job.error_message, job.error_code)
