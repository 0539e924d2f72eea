"""An execution's hold on its task: no other execution of it goes on meanwhile."""

from __future__ import annotations

import time
from dataclasses import replace

from celery.exceptions import Ignore

from ..lease import Grant, HeldLease, Lease, Vigil
from .harmless import harmlessly
from .installation import Installation

#: The first and the longest pause between looks at a lease that another execution holds.
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.05, 1.0
#: Looks within the time that a lease lasts, at least.
_LOOKS = 4


class Hold:
    """A lease, taken before the task does anything and given back when its job knows its end.

    In eager mode, where no other process can run the task, the lease is None and nothing is held.
    """

    def __init__(self, installation: Installation, lease: Lease | None) -> None:
        self._in = installation
        self._lease = lease

    def take(self) -> int:
        """Wait until this execution may go on; returns how often the task was begun.

        Raises:
            celery.exceptions.Ignore: another execution of it is under way.
        """
        lasts = self._in.terms.lease_seconds
        vigil: Vigil[HeldLease] = Vigil(seconds=lasts)
        other: HeldLease | None = None
        lost, pause, answered_at = None, _FIRST_PAUSE_SECONDS, time.monotonic()
        while True:
            grant, now = self._ask(instead_of=lost), time.monotonic()
            if grant is None:
                # Without an answer it goes on; the worker's main process makes the lease good.
                # Where another execution was seen, the answer is waited for.
                if other is None or now - answered_at >= lasts:
                    return 1
            elif grant.granted:
                return grant.tries
            elif other not in (None, grant.held):
                self._lease = None
                raise Ignore("Another worker runs this task; the message came twice.")
            else:
                other, answered_at = grant.held, now
                lost = next(iter(vigil.look([other], now=now)), None)
            time.sleep(pause)
            pause = min(2 * pause, _LAST_PAUSE_SECONDS, lasts / _LOOKS)

    def note_attempt(self, attempt: int) -> None:
        """Let whoever finds the lease run out know which attempt was lost."""
        if self._lease is not None:
            self._lease = replace(self._lease, attempt=attempt)
            self._ask()

    def release(self) -> None:
        """Give the lease back."""
        if self._lease is not None:
            with harmlessly():
                self._in.leases.release(self._lease)

    def _ask(self, *, instead_of: HeldLease | None = None) -> Grant | None:
        if self._lease is None:
            return None
        with harmlessly():
            return self._in.leases.take(self._lease, instead_of=instead_of)
        return None
