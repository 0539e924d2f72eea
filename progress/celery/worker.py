"""Threads beside the tasks: in a worker's main process, in its children, beside the clock."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from functools import partial
from typing import Any

from celery.concurrency.prefork import TaskPool as PreforkPool
from celery.worker import state

from ..lease import Lease
from ..recovery.heartbeat import Heartbeat
from ..recovery.reaper import Reaper
from .fanout import follow_lost
from .installation import Installation
from .place import Place, process_name
from .queues import waiting
from .sending import resend
from .takers import Taker, taken_by
from .task import JobTask
from .termination import insist

logger = logging.getLogger(__name__)

#: How often a child looks whether its worker is still there.
_PARENT_SECONDS = 1.0

#: The threads of this process that `stop_heartbeats` ends.
_beating: list[Heartbeat | Taker] = []


def start_heartbeat(installation: Installation, consumer: Any) -> None:
    """Keep the leases of what a worker runs, and say what it takes, from its main process."""
    is_prefork = isinstance(consumer.pool, PreforkPool)

    if is_prefork:
        insist(consumer.pool)

    def active() -> dict[int, Lease]:
        return {
            id(request): _lease(request, is_prefork=is_prefork) for request in _active_requests()
        }

    def cancel_requested(lease: Lease) -> bool:
        cancels = installation.cancels
        return cancels is not None and cancels.cancel_requested(lease.part.ref)

    def terminate(lease: Lease) -> None:
        # Other pools cannot end a task by force; such a task stops at its next report.
        if is_prefork:
            installation.app.control.revoke(
                lease.part.task_id, terminate=True, destination=[consumer.hostname]
            )

    heartbeat = Heartbeat(
        installation.leases,
        active,
        reaper=_reaper(installation),
        terms=installation.terms,
        cancel_requested=cancel_requested,
        terminate=terminate,
    )
    _begin(heartbeat)
    book = installation.queues
    if book is not None:
        pause = installation.terms.renew_seconds
        taken = partial(taken_by, consumer)
        _begin(Taker(installation.app, book, consumer.hostname, taken, seconds=pause))


def _begin(beating: Heartbeat | Taker) -> None:
    _beating.append(beating)
    beating.start()


def stop_heartbeats() -> None:
    """End the heartbeats of this process."""
    while _beating:
        _beating.pop().stop()


def _active_requests() -> list[Any]:
    while True:
        try:
            found = list(state.active_requests)
        except RuntimeError:  # the main thread took up a task meanwhile
            continue
        return [request for request in found if isinstance(request.task, JobTask)]


def _lease(request: Any, *, is_prefork: bool) -> Lease:
    # A greenlet pool calls its greenlets' ids pids; all of them are this process.
    pid = request.worker_pid if is_prefork else os.getpid()
    return Place.of_message(request.request_dict).lease(process_name(request.hostname, pid))


def _reaper(installation: Installation) -> Reaper:
    return Reaper(
        installation.log,
        installation.leases,
        installation.store,
        installation.terms,
        resend=None if installation.resend is None else partial(resend, installation),
        waiting=lambda: waiting(installation.app),
        follow=lambda lease: follow_lost(installation, lease),
    )


def start_beside_clock(installation: Installation) -> None:
    """Run a reaper in the clock's process, which may outlive every worker."""
    reaper = _reaper(installation)

    def sweep() -> None:
        while True:
            time.sleep(installation.terms.reap_seconds)
            reaper.sweep()

    threading.Thread(target=sweep, name="progress-reaper", daemon=True).start()


def watch_parent() -> None:
    """End this process soon after its worker's main process is gone, whatever it does.

    Celery's children notice only when they next ask for work; until then they would go on
    with a task that is another's by now.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="progress-parent-watch", daemon=True).start()
