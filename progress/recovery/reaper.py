"""The reaper settles jobs whose lease is not renewed, and jobs that nobody took up.

It runs in every worker's main process and in the clock's process, and looks for two things again
and again. Each lost execution is given to one reaper, however many there are. It knows no queue.

- A lease is not renewed: the execution is lost, whatever the cause. The store says whether the job
  runs again or is over. Each reaper judges that by looks and a clock of its own; the one that
  claims the lease as it was seen settles the job.
- A job has not ended, nothing of it is leased, and no message of it waits in a queue: its
  message is gone, with a queue that was emptied or a crash between a commit and a send. It is
  sent again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain, islice

from ..errors import LogUnavailable, StoreUnavailable
from ..events import JobStatus, Snapshot
from ..lease import HeldLease, Lease, LeaseBook, LeaseTerms, Vigil, leased_jobs
from ..lifecycle import WORKER_LOST, JobStore, Recovery
from ..log import JobRef, Log
from ..reports import StatusReport
from . import faults
from .settlement import tell, tell_settlement

logger = logging.getLogger(__name__)

LOST_REASON = "The process that did this work was lost. It is done again."

#: Sends a job once more, as its next attempt.
Resend = Callable[[JobRef], None]
#: Lost executions that one sweep settles, and lost jobs that one sends again.
_SETTLED_AT_ONCE = _SENT_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Waiting:
    """The messages that wait in the queues that jobs are sent to."""

    #: Whether any message waits.
    any: bool = False
    #: Their tasks and jobs; None where the broker cannot be asked for them.
    task_ids: frozenset[str] | None = None
    job_ids: frozenset[str] | None = None

    def may_have_task(self, task_id: str) -> bool:
        """Whether a message may be a task's."""
        return self.any if self.task_ids is None else task_id in self.task_ids

    def may_have_job(self, job_id: str) -> bool:
        """Whether a message may belong to a job."""
        return self.any if self.job_ids is None else job_id in self.job_ids


@dataclass
class Reaper:
    """Looks for what was lost, once at each `sweep`."""

    log: Log
    leases: LeaseBook
    store: JobStore
    terms: LeaseTerms = field(default_factory=LeaseTerms)
    #: Without it a lost job fails.
    resend: Resend | None = None
    #: Looks into the queues.
    waiting: Callable[[], Waiting] = Waiting
    #: Sends what follows a part that had ended when its process was lost; False where the part
    #: itself was lost.
    follow: Callable[[Lease], bool] = lambda _: False
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._unrenewed: Vigil[HeldLease] = Vigil(seconds=self.terms.lease_seconds)
        #: Overdue jobs that are neither leased nor waiting.
        self._missing: Vigil[JobRef] = Vigil(seconds=self.terms.lease_seconds)

    def sweep(self) -> int:
        """Settle what was lost; how many jobs that were. Never raises."""
        try:
            return self._sweep()
        except LogUnavailable as error:
            # While the server was away no lease could be renewed: that one was not says nothing
            # until every worker has had the time to renew it.
            self._unrenewed.interrupt()
            self._missing.interrupt()
            logger.info("Leases cannot be looked at: %s", error, extra={"action": "reap_waits"})
        except StoreUnavailable as error:
            logger.info("Rows cannot be looked at: %s", error, extra={"action": "reap_waits"})
        except Exception:
            logger.exception("Lost jobs could not be settled.", extra={"action": "reap_failed"})
        return 0

    def _sweep(self) -> int:
        found = self.leases.look()
        unrenewed = self._unrenewed.look(found, now=self.clock())
        settled = sum(
            self._settle_lost(held.lease)
            for held in unrenewed[:_SETTLED_AT_ONCE]
            if self.leases.claim(held)
        )
        return settled + self._send_overdue(leased_jobs(found))

    def _settle_lost(self, lease: Lease) -> bool:
        ref = lease.part.ref
        if lease.is_vacant and self._may_come_again(lease):
            return False
        # A process that is killed, by a time limit or a cancel, leaves its lease behind.
        if self.follow(lease) or self._has_ended(ref):
            self.leases.release(lease)
            return False
        logger.warning(
            "An execution of job %s was lost.", ref.job_id, extra={"action": "lease_expired"}
        )
        self._recover(ref, self.store.lost(ref.job_id, attempt=lease.attempt))
        # Last: a reaper that dies before this leaves the lease to the next one.
        self.leases.release(lease)
        return True

    def _has_ended(self, ref: JobRef) -> bool:
        """Whether the log has the job's terminal status: an application may keep no rows."""
        known = self.log.snapshot(ref)
        return known is not None and isinstance(known[0], Snapshot) and known[0].status.is_terminal

    def _may_come_again(self, lease: Lease) -> bool:
        """Whether the queue has the message of a part whose process was lost."""
        waiting = self.waiting()
        # Where it is not known whose messages wait, a job that can be sent again is not left to
        # a queue that is never empty.
        is_known = waiting.task_ids is not None
        return (is_known or self.resend is None) and waiting.may_have_task(lease.part.task_id)

    def _send_overdue(self, held: frozenset[JobRef]) -> int:
        due = self._missing.look(self._absent(held), now=self.clock())
        for ref in due:
            logger.warning(
                "Nobody works on job %s: it is sent again.", ref.job_id, extra={"action": "resend"}
            )
            self._missing.forget(ref)
            self._recover(ref, self.store.lost(ref.job_id, attempt=0))
        return len(due)

    def _absent(self, held: frozenset[JobRef]) -> Iterable[JobRef]:
        """Overdue jobs that nobody works on and that do not wait in a queue."""
        unheld = (ref for ref in self.store.overdue() if ref not in held)
        first = next(unheld, None)
        if first is None:
            return ()
        waiting = self.waiting()
        absent = (ref for ref in chain([first], unheld) if not waiting.may_have_job(ref.job_id))
        # Counted last: the oldest rows may all be of jobs that are under way, or wait.
        return islice(absent, _SENT_AT_ONCE)

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
