"""The end of a part of a job, told by another process than the one that ran it."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress

from ..errors import LogUnavailable
from ..forks import gate
from ..lifecycle import COMPLETED, Settlement
from ..recovery.settlement import tell_settlement
from .installation import Installation
from .place import Place

logger = logging.getLogger(__name__)


def end_part(installation: Installation, place: Place, outcome: Settlement | None) -> None:
    """Note that a part is over, and settle the job when none is open any more."""
    ref = place.ref
    standing = installation.parts.end(ref, place.task_id, attempt=place.attempt, outcome=outcome)
    # Of a job that nobody has begun, no part is known to be open.
    was_never_begun = standing.open is None and place.is_root and place.attempt == 0
    if not standing.is_last and not was_never_begun:
        return
    settlement = standing.outcome or COMPLETED
    truth = installation.store.finish(ref.job_id, attempt=standing.attempt, settlement=settlement)
    if truth is not None:
        with suppress(LogUnavailable):
            tell_settlement(installation.log, ref, truth, attempt=standing.attempt)


def end_part_in_background(installation: Installation, place: Place, outcome: Settlement) -> None:
    """The same beside the worker's main loop, which must not wait for a database or a log."""
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
