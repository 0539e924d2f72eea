"""Tasks that celery-batches calls with many requests at once: each request is a job."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from celery import states

from ..events import JobStatus
from ..recovery.settlement import tell
from ..reports import StatusReport
from .beginning import begin_anew
from .ending import end_part
from .harmless import harmlessly
from .installation import Installation, installation_of
from .outcomes import UNKNOWN_FAULT
from .place import Place


def begin_batch(task: Any, args: Sequence[Any]) -> None:
    """Say that the jobs of a batch are running, where a task is called with one."""
    for installation, place in _places(task, args):
        with harmlessly():
            begun = installation.store.begin(place.ref.job_id, attempt=place.attempt)
            if place.is_root and begun.ended is None:
                begin_anew(installation, place)
                running = StatusReport(JobStatus.RUNNING, time.time())
                tell(installation.log, place.ref, [running], attempt=begun.attempt)


def end_batch(task: Any, args: Sequence[Any], state: str | None) -> None:
    """Say how the jobs of a batch have ended: all as the task did."""
    for installation, place in _places(task, args):
        with harmlessly():
            end_part(installation, place, UNKNOWN_FAULT if state == states.FAILURE else None)


def _places(task: Any, args: Sequence[Any]) -> list[tuple[Installation, Place]]:
    installation = installation_of(task.app)
    requests = args[0] if args and isinstance(args[0], list) else ()
    if installation is None or task.request.id is not None:
        return []
    messages = (getattr(request, "request_dict", None) for request in requests)
    return [(installation, Place.of_message(said)) for said in messages if said and "id" in said]
