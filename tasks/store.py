"""The jobs' rows, as `progress` asks for them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from library import jobs
from library.database import Database
from library.models import Job, utc_now
from progress.events import JobStatus
from progress.lifecycle import Begun, Settlement

#: A job that takes its worker down each time is given up after so many attempts.
MAX_ATTEMPTS = 3

_GIVEN_UP = Settlement(
    JobStatus.FAILED,
    f"The process that did this work was lost {MAX_ATTEMPTS} times. Try again later.",
    "worker_lost",
)
_GONE = Settlement(JobStatus.FAILED, "The job is not known any more.", "unknown_job")


class DatabaseStore:
    """The truth about jobs' statuses, in the `jobs` table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, job_id: str, /, *, continues: bool) -> Begun:
        """See `progress.lifecycle.JobStore.begin`."""
        key = UUID(job_id)
        with self._database.session() as session:
            job = jobs.load(session, job_id=key)
            if job is None:
                return Begun(1, ended=_GONE)
            if job.is_active and not continues and job.attempt >= MAX_ATTEMPTS:
                _finish(session, job, _GIVEN_UP)
                return Begun(job.attempt, ended=_GIVEN_UP)
            if not job.is_active:
                return Begun(max(1, job.attempt), ended=_ending(job))
            wanted = job.cancel_requested_at is not None
            if continues:
                return Begun(job.attempt, cancel_requested=wanted)
            attempt = jobs.begin_attempt(session, job_id=key, now=utc_now())
            return Begun(attempt or 1, cancel_requested=wanted)

    def retrying(self, job_id: str, /, *, attempt: int) -> None:
        """See `progress.lifecycle.JobStore.retrying`."""
        with self._database.session() as session:
            jobs.set_retrying(session, job_id=UUID(job_id), attempt=attempt)

    def finish(self, job_id: str, /, *, attempt: int, settlement: Settlement) -> Settlement | None:
        """See `progress.lifecycle.JobStore.finish`."""
        with self._database.session() as session:
            job = jobs.load(session, job_id=UUID(job_id))
            if job is None:
                return _GONE
            if not job.is_active:
                return _ending(job)
            if job.attempt not in (attempt, 0):
                return None
            return settlement if _finish(session, job, settlement) else None


def _finish(session: Session, job: Job, settlement: Settlement) -> bool:
    return jobs.finish(
        session,
        job_id=job.id,
        attempt=job.attempt,
        status=settlement.status.value,
        now=utc_now(),
        error_code=settlement.code,
        error_message=settlement.message,
    )


def _ending(job: Job) -> Settlement:
    return Settlement(JobStatus(job.status), job.error_message, job.error_code)
