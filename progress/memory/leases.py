"""Leases in this process's memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ..lease import Grant, Lease, Part
from ..log import JobRef


@dataclass
class _Record:
    lease: Lease
    until: float
    tries: int

    def is_of(self, lease: Lease) -> bool:
        mine = self.lease
        same = mine.process == lease.process and mine.execution in ("", lease.execution)
        return mine.is_vacant or same


@dataclass
class MemoryLeaseBook:
    """The leases of one process: for tests, for logs in memory and for logs without leases."""

    clock: Callable[[], float] = time.monotonic
    _records: dict[Part, _Record] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, lease: Lease, *, seconds: float) -> Grant:
        """See `LeaseBook.take`."""
        now = self.clock()
        with self._lock:
            known = self._records.get(lease.part)
            mine = known is not None and known.lease.execution == lease.execution
            if known is not None and known.until > now and not mine and not known.lease.is_vacant:
                return Grant(granted=False, left_seconds=known.until - now, tries=known.tries)
            tries = (known.tries if known else 0) + (0 if mine else 1)
            self._records[lease.part] = _Record(lease, now + seconds, tries)
            return Grant(granted=True, left_seconds=seconds, tries=tries)

    def renew(self, leases: Iterable[Lease], *, seconds: float) -> Sequence[Lease]:
        """See `LeaseBook.renew`."""
        until, unknown = self.clock() + seconds, []
        with self._lock:
            for lease in leases:
                known = self._records.get(lease.part)
                if known is None:
                    unknown.append(lease)
                elif known.lease.process == lease.process:
                    known.until = until
        return unknown

    def release(self, lease: Lease) -> None:
        """See `LeaseBook.release`."""
        with self._lock:
            known = self._records.get(lease.part)
            if known is not None and known.is_of(lease):
                del self._records[lease.part]

    def vacate(self, lease: Lease, *, seconds: float) -> None:
        """See `LeaseBook.vacate`."""
        with self._lock:
            known = self._records.get(lease.part)
            if known is not None and known.lease.process == lease.process:
                known.lease = Lease(lease.part, "", "", known.lease.attempt)
                known.until = self.clock() + seconds

    def expired(self, *, claim_seconds: float, limit: int = 100) -> Sequence[Lease]:
        """See `LeaseBook.expired`."""
        now = self.clock()
        with self._lock:
            due = [record for record in self._records.values() if record.until <= now][:limit]
            for record in due:
                record.until = now + claim_seconds
            return [record.lease for record in due]

    def held(self) -> frozenset[JobRef]:
        """See `LeaseBook.held`."""
        with self._lock:
            return frozenset(part.ref for part in self._records)
