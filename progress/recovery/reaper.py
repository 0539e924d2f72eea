"""Settles what was lost: jobs whose lease ran out, and jobs that nobody took up. Pure of any queue.

Two questions, asked again and again by every worker's main process and by the clock's
process; however many ask, each lost execution is given to one of them.

- A lease ran out: the execution is gone, whatever took it. The store says whether the job
  runs again or is over.
- A job has not ended, nothing of it is leased, and no message waits in the queue: its message
  is gone, with a queue that was emptied or a crash between a commit and a send. It is sent
  again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import LogUnavailable
from ..events import JobStatus
from ..lease import Lease, LeaseBook, LeaseTerms
from ..lifecycle import WORKER_LOST, JobStore, Recovery
from ..log import JobRef, Log
from ..reports import StatusReport
from . import faults
from .settlement import tell, tell_settlement

logger = logging.getLogger(__name__)

LOST_REASON = "The process that did this work was lost. It is done again."

#: Sends a job once more, as its next attempt.
Resend = Callable[[JobRef], None]
#: Whether messages wait in the queues that jobs are sent to.
HasWaiting = Callable[[], bool]


@dataclass
class Reaper:
    """Looks for what was lost, once at each `sweep`."""

    log: Log
    leases: LeaseBook
    store: JobStore
    terms: LeaseTerms = field(default_factory=LeaseTerms)
    #: Without it a lost job fails.
    resend: Resend | None = None
    has_waiting: HasWaiting = lambda: False
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._trusted_at = self.clock()
        #: When each overdue job was first seen to be neither leased nor waiting.
        self._missing: dict[JobRef, float] = {}

    def sweep(self) -> int:
        """Settle what was lost; how many jobs that were. Never raises."""
        try:
            return self._sweep()
        except LogUnavailable as error:
            # While the server was away no lease could be renewed: that one ran out says
            # nothing until every worker has had the time to renew it.
            self._trusted_at = self.clock() + self.terms.lease_seconds
            self._missing.clear()
            logger.info("Leases cannot be looked at: %s", error, extra={"action": "reap_waits"})
        except Exception:
            logger.exception("Lost jobs could not be settled.", extra={"action": "reap_failed"})
        return 0

    def _sweep(self) -> int:
        held = self.leases.held()
        if self.clock() < self._trusted_at:
            return 0
        lost = self.leases.expired(claim_seconds=self.terms.lease_seconds)
        return sum(self._settle_lost(lease) for lease in lost) + self._send_overdue(held)

    def _settle_lost(self, lease: Lease) -> bool:
        ref = lease.part.ref
        if lease.is_vacant and self.resend is None and self.has_waiting():
            return False  # a busy queue has it, and nobody but the queue can send it again
        logger.warning(
            "An execution of job %s was lost.", ref.job_id, extra={"action": "lease_expired"}
        )
        self._recover(ref, self.store.lost(ref.job_id, attempt=lease.attempt))
        # Last: whoever dies before this leaves the lease to the next that looks.
        self.leases.release(lease)
        return True

    def _send_overdue(self, held: frozenset[JobRef]) -> int:
        now = self.clock()
        overdue = [ref for ref in self.store.overdue() if ref not in held]
        if overdue and self.has_waiting():
            overdue = []  # they may be among those that wait
        self._missing = {ref: self._missing.get(ref, now) for ref in overdue}
        due = [
            ref for ref, since in self._missing.items() if now - since >= self.terms.lease_seconds
        ]
        for ref in due:
            logger.warning(
                "Nobody works on job %s: it is sent again.", ref.job_id, extra={"action": "resend"}
            )
            del self._missing[ref]
            self._recover(ref, self.store.lost(ref.job_id, attempt=0))
        return len(due)

    def _recover(self, ref: JobRef, recovery: Recovery | None) -> None:
        faults.reach(faults.FOUND_LOST)
        if recovery is None:
            return
        ended = recovery.ended
        if ended is None and self.resend is None:
            ended = self.store.finish(ref.job_id, attempt=recovery.attempt, settlement=WORKER_LOST)
        if ended is not None:
            tell_settlement(self.log, ref, ended, attempt=recovery.attempt)
        elif self.resend is not None:
            retrying = StatusReport(JobStatus.RETRYING, time.time(), LOST_REASON)
            tell(self.log, ref, [retrying], attempt=recovery.attempt)
            faults.reach(faults.TOLD_LOST)
            self.resend(ref)
            faults.reach(faults.RESENT)
