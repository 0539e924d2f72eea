"""An execution's hold on its task: no other execution of it goes on meanwhile."""

from __future__ import annotations

import time
from dataclasses import replace

from celery.exceptions import Ignore

from ..lease import Grant, Lease
from .harmless import harmlessly
from .installation import Installation

#: Between looks at a lease that another execution holds: from the first to the last.
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.05, 1.0
#: A lease that is believed for so much longer than a moment ago was renewed.
_RENEWED_SECONDS = 0.5


class Hold:
    """A lease, taken before the task does anything and given back when its job knows its end.

    None for a lease, as in eager mode, where nobody else can run the task, holds nothing.
    """

    def __init__(self, installation: Installation, lease: Lease | None) -> None:
        self._in = installation
        self._lease = lease

    def take(self) -> int:
        """How often the task was begun, once this execution may go on.

        Raises:
            celery.exceptions.Ignore: another execution of it is under way.
        """
        left_seconds, pause = 0.0, _FIRST_PAUSE_SECONDS
        while True:
            grant = self._ask()
            # Without an answer it goes on; the worker's main process makes the lease good.
            if grant is None or grant.granted:
                return 1 if grant is None else grant.tries
            if left_seconds and grant.left_seconds > left_seconds + _RENEWED_SECONDS:
                self._lease = None
                raise Ignore("Another worker runs this task; the message came twice.")
            left_seconds = grant.left_seconds
            time.sleep(min(pause, left_seconds + _FIRST_PAUSE_SECONDS))
            pause = min(2 * pause, _LAST_PAUSE_SECONDS)

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

    def _ask(self) -> Grant | None:
        if self._lease is None:
            return None
        with harmlessly():
            return self._in.leases.take(self._lease, seconds=self._in.terms.lease_seconds)
        return None
