"""A log in this process's memory: for tests, examples and applications of one process."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..aliases import Sent, SumRef, SupportsAliases
from ..cursor import Cursor
from ..errors import JobEnded, StaleAttempt
from ..events import WAITING_STATUSES, FeedSnapshot, ItemStatus, Snapshot
from ..lease import SupportsLeases
from ..log import (
    Entry,
    FeedRef,
    Gap,
    JobRef,
    Log,
    LogRef,
    Message,
    Position,
    Receipt,
    Retention,
    Revoked,
    SupportsCancel,
    SupportsRestart,
    SupportsResume,
    SupportsRevocation,
    SupportsRun,
)
from ..parts import SupportsParts
from ..queues import SupportsQueues
from ..reports import Report
from ..rules.state import JobState
from ..rules.stored_run import job_run
from ..run import Run
from .aliases import MemoryAliases
from .leases import MemoryLeaseBook
from .messages import MemoryMessages
from .parts import MemoryPartBook
from .queues import MemoryQueueBook
from .record import JobRecord, Record, Runs


@dataclass
class MemoryLog(
    Log,
    SupportsRevocation,
    SupportsCancel,
    SupportsResume,
    SupportsRun,
    SupportsLeases,
    SupportsParts,
    SupportsAliases,
    SupportsRestart,
    SupportsQueues,
):
    """A log without a server. It gives the answers that the Redis log gives, to the same tests."""

    retention: Retention = field(default_factory=Retention)
    #: Seconds since 1970.
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._leases = MemoryLeaseBook()
        self._parts = MemoryPartBook()
        self._queues = MemoryQueueBook(self._waits)
        self._jobs: dict[JobRef, JobRecord] = {}
        self._aliases = MemoryAliases(self._record)
        #: The jobs that a cancel was requested for before anybody reported anything of them.
        self._early_cancels: set[JobRef] = set()
        self._runs: dict[JobRef, Runs] = {}
        self._feeds: dict[FeedRef, Record] = {}
        self._messages: list[MemoryMessages] = []
        self._last_epoch = 0

    def append(
        self, ref: JobRef, reports: Sequence[Report], *, attempt: int, seen: Cursor | None = None
    ) -> Receipt:
        """See `Log.append`."""
        with self._lock:
            job, now_us = self._job_for(ref, attempt, seen), self._now_us()
            documents = job.state.apply(reports, attempt=attempt, now_us=now_us)
            job.record.fold_job(documents)
            self._publish(ref, job.record, documents)
            done, failed = job.state.done, job.state.failed
            job.run.take(reports, attempt=attempt, done=done, failed=failed, now_us=now_us)
            due = job.feed.take(
                documents, now_us=now_us, has_ended=job.state.ended, is_renewal=not reports
            )
            self._feed(FeedRef(ref.account), due)
            cursor = job.record.end
            lost = seen is not None and seen.epoch != cursor.epoch
            return Receipt(cursor, attempt, job.cancel_requested, lost)

    def snapshot(self, ref: LogRef) -> tuple[Snapshot | FeedSnapshot, Cursor] | None:
        """See `Log.snapshot`."""
        with self._lock:
            if isinstance(ref, SumRef):
                return self._aliases.sum(ref)
            record = self._record(ref)
            if record is None or record.snapshot is None:
                return None
            return record.snapshot, record.end

    def position(self, ref: LogRef) -> Position | None:
        """See `Log.position`."""
        state = self.snapshot(ref)
        if state is None:
            return None
        snapshot, cursor = state
        return Position(cursor, isinstance(snapshot, Snapshot) and snapshot.status.is_terminal)

    def read(self, ref: LogRef, *, after: Cursor, limit: int = 1_000) -> Sequence[Entry] | Gap:
        """See `Log.read`."""
        with self._lock:
            if isinstance(ref, SumRef):
                state = self._aliases.sum(ref)
                return () if state is not None and state[1] == after else Gap()
            record = self._record(ref)
            return Gap() if record is None else record.after(after, limit)

    def messages(self) -> MemoryMessages:
        """See `Log.messages`."""
        messages = MemoryMessages(on_close=self._dismiss)
        with self._lock:
            self._messages.append(messages)
        return messages

    def _dismiss(self, messages: MemoryMessages) -> None:
        with self._lock:
            self._messages.remove(messages)

    def revoke(self, account: str) -> None:
        """See `SupportsRevocation.revoke`."""
        with self._lock:
            for messages in self._messages:
                messages.put(Revoked(account))

    def begin_anew(self, ref: JobRef, run: str, *, takes_over: bool = False) -> bool:
        """See `SupportsRestart.begin_anew`."""
        with self._lock:
            job, runs = self._jobs.get(ref), self._runs.setdefault(ref, Runs())
            has_ended = job is not None and job.state.ended
            if not runs.begin(run, has_ended=has_ended, takes_over=takes_over):
                return run not in runs.past
            if job is not None and has_ended:
                runs.past_epoch = job.record.epoch
                del self._jobs[ref]
                self._parts.forget(ref)
            return True

    def note_sent(self, sent: Sent) -> None:
        """See `SupportsAliases.note_sent`."""
        with self._lock:
            self._aliases.note(sent)

    def locate(self, ref: JobRef) -> tuple[JobRef, Position | None]:
        """See `SupportsAliases.locate`."""
        with self._lock:
            found = self._aliases.leads_to(ref)
            return found, self.position(found)

    def request_cancel(self, ref: JobRef) -> None:
        """See `SupportsCancel.request_cancel`."""
        with self._lock:
            ref = self._aliases.leads_to(ref)
            if isinstance(ref, SumRef):
                for job_id in self._aliases.jobs(ref):
                    self._request_cancel(JobRef(ref.account, job_id))
            else:
                self._request_cancel(ref)

    def _request_cancel(self, ref: JobRef) -> None:
        job = self._jobs.get(ref)
        if job is None:
            self._early_cancels.add(ref)
        else:
            job.cancel_requested = True

    def run(self, ref: JobRef) -> Run | None:
        """See `SupportsRun.run`."""
        with self._lock:
            job = self._jobs.get(ref)
            return None if job is None else job_run(ref.job_id, job.run.fields)

    def cancel_requested(self, ref: JobRef) -> bool:
        """See `SupportsCancel.cancel_requested`."""
        with self._lock:
            job = self._jobs.get(ref)
            return ref in self._early_cancels or (job is not None and job.cancel_requested)

    @property
    def leases(self) -> MemoryLeaseBook:
        """See `SupportsLeases.leases`."""
        return self._leases

    @property
    def parts(self) -> MemoryPartBook:
        """See `SupportsParts.parts`."""
        return self._parts

    @property
    def queues(self) -> MemoryQueueBook:
        """See `SupportsQueues.queues`."""
        return self._queues

    def _waits(self, ref: JobRef) -> bool | None:
        known = self.snapshot(ref)
        snapshot = known[0] if known is not None else None
        return snapshot.status in WAITING_STATUSES if isinstance(snapshot, Snapshot) else None

    def _record(self, ref: LogRef) -> Record | None:
        if isinstance(ref, FeedRef):
            return self._feeds.get(ref)
        job = self._jobs.get(ref)
        return job.record if job else None

    def has_succeeded(self, ref: JobRef, items: Sequence[tuple[str, str]]) -> Sequence[bool]:
        """See `SupportsResume.has_succeeded`."""
        with self._lock:
            job = self._jobs.get(ref)
            known = job.state.items if job else {}
            return [key in known and known[key][0] is ItemStatus.SUCCEEDED for key in items]

    def _job_for(self, ref: JobRef, attempt: int, seen: Cursor | None) -> JobRecord:
        job, runs = self._jobs.get(ref), self._runs.get(ref)
        current = job.state.attempt if job is not None else 0
        is_past = runs is not None and seen is not None and seen.epoch <= runs.past_epoch
        if attempt < current or is_past:
            raise StaleAttempt(ref.job_id, attempt=attempt, current_attempt=current)
        if job is None:
            job = self._jobs[ref] = self._new_job(ref, newer_than=seen.epoch if seen else 0)
        if job.state.ended:
            raise JobEnded(ref.job_id, attempt=attempt, current_attempt=job.state.attempt)
        items_lost = job.state.known > 0 and not job.state.items
        if items_lost or job.record.has_lost_entries(seen):
            snapshot = job.record.snapshot
            newer_than = max(job.record.epoch, seen.epoch if seen else 0)
            job.record = self._new_record(self.retention.job_events, newer_than=newer_than)
            job.record.snapshot = snapshot
        if items_lost:
            job.state.lose_items(self._now_us())
        return job

    def _new_job(self, ref: JobRef, *, newer_than: int = 0) -> JobRecord:
        record = self._new_record(self.retention.job_events, newer_than=newer_than)
        is_cancelled = ref in self._early_cancels
        self._early_cancels.discard(ref)
        return JobRecord(record, JobState(ref.job_id), is_cancelled)

    def _new_record(self, kept: int, *, newer_than: int = 0) -> Record:
        self._last_epoch = max(self._now_us(), self._last_epoch + 1, newer_than + 1)
        return Record(self._last_epoch, deque(maxlen=kept))

    def _now_us(self) -> int:
        return round(self.clock() * 1_000_000)

    def _publish(self, ref: LogRef, record: Record, documents: Sequence[bytes]) -> None:
        entries = record.add(documents)
        if entries:
            for messages in self._messages:
                messages.grew(ref, Message(entries))

    def _feed(self, feed: FeedRef, due: Sequence[bytes]) -> None:
        if not due:
            return
        record = self._feeds.get(feed)
        if record is None:
            record = self._feeds[feed] = self._new_record(self.retention.feed_events)
        record.fold_feed(due)
        self._publish(feed, record, due)
