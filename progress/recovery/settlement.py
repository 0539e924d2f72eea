"""Tells the log how a job ended, from a process that did not run the task itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from ..cursor import Cursor
from ..errors import WriteRefused
from ..events import Snapshot
from ..lifecycle import Settlement, reports_of
from ..log import JobRef, Log
from ..reports import Report

logger = logging.getLogger(__name__)


def tell_settlement(
    log: Log, ref: JobRef, settlement: Settlement, *, attempt: int, seen: Cursor | None = None
) -> None:
    """Tell the log how a job has ended, where it does not say so yet.

    With `seen`, a log that was begun anew since it stood there is told nothing.

    Raises:
        LogUnavailable: the log's server is gone.
    """
    tell(log, ref, reports_of(settlement, at=time.time()), attempt=attempt, seen=seen)


def tell(
    log: Log,
    ref: JobRef,
    reports: Sequence[Report],
    *,
    attempt: int,
    seen: Cursor | None = None,
) -> None:
    """Append reports to the attempt that the log is in, or to a later one.

    Raises:
        LogUnavailable: the log's server is gone.
    """
    known = log.snapshot(ref)
    if known is not None and isinstance(known[0], Snapshot):
        attempt, seen = max(attempt, known[0].attempt), seen or known[1]
    try:
        log.append(ref, reports, attempt=max(1, attempt), seen=seen)
    except WriteRefused as refusal:
        logger.info("%s", refusal, extra={"action": "report_refused", "job_id": ref.job_id})
