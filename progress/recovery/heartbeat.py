"""The heartbeat: a thread of a worker's main process that renews the leases of running tasks.

It is in the main process and not in the one that runs the task: a task that keeps its own process
busy for a minute without a pause is alive all the same.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

from ..errors import LogUnavailable
from ..forks import gate
from ..lease import Lease, LeaseBook, LeaseTerms
from .reaper import Reaper

logger = logging.getLogger(__name__)

#: The executions that the worker runs at this moment, each under a key of its own, with the lease
#: that its process holds.
Active = Callable[[], Mapping[int, Lease]]


class Heartbeat:
    """Renews leases, has lost jobs settled, and ends tasks that do not listen to a cancel."""

    def __init__(
        self,
        leases: LeaseBook,
        active: Active,
        *,
        reaper: Reaper,
        terms: LeaseTerms,
        cancel_requested: Callable[[Lease], bool] = lambda _: False,
        terminate: Callable[[Lease], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._leases = leases
        self._active = active
        self._reaper = reaper
        self._terms = terms
        self._cancel_requested = cancel_requested
        self._terminate = terminate
        self._clock = clock
        self._kept: Mapping[int, Lease] = {}
        #: Executions whose lease the server did not know at the last renewal.
        self._unknown: frozenset[int] = frozenset()
        self._asked: dict[int, float] = {}
        self._reap_at = clock() + terms.reap_seconds
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="progress-heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread. Tasks that have not ended by now go back to the queue."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        try:
            for lease in self._kept.values():
                self._leases.vacate(lease)
        except LogUnavailable:
            logger.info("Leases cannot be given back.", extra={"action": "vacate_failed"})

    def _run(self) -> None:
        while not self._stopped.wait(min(self._terms.renew_seconds, self._terms.reap_seconds)):
            with gate:
                self.step()

    def step(self) -> None:
        """Renew, look after cancelled tasks, and reap when it is time. Never raises."""
        try:
            self._keep(dict(self._active()))
        except LogUnavailable as error:
            logger.info("Leases cannot be renewed: %s", error, extra={"action": "renew_waits"})
        except Exception:
            logger.exception("Leases could not be renewed.", extra={"action": "renew_failed"})
        if self._clock() >= self._reap_at:
            self._reap_at = self._clock() + self._terms.reap_seconds
            self._reaper.sweep()

    def _keep(self, active: Mapping[int, Lease]) -> None:
        # A process may run the same part again by now: that lease is the new execution's.
        running = set(active.values())
        gone = [
            lease for key, lease in self._kept.items() if key not in active and lease not in running
        ]
        self._kept = active
        for lease in gone:
            # Nothing changes for an execution that ended in good order: it gave its lease back.
            self._leases.vacate(lease)
        self._renew(active)
        self._end_cancelled(active)

    def _renew(self, active: Mapping[int, Lease]) -> None:
        unknown = set(map(id, self._leases.renew(active.values())))
        keys = frozenset(key for key, lease in active.items() if id(lease) in unknown)
        # Twice running: one that has just begun takes its lease itself, and one that has just
        # ended must not be given a new one. Then the server has lost it.
        for key in keys & self._unknown:
            self._leases.take(active[key])
        self._unknown = keys

    def _end_cancelled(self, active: Mapping[int, Lease]) -> None:
        now = self._clock()
        asked = [key for key, lease in active.items() if self._cancel_requested(lease)]
        self._asked = {key: self._asked.get(key, now) for key in asked}
        for key, since in self._asked.items():
            if now - since >= self._terms.cancel_seconds:
                logger.warning(
                    "Task %s does not stop by itself: it is ended.",
                    active[key].part.task_id,
                    extra={"action": "cancel_forced"},
                )
                self._terminate(active[key])
