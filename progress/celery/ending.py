"""The end of a part of a job, told by another process than the one that ran it."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress

from ..errors import LogUnavailable, StoreUnavailable, WriteRefused
from ..forks import gate
from ..lifecycle import COMPLETED, Settlement
from ..recovery.settlement import tell_settlement
from ..reports import PartEndReport, PartReport, Report
from .fanout import send_next
from .installation import Installation
from .patience import patiently
from .place import Place

logger = logging.getLogger(__name__)


def end_part(installation: Installation, place: Place, outcome: Settlement | None) -> None:
    """Note that a part is over; send what follows it, or settle the job when none is open."""
    ref = place.ref
    if outcome is not None and not place.is_root:
        with suppress(LogUnavailable, WriteRefused):
            name, now = place.part_name, time.time()
            # A process that was lost may not have told that the part began.
            told: list[Report] = [PartReport(name, now), PartEndReport(name, now, outcome.status)]
            installation.log.append(ref, told, attempt=place.attempt)
    standing = installation.parts.end(ref, place.task_id, attempt=place.attempt, outcome=outcome)
    if standing.next is not None:
        send_next(installation, ref, standing.next, attempt=standing.attempt)
    # The book knows no part of a job that no worker has begun.
    was_never_begun = standing.open is None and place.is_root and place.attempt == 0
    if not standing.is_last and not was_never_begun:
        return
    settlement = standing.outcome or COMPLETED
    store, attempt = installation.store, standing.attempt
    truth = patiently(
        lambda: store.finish(ref.job_id, attempt=attempt, settlement=settlement),
        until=StoreUnavailable,
    )
    if truth is not None:
        with suppress(LogUnavailable):
            tell_settlement(installation.log, ref, truth, attempt=standing.attempt)


def end_part_in_background(installation: Installation, place: Place, outcome: Settlement) -> None:
    """Call `end_part` in a thread: the worker's main loop must not wait for a database or a log."""
    threading.Thread(
        target=_end_part_logged,
        args=(installation, place, outcome),
        name="progress-ending",
        daemon=True,
    ).start()


def _end_part_logged(installation: Installation, place: Place, outcome: Settlement) -> None:
    try:
        with gate:
            end_part(installation, place, outcome)
    except Exception:
        logger.exception(
            "The end of task %s could not be noted.",
            place.task_id,
            extra={"action": "ending_failed", "job_id": place.ref.job_id},
        )
