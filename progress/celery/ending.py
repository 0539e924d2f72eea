"""The end of a part of a job, told by the process that ran it or by another one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from ..cursor import Cursor
from ..errors import LogUnavailable, StoreUnavailable, WriteRefused
from ..forks import gate
from ..lifecycle import COMPLETED, Settlement
from ..log import JobRef
from ..parts import Standing
from ..recovery import faults
from ..recovery.settlement import tell_settlement
from ..reports import PartEndReport, PartReport, Report
from .beginning import is_of_newest_run
from .fanout import send_next
from .installation import Installation
from .patience import patiently
from .place import Place

logger = logging.getLogger(__name__)


def end_part(
    installation: Installation,
    place: Place,
    outcome: Settlement | None,
    *,
    seen: Cursor | None = None,
) -> None:
    """Note that a part is over; send what follows it, or settle the job when none is open.

    With `seen`, a log that was begun anew since it stood there is told nothing.
    """
    ref = place.ref
    if outcome is not None and not place.is_root:
        with suppress(LogUnavailable, WriteRefused):
            name, now = place.part_name, time.time()
            # A process that was lost may not have told that the part began.
            told: list[Report] = [PartReport(name, now), PartEndReport(name, now, outcome.status)]
            installation.log.append(ref, told, attempt=place.attempt)
    standing = installation.parts.end(ref, place.task_id, attempt=place.attempt, outcome=outcome)
    # The book knows no part of a job that no worker has begun.
    if standing.open is None and place.is_root and place.attempt == 0:
        standing = replace(standing, open=0)

    def tell(truth: Settlement) -> None:
        with suppress(LogUnavailable):
            tell_settlement(installation.log, ref, truth, attempt=standing.attempt, seen=seen)

    go_on_after(installation, ref, standing, tell=tell)


def go_on_after(
    installation: Installation,
    ref: JobRef,
    standing: Standing,
    *,
    tell: Callable[[Settlement], None],
) -> None:
    """Send what follows a part that is over; after the last one settle the job and tell its end."""
    if standing.next is not None:
        faults.reach(faults.OPENED)
        send_next(installation, ref, standing.next, attempt=standing.attempt)
        faults.reach(faults.SENT)
    if not standing.is_last:
        return
    faults.reach(faults.ENDED)
    store, settlement = installation.store, standing.outcome or COMPLETED
    truth = patiently(
        lambda: store.finish(ref.job_id, attempt=standing.attempt, settlement=settlement),
        until=StoreUnavailable,
    )
    faults.reach(faults.FINISHED)
    if truth is not None:
        tell(truth)
    faults.reach(faults.TOLD)


def end_killed_in_background(
    installation: Installation, place: Place, outcome: Settlement, *, process: str | None
) -> None:
    """Call `end_killed` in a thread: the main loop must wait for no database and no log."""
    threading.Thread(
        target=_end_killed_logged,
        args=(installation, place, outcome, process),
        name="progress-ending",
        daemon=True,
    ).start()


def end_killed(
    installation: Installation, place: Place, outcome: Settlement, *, process: str | None
) -> None:
    """Note the end of a part that was killed or never begun. It may be told more than once.

    Args:
        installation: Its log, its rows and its books.
        place: The part's.
        outcome: How it ended.
        process: The name of the process that was killed; its lease is given back.
    """
    # Celery may tell an end again, and by then the job may have been sent again.
    known = installation.log.position(place.ref)
    if is_of_newest_run(installation, place):
        seen = known.cursor if known is not None else None
        end_part(installation, place, outcome, seen=seen)
    if process is not None:
        # Else the next run under this id would wait until the lease is seen to be unrenewed.
        lease = place.lease(process)
        installation.leases.vacate(lease)
        installation.leases.release(lease)


def _end_killed_logged(
    installation: Installation, place: Place, outcome: Settlement, process: str | None
) -> None:
    try:
        with gate:
            end_killed(installation, place, outcome, process=process)
    except Exception:
        logger.exception(
            "The end of task %s could not be noted.",
            place.task_id,
            extra={"action": "ending_failed", "job_id": place.ref.job_id},
        )
