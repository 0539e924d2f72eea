"""Who may open a stream: so many of an account, so many of the process."""

from __future__ import annotations

import resource
import threading
from collections import Counter

from ..errors import ServerFull, TooManyStreams
from ..limits import StreamLimits

#: Descriptors left to everything else in the process.
_RESERVED = 128


class Admission:
    """Counts the open streams. May be asked from any thread."""

    def __init__(self, limits: StreamLimits, *, descriptors_each: int) -> None:
        usable = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _RESERVED
        self._limits = limits
        self._most = max(1, min(limits.streams, usable // descriptors_each))
        self._open: Counter[str] = Counter()
        self._total = 0
        self._lock = threading.Lock()

    @property
    def total(self) -> int:
        """How many streams are open."""
        return self._total

    def admit(self, account: str) -> None:
        """Count a stream.

        Raises:
            TooManyStreams: the account has as many open as it may.
            ServerFull: the process has.
        """
        limits = self._limits
        with self._lock:
            if self._open[account] >= limits.streams_per_account:
                raise TooManyStreams(limits.streams_per_account, limits.retry_after_seconds)
            if self._total >= self._most:
                raise ServerFull(self._most, limits.retry_after_seconds)
            self._open[account] += 1
            self._total += 1

    def leave(self, account: str) -> None:
        """Count a stream no longer."""
        with self._lock:
            self._total -= 1
            self._open[account] -= 1
            if self._open[account] <= 0:
                del self._open[account]
