"""The books beside a log on its server: leases, open parts, and why jobs wait."""

from __future__ import annotations

from typing import Protocol

from ..lease import SupportsLeases
from ..log import Retention
from ..parts import SupportsParts
from ..queues import SupportsQueues
from .connection import Server
from .leases import RedisLeaseBook
from .parts import RedisPartBook
from .queues import RedisQueueBook


class RedisBooks(Server, SupportsLeases, SupportsParts, SupportsQueues, Protocol):
    """A server that keeps them. Each is made when it is asked for, and holds nothing itself."""

    retention: Retention

    @property
    def leases(self) -> RedisLeaseBook:
        """See `SupportsLeases.leases`."""
        return RedisLeaseBook(self)

    @property
    def parts(self) -> RedisPartBook:
        """See `SupportsParts.parts`."""
        return RedisPartBook(self, live_seconds=self.retention.live_seconds)

    @property
    def queues(self) -> RedisQueueBook:
        """See `SupportsQueues.queues`."""
        return RedisQueueBook(self)
