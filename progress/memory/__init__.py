"""A log in this process's memory: for tests, examples and applications of one process."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..cursor import Cursor
from ..errors import JobEnded, StaleAttempt
from ..events import FeedSnapshot, Snapshot, parse_event
from ..log import (
    Entry,
    FeedRef,
    Gap,
    JobRef,
    LogRef,
    Message,
    Position,
    Receipt,
    Retention,
    Revoked,
)
from ..reports import Report
from ..rules.snapshot import fold, fold_feed
from ..rules.state import JobState
from .leases import MemoryLeaseBook
from .messages import MemoryMessages
from .parts import MemoryPartBook

#: A feed carries the progress of one job at most this often; its last one is never lost.
FEED_EVERY_US = 250_000


@dataclass(slots=True)
class _Record:
    """One log: the retained entries and the folded state."""

    epoch: int
    entries: deque[Entry]
    seq: int = 0
    snapshot: Snapshot | FeedSnapshot | None = None

    def add(self, documents: Sequence[bytes]) -> tuple[Entry, ...]:
        added = []
        for document in documents:
            self.seq += 1
            added.append(Entry(Cursor(self.epoch, self.seq), document))
        self.entries.extend(added)
        return tuple(added)


@dataclass(slots=True)
class _Job:
    record: _Record
    state: JobState
    cancel_requested: bool = False
    fed_at_us: int = 0
    feed_due: bytes | None = None


@dataclass
class MemoryLog:
    """The log protocol without a server. Same answers as the Redis log, to the same tests."""

    retention: Retention = field(default_factory=Retention)
    #: Seconds since 1970.
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        #: The leases and the open parts of the jobs' tasks, as a server would keep them.
        self.leases = MemoryLeaseBook()
        self.parts = MemoryPartBook()
        self._jobs: dict[JobRef, _Job] = {}
        #: Of jobs that nobody has reported yet.
        self._early_cancels: set[JobRef] = set()
        self._feeds: dict[FeedRef, _Record] = {}
        self._messages: list[MemoryMessages] = []
        self._last_epoch = 0

    def append(
        self, ref: JobRef, reports: Sequence[Report], *, attempt: int, seen: Cursor | None = None
    ) -> Receipt:
        """See `Log.append`."""
        with self._lock:
            job = self._job_for(ref, attempt, seen)
            documents = job.state.apply(reports, attempt=attempt, now_us=self._now_us())
            self._publish(ref, job.record, documents)
            self._feed(ref, job, documents, renewed=not reports)
            cursor = Cursor(job.record.epoch, job.record.seq)
            lost = seen is not None and seen.epoch != cursor.epoch
            return Receipt(cursor, attempt, job.cancel_requested, lost)

    def snapshot(self, ref: LogRef) -> tuple[Snapshot | FeedSnapshot, Cursor] | None:
        """See `Log.snapshot`."""
        with self._lock:
            record = self._record(ref)
            if record is None or record.snapshot is None:
                return None
            return record.snapshot, Cursor(record.epoch, record.seq)

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
            record = self._record(ref)
            if record is None or after.epoch != record.epoch or after.seq > record.seq:
                return Gap()
            if after.seq == record.seq:
                return ()
            if not record.entries or after.seq + 1 < record.entries[0].cursor.seq:
                return Gap()
            skip = after.seq + 1 - record.entries[0].cursor.seq
            return tuple(record.entries)[skip : skip + limit]

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
        """See `Log.revoke`."""
        with self._lock:
            for messages in self._messages:
                messages.put(Revoked(account))

    def request_cancel(self, ref: JobRef) -> None:
        """See `Log.request_cancel`."""
        with self._lock:
            job = self._jobs.get(ref)
            if job is None:
                self._early_cancels.add(ref)
            else:
                job.cancel_requested = True

    def cancel_requested(self, ref: JobRef) -> bool:
        """See `Log.cancel_requested`."""
        with self._lock:
            job = self._jobs.get(ref)
            return ref in self._early_cancels or (job is not None and job.cancel_requested)

    def _record(self, ref: LogRef) -> _Record | None:
        if isinstance(ref, FeedRef):
            return self._feeds.get(ref)
        job = self._jobs.get(ref)
        return job.record if job else None

    def _job_for(self, ref: JobRef, attempt: int, seen: Cursor | None) -> _Job:
        job = self._jobs.get(ref)
        if job is None:
            job = self._jobs[ref] = self._new_job(ref, newer_than=seen.epoch if seen else 0)
        if attempt < job.state.attempt:
            raise StaleAttempt(ref.job_id, attempt=attempt, current_attempt=job.state.attempt)
        if job.state.ended:
            raise JobEnded(ref.job_id, attempt=attempt, current_attempt=job.state.attempt)
        items_lost = job.state.known > 0 and not job.state.items
        if items_lost or _has_lost_entries(job.record, seen):
            snapshot = job.record.snapshot
            newer_than = max(job.record.epoch, seen.epoch if seen else 0)
            job.record = self._new_record(self.retention.job_events, newer_than=newer_than)
            job.record.snapshot = snapshot
        if items_lost:
            job.state.lose_items(self._now_us())
        return job

    def _new_job(self, ref: JobRef, *, newer_than: int = 0) -> _Job:
        record = self._new_record(self.retention.job_events, newer_than=newer_than)
        is_cancelled = ref in self._early_cancels
        self._early_cancels.discard(ref)
        return _Job(record, JobState(ref.job_id), is_cancelled)

    def _new_record(self, kept: int, *, newer_than: int = 0) -> _Record:
        self._last_epoch = max(self._now_us(), self._last_epoch + 1, newer_than + 1)
        return _Record(self._last_epoch, deque(maxlen=kept))

    def _now_us(self) -> int:
        return round(self.clock() * 1_000_000)

    def _publish(self, ref: LogRef, record: _Record, documents: Sequence[bytes]) -> None:
        for document in documents:
            event = parse_event(document)
            if isinstance(ref, JobRef):
                before = record.snapshot
                assert before is None or isinstance(before, Snapshot)  # noqa: S101
                record.snapshot = fold(before, event)
            else:
                feed_before = record.snapshot
                assert feed_before is None or isinstance(feed_before, FeedSnapshot)  # noqa: S101
                record.snapshot = fold_feed(feed_before, event)
        entries = record.add(documents)
        if entries:
            for messages in self._messages:
                messages.grew(ref, Message(entries))

    def _feed(self, ref: JobRef, job: _Job, documents: Sequence[bytes], *, renewed: bool) -> None:
        due = self._due(job, documents, renewed=renewed)
        if not due:
            return
        feed = FeedRef(ref.account)
        record = self._feeds.get(feed)
        if record is None:
            record = self._feeds[feed] = self._new_record(self.retention.feed_events)
        self._publish(feed, record, due)

    def _due(self, job: _Job, documents: Sequence[bytes], *, renewed: bool) -> list[bytes]:
        """What of a batch the feed carries: every status, and progress at a limited pace."""
        due: list[bytes] = []
        now_us = self._now_us()
        for document in documents:
            if document.startswith(b'{"type":"progress"'):
                job.feed_due = document
                waited = now_us - job.fed_at_us
                if job.state.ended or waited >= FEED_EVERY_US or waited < 0:
                    due.append(document)
                    job.fed_at_us, job.feed_due = now_us, None
            elif document.startswith(b'{"type":"status"'):
                if job.feed_due is not None:
                    due.append(job.feed_due)
                    job.fed_at_us, job.feed_due = now_us, None
                due.append(document)
        if renewed and job.feed_due is not None:
            due.append(job.feed_due)
            job.fed_at_us, job.feed_due = now_us, None
        return due


def _has_lost_entries(record: _Record, seen: Cursor | None) -> bool:
    """Whether its events are gone, or some that a writer was told of."""
    is_behind = seen is not None and seen > Cursor(record.epoch, record.seq)
    return is_behind or (record.seq > 0 and not record.entries)
