"""Starting, cancelling and retrying jobs, for the site."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import Any
from uuid import UUID

from celery import Celery

from library import jobs
from library.models import Job, utc_now
from progress.celery import HEADER
from progress.errors import LogUnavailable
from progress.events import JobStatus
from progress.lease import leased_jobs
from progress.lifecycle import CANCELLED, Settlement
from progress.log import JobRef
from progress.recovery import faults
from progress.recovery.settlement import tell, tell_settlement
from progress.reports import StatusReport

from . import analysis, matching, sync, write_back
from .runtime import Runtime
from .store import DatabaseStore

logger = logging.getLogger(__name__)

_NOT_QUEUED = Settlement(
    JobStatus.FAILED, "The work could not be queued. Try again in a minute.", "queue_unavailable"
)

TASK_NAMES = {
    "sync": sync.NAME,
    "analysis": analysis.NAME,
    "matching": matching.NAME,
    "write_back": write_back.NAME,
}


class QueueUnavailable(Exception):
    """The queue cannot be reached: the job was not started, and its row says so."""


def ref_of(job: Job) -> JobRef:
    """The log of a job."""
    return JobRef(str(job.account_id), str(job.id))


def start(
    app: Celery,
    *,
    account_id: UUID,
    kind: str,
    parameters: dict[str, Any] | None = None,
    idempotency_key: str | None = None,
    retry_of: UUID | None = None,
) -> Job:
    """Create a job and send it to the workers: the row first, so that a worker finds it.

    Raises:
        library.errors.JobAlreadyActive: one of the kind, or at the same files, has not ended.
        QueueUnavailable: the queue cannot be reached.
    """
    runtime: Runtime = app.runtime
    with runtime.database.session() as session:
        job, is_new = jobs.create(
            session,
            account_id=account_id,
            kind=kind,
            parameters=parameters,
            idempotency_key=idempotency_key,
            retry_of=retry_of,
        )
    if is_new:
        faults.reach(faults.COMMITTED)
        with suppress(LogUnavailable):
            tell(
                runtime.log, ref_of(job), [StatusReport(JobStatus.PENDING, time.time())], attempt=1
            )
        _send(app, job)
    return job


def send_again(app: Celery, ref: JobRef) -> None:
    """Send a job that was lost once more; its row says what it is to do."""
    runtime: Runtime = app.runtime
    with runtime.database.session() as session:
        job = jobs.load(session, job_id=UUID(ref.job_id))
    if job is not None and job.is_active:
        _enqueue(app, job)


def _enqueue(app: Celery, job: Job) -> None:
    ref = ref_of(job)
    app.send_task(
        TASK_NAMES[job.kind],
        task_id=ref.job_id,
        headers={HEADER: {"account": ref.account, "jobId": ref.job_id, "attempt": 0}},
        retry=False,
    )


def _send(app: Celery, job: Job) -> None:
    try:
        _enqueue(app, job)
    except Exception as error:  # the transport lets errors of many kinds through
        logger.warning("A job could not be sent: %s", error, extra={"action": "send_failed"})
        _end(app.runtime, job, _NOT_QUEUED)
        raise QueueUnavailable(_NOT_QUEUED.message) from error


def cancel(app: Celery, *, account_id: UUID, job_id: UUID) -> bool:
    """Have a job stop; False when it is over, or not the account's.

    One that no worker is at ends at once, any other at its next report.
    """
    runtime: Runtime = app.runtime
    with runtime.database.session() as session:
        if not jobs.request_cancel(session, account_id=account_id, job_id=job_id, now=utc_now()):
            return False
        job = jobs.load(session, job_id=job_id)
    if job is None:
        return False
    with suppress(LogUnavailable):
        runtime.log.request_cancel(ref_of(job))
    if not _is_under_way(runtime, job):
        _end(runtime, job, CANCELLED)
    return True


def _is_under_way(runtime: Runtime, job: Job) -> bool:
    if job.attempt == 0:
        return False
    try:
        return ref_of(job) in leased_jobs(runtime.log.leases.look())
    except LogUnavailable:
        return True


def _end(runtime: Runtime, job: Job, settlement: Settlement) -> None:
    truth = DatabaseStore(runtime.database, runtime.log).finish(
        str(job.id), attempt=job.attempt, settlement=settlement
    )
    if truth is not None:
        # A log that cannot be told now is made good by whoever reads the row.
        with suppress(LogUnavailable):
            tell_settlement(runtime.log, ref_of(job), truth, attempt=job.attempt)


def retry(app: Celery, *, account_id: UUID, job_id: UUID) -> Job | None:
    """A new job that does what is left of an ended one; None when that is not the account's.

    Every pipeline begins where the last one got to: a sync reads what changed, an analysis
    hears what was not heard, a matching proposes for what has no place.

    Raises:
        library.errors.JobAlreadyActive: one of the kind has not ended, perhaps this one.
        QueueUnavailable: the queue cannot be reached.
    """
    runtime: Runtime = app.runtime
    with runtime.database.session() as session:
        job = jobs.get(session, account_id=account_id, job_id=job_id)
    if job is None:
        return None
    return start(
        app,
        account_id=account_id,
        kind=job.kind,
        parameters=job.parameters,
        retry_of=job.id,
    )


def confirm_loss(
    app: Celery, *, account_id: UUID, job_id: UUID, loss_key: str | None = None
) -> Job | None:
    """A new sync that may take away exactly what a failed one missed; None where there is no such.

    It reads the one source that missed it, named by the loss's key where there are several. The
    job keeps what was confirmed. Where something else is missing by then, it fails as well.

    Raises:
        library.errors.JobAlreadyActive: a sync has not ended.
        QueueUnavailable: the queue cannot be reached.
    """
    runtime: Runtime = app.runtime
    with runtime.database.session() as session:
        job = jobs.get(session, account_id=account_id, job_id=job_id)
    loss = _loss_of(job, loss_key) if job is not None else None
    if job is None or loss is None:
        return None
    parameters = {sync.CONFIRMED_LOSS: loss["key"]}
    if "source" in loss:  # what an earlier version wrote is of the only source there was
        parameters[sync.SOURCE] = loss["source"]
    return start(app, account_id=account_id, kind="sync", parameters=parameters, retry_of=job.id)


def _loss_of(job: Job, key: str | None) -> dict[str, Any] | None:
    found = [job.result.get(sync.LOSS), *job.result.get(sync.MORE_LOSSES, ())]
    return next((loss for loss in found if loss and key in (None, loss["key"])), None)
