"""Receivers of Celery's signals: before a task is sent, after it ran, and when it was lost.

Celery sends some signals in the process that runs the task, some in the worker's main process,
which has no current task. The docstring of each receiver says which.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakValueDictionary

from billiard import current_process
from celery import signals, states
from celery.exceptions import TimeLimitExceeded, WorkerLostError

from ..events import JobStatus
from ..lifecycle import CANCELLED, WORKER_LOST, Settlement
from .batches import batch_in, batch_of
from .ending import end_killed_in_background, end_part
from .installation import Installation, installation_of
from .marks import carried, mark, note_destination
from .outcomes import TIME_LIMIT, UNKNOWN_FAULT
from .place import Place, process_name
from .running import execution_of
from .task import JobTask
from .termination import deafness
from .work import request_of
from .worker import (
    start_beside_clock,
    start_heartbeat,
    stop_heartbeats,
    watch_parent,
)

logger = logging.getLogger(__name__)

EXPIRED = Settlement(JobStatus.FAILED, "It waited too long to be started.", "expired")

#: The requests of a worker's main process by task id, for signals that bring the id alone.
_received: WeakValueDictionary[str, Any] = WeakValueDictionary()


def connect() -> None:
    """Connect the receivers to Celery's signals. May be called any number of times."""
    for signal, receiver in _RECEIVERS:
        # Held strongly, since Celery's own reference is weak; named, so connected once.
        signal.connect(receiver, weak=False, dispatch_uid=f"progress.{receiver.__name__}")


def _on_publish(
    sender: Any = None, headers: dict[str, Any] | None = None, body: Any = None, **said: Any
) -> None:
    """Any process: tell the task its place, in the message's header."""
    if headers is None or "id" not in headers:
        return
    try:
        mark(str(sender), headers, body[2] if isinstance(body, tuple) else {})
        note_destination(headers, said)
    except Exception:
        logger.exception("A message could not be marked.", extra={"action": "mark_failed"})


def _on_prerun(task: Any = None, args: Sequence[Any] = (), **_: Any) -> None:
    """The process that runs the task, before it does."""
    deafness.begin()
    batch = batch_of(task, args) if isinstance(task, JobTask) else None
    if batch is not None:
        task.request.progress_batch = batch
        batch.begin()


def _on_postrun(task: Any = None, state: str | None = None, **_: Any) -> None:
    """The process that ran the task: its result is kept, and what follows it is sent."""
    execution = execution_of(request_of(task))
    try:
        if execution is not None:
            execution.end(state)
        elif (batch := batch_in([task.request])) is not None:
            batch.end(state)
        else:
            _end_plain(task, state)
    except Exception:
        logger.exception("The end of a task could not be told.", extra={"action": "end_failed"})
    finally:
        deafness.end()


def _end_plain(task: Any, state: str | None) -> None:
    """End the part of a job whose task does not have `JobTask` for its base."""
    installation, place = installation_of(task.app), carried(task.request)
    if installation is None or place is None or state in (None, states.RETRY, states.REJECTED):
        return
    end_part(installation, place, UNKNOWN_FAULT if state == states.FAILURE else None)


def _on_received(request: Any = None, **_: Any) -> None:
    """The main process."""
    _received[request.id] = request


def _on_failure(
    sender: Any = None, task_id: str | None = None, exception: Any = None, **_: Any
) -> None:
    """The main process, for a task whose process was lost or killed; else the task's own."""
    request = _received.get(task_id or "")
    if request is None:
        return
    if isinstance(exception, TimeLimitExceeded):
        _end_elsewhere(sender, Place.of_message(request.request_dict), TIME_LIMIT)
    elif isinstance(exception, WorkerLostError):
        _end_elsewhere(sender, Place.of_message(request.request_dict), WORKER_LOST)


def _on_revoked(sender: Any = None, request: Any = None, **said: Any) -> None:
    """The main process: a task that was revoked, before it began or while it ran."""
    expired = said.get("expired")
    _end_elsewhere(sender, Place.of(request), EXPIRED if expired else CANCELLED)


def _end_elsewhere(task: Any, place: Place, outcome: Settlement) -> None:
    installation: Installation | None = installation_of(getattr(task, "app", None))
    if installation is not None and isinstance(task, JobTask):
        request = _received.get(place.task_id)
        process = None
        if request is not None and request.worker_pid is not None:
            process = process_name(request.hostname, request.worker_pid)
        end_killed_in_background(installation, place, outcome, process=process)


def _on_worker_ready(sender: Any = None, **_: Any) -> None:
    """The main process."""
    installation = installation_of(sender.app)
    if installation is not None:
        start_heartbeat(installation, sender)


def _on_worker_shutdown(**_: Any) -> None:
    """The main process."""
    stop_heartbeats()


def _on_process_init(**_: Any) -> None:
    """A process that runs tasks: a prefork child, or the main process of a solo worker."""
    if current_process().daemon:  # only a child; a worker may outlive what started it
        watch_parent()
        deafness.arm()


def _on_clock(sender: Any = None, **_: Any) -> None:
    """The clock's process."""
    installation = installation_of(sender.app)
    if installation is not None:
        start_beside_clock(installation)


_RECEIVERS: tuple[tuple[Any, Callable[..., None]], ...] = (
    (signals.before_task_publish, _on_publish),
    (signals.task_prerun, _on_prerun),
    (signals.task_postrun, _on_postrun),
    (signals.task_received, _on_received),
    (signals.task_failure, _on_failure),
    (signals.task_revoked, _on_revoked),
    (signals.worker_ready, _on_worker_ready),
    (signals.worker_shutdown, _on_worker_shutdown),
    (signals.worker_process_init, _on_process_init),
    (signals.beat_init, _on_clock),
)
