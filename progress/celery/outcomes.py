"""The end of a job for each way in which its task ends, in words fit for its owner."""

from __future__ import annotations

import time
from datetime import datetime

from celery.exceptions import Retry, SoftTimeLimitExceeded

from ..errors import JobFailure
from ..events import JobStatus
from ..lifecycle import Settlement, reports_of
from ..reporting.reporter import JobReporter

UNKNOWN_FAULT = Settlement(
    JobStatus.FAILED, "Something went wrong. It is not your fault; try again.", "internal_error"
)
TIME_LIMIT = Settlement(JobStatus.FAILED, "This took longer than it may.", "time_limit")
REJECTED = Settlement(JobStatus.FAILED, "The work was turned away. Try again.", "rejected")


def failure(error: Exception) -> Settlement:
    """How a job ends of which a task raised this."""
    if isinstance(error, JobFailure):
        return Settlement(JobStatus.FAILED, error.message, error.code, is_final=True)
    if isinstance(error, SoftTimeLimitExceeded):
        return TIME_LIMIT
    # The text of any other exception may hold arguments and paths: it is for the log of the
    # worker, where Celery writes it, and not for the person.
    return UNKNOWN_FAULT


def retry_reason(retry: Retry, in_seconds: float) -> str:
    """Why a job waits, and until when, in words fit for the person whose job it is."""
    why = retry.exc.message if isinstance(retry.exc, JobFailure) else "A passing fault."
    seconds = round(in_seconds)
    if seconds < 1:
        return f"{why} Trying again now."
    return f"{why} Trying again in {seconds} {'second' if seconds == 1 else 'seconds'}."


def seconds_until(retry: Retry) -> float:
    """Celery keeps a number of seconds or a moment; None for at once."""
    if isinstance(retry.when, datetime):
        return max(0.0, (retry.when - datetime.now(retry.when.tzinfo)).total_seconds())
    return float(retry.when or 0)


def tell(reporter: JobReporter, truth: Settlement) -> None:
    """Say in the log how a job has ended."""
    for report in reports_of(truth, at=time.time()):
        reporter.report(report)
    reporter.flush()
