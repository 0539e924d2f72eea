"""How many streams may be open: a cap for each account, and one for the process."""

from __future__ import annotations

import resource
import threading
from collections import Counter

from ..errors import ServerFull, TooManyStreams
from ..limits import StreamLimits
from ..metrics import HubMetrics

#: Descriptors left to everything else in the process.
_RESERVED = 128


class Admission:
    """Counts the open streams, and in `metrics.refused` those that were refused.

    Any thread may call it.
    """

    def __init__(self, limits: StreamLimits, metrics: HubMetrics, *, descriptors_each: int) -> None:
        usable = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _RESERVED
        self._limits = limits
        self._metrics = metrics
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
        with self._lock:
            refusal = self._refusal(account)
            if refusal is not None:
                self._metrics.refused += 1
                raise refusal
            self._open[account] += 1
            self._total += 1

    def _refusal(self, account: str) -> TooManyStreams | None:
        limits = self._limits
        if self._open[account] >= limits.streams_per_account:
            return TooManyStreams(limits.streams_per_account, limits.retry_after_seconds)
        if self._total >= self._most:
            return ServerFull(self._most, limits.retry_after_seconds)
        return None

    def leave(self, account: str) -> None:
        """Count a stream no longer."""
        with self._lock:
            self._total -= 1
            self._open[account] -= 1
            if self._open[account] <= 0:
                del self._open[account]
