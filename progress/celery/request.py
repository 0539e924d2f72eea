"""What a worker's main process does when the process that runs a message's task is lost."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any

from billiard.exceptions import WorkerLostError
from celery.utils.imports import symbol_by_name

from ..forks import gate
from .harmless import harmlessly
from .installation import Installation, installation_of
from .place import Place, process_name

#: Billiard 4.3 tells an exit of the process by the exception that caused it.
_LOSSES = (WorkerLostError, SystemExit, KeyboardInterrupt)


class GivesLeaseBack:
    """A request of Celery's that gives the lease of a lost process back as its message goes back.

    The heartbeat does so as well, but only for what it has seen running: a process that is lost
    soon after its start would hold up the next execution until its lease is seen to be unrenewed.
    """

    def on_failure(self, exc_info: Any, *args: Any, **options: Any) -> Any:
        """As Celery's own."""
        raised = exc_info.exception
        if isinstance(getattr(raised, "exc", raised), _LOSSES):
            with harmlessly():
                _vacate_in_background(self)
        return super().on_failure(exc_info, *args, **options)  # type: ignore[misc] # Celery's


@lru_cache
def request_class(own: type[Any] | str) -> type[Any]:
    """The class of a task's requests, made of the one that it has otherwise."""
    found: type[Any] = symbol_by_name(own)
    return type(found.__name__, (GivesLeaseBack, found), {"__doc__": found.__doc__})


def _vacate_in_background(request: Any) -> None:
    """Beside the worker's main loop, which must not wait for a log."""
    installation = installation_of(request.task.app)
    if installation is None or request.worker_pid is None:
        return
    threading.Thread(
        target=_vacate, args=(installation, request), name="progress-vacate", daemon=True
    ).start()


def _vacate(installation: Installation, request: Any) -> None:
    process = process_name(request.hostname, request.worker_pid)
    with gate, harmlessly():
        installation.leases.vacate(Place.of_message(request.request_dict).lease(process))
