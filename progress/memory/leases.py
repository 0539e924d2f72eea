"""Leases in this process's memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count

from ..lease import Grant, HeldLease, Lease, Part


@dataclass
class _Record:
    lease: Lease
    renewals: int
    tries: int

    def is_of(self, lease: Lease) -> bool:
        mine = self.lease
        same = mine.process == lease.process and mine.execution in ("", lease.execution)
        return mine.is_vacant or same

    @property
    def held(self) -> HeldLease:
        return HeldLease(self.lease, self.renewals)


@dataclass
class MemoryLeaseBook:
    """The leases of one process: for tests, for logs in memory and for logs without leases."""

    _records: dict[Part, _Record] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    #: One for all leases, so that one which is released and taken anew differs, too.
    _renewals: count[int] = field(default_factory=lambda: count(1))

    def take(self, lease: Lease, *, instead_of: HeldLease | None = None) -> Grant:
        """See `LeaseBook.take`."""
        with self._lock:
            known = self._records.get(lease.part)
            mine = known is not None and known.lease.execution == lease.execution
            is_held = known is not None and not mine and not known.lease.is_vacant
            if known is not None and is_held and known.held != instead_of:
                return Grant(granted=False, held=known.held, tries=known.tries)
            tries = (known.tries if known else 0) + (0 if mine else 1)
            record = self._records[lease.part] = _Record(lease, next(self._renewals), tries)
            return Grant(granted=True, held=record.held, tries=tries)

    def renew(self, leases: Iterable[Lease]) -> Sequence[Lease]:
        """See `LeaseBook.renew`."""
        unknown = []
        with self._lock:
            for lease in leases:
                known = self._records.get(lease.part)
                if known is None:
                    unknown.append(lease)
                elif known.lease.process == lease.process:
                    known.renewals = next(self._renewals)
        return unknown

    def release(self, lease: Lease) -> None:
        """See `LeaseBook.release`."""
        with self._lock:
            known = self._records.get(lease.part)
            if known is not None and known.is_of(lease):
                del self._records[lease.part]

    def vacate(self, lease: Lease) -> None:
        """See `LeaseBook.vacate`."""
        with self._lock:
            known = self._records.get(lease.part)
            if known is not None and known.lease.process == lease.process:
                known.lease = Lease(lease.part, "", "", known.lease.attempt)
                known.renewals = next(self._renewals)

    def look(self) -> Sequence[HeldLease]:
        """See `LeaseBook.look`."""
        with self._lock:
            return [record.held for record in self._records.values()]

    def claim(self, held: HeldLease) -> bool:
        """See `LeaseBook.claim`."""
        with self._lock:
            known = self._records.get(held.lease.part)
            if known is None or known.renewals != held.renewals:
                return False
            known.renewals = next(self._renewals)
            return True
