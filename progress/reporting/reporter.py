"""What a task uses to say how far it is. It costs microseconds, and it never fails the task."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Self, TypeVar

from ..errors import CancelRequested, WriteRefused
from ..events import ItemStatus, JobStatus
from ..log import JobRef, Log
from ..reports import (
    CountsReport,
    ErrorReport,
    ItemReport,
    Repair,
    Report,
    StatusReport,
    TotalReport,
    bounded_count,
    bounded_id,
    bounded_text,
)
from .buffer import ReportBuffer
from .item import ItemContext
from .phases import Phases
from .sender import BackgroundSender
from .tally import Tally

T = TypeVar("T")

_process_sender = BackgroundSender()


class JobReporter:
    """Reports one attempt of one job. Safe to use from several threads.

    Reports gather for some 20 ms and go together, in the background. While the log's server
    is gone they wait, bounded in number; afterwards the log is told again what it lost.

    Where a newer attempt has replaced this one, or somebody asked for the job to be
    cancelled, `item`, `track` and `phase` raise `StaleAttempt` or `CancelRequested`: the task
    is to stop. Nothing else here raises.
    """

    def __init__(
        self,
        log: Log,
        ref: JobRef,
        *,
        attempt: int = 1,
        repair: Repair | None = None,
        passing: tuple[type[Exception], ...] = (),
        sender: BackgroundSender | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.ref = ref
        self.attempt = attempt
        #: Exceptions that stop a task and say nothing of the item it is at.
        self._passing = (CancelRequested, WriteRefused, *passing)
        self._clock = clock
        self._phases = Phases()
        self._tally = Tally()
        self._buffer = ReportBuffer(
            log,
            ref,
            attempt=attempt,
            sender=sender or _process_sender,
            repair=repair,
            declared=lambda: self._phases.declared,
            clock=clock,
        )

    # -- what a task says ------------------------------------------------------------

    def item(
        self,
        item_id: object,
        *,
        kind: str,
        label: str | None = None,
        index: int | None = None,
        count: int | None = None,
        tolerate: tuple[type[Exception], ...] = (),
    ) -> ItemContext:
        """One item, in progress for as long as the block lasts, then succeeded or failed.

        An exception fails the item and goes on its way; one that only stops the task leaves the
        item in progress, for who goes on with it. One of `tolerate` ends here, and its
        text, which must be fit for the person whose job it is, becomes the item's error.

        Raises:
            CancelRequested: somebody asked for the job to be cancelled.
            StaleAttempt: a newer attempt has begun.
        """
        self.raise_if_stopped()
        report = ItemReport(
            bounded_id(item_id),
            kind,
            ItemStatus.IN_PROGRESS,
            self._clock(),
            bounded_text(label),
            None if index is None else bounded_count(index),
            None if count is None else bounded_count(count),
        )
        return ItemContext(
            report,
            send=self._buffer.put,
            tally=self._tally,
            clock=self._clock,
            tolerate=tolerate,
            passing=self._passing,
        )

    def track(
        self,
        items: Sequence[T] | Iterable[T],
        *,
        kind: str = "item",
        key: Callable[[T], object] = str,
        label: Callable[[T], str | None] = lambda _: None,
        total: int | None = None,
    ) -> Iterator[T]:
        """Go through items, each in progress while the loop's body works on it.

        The total is the length of `items` where it has one, else `total`, else unknown. An
        exception in the body cannot be seen here: the item stays in progress, and the job's
        failure ends it. For items that may fail by themselves use `item`.
        """
        count = len(items) if isinstance(items, Sequence) else total
        if count is not None:
            self.add_total(count)
        for index, item in enumerate(items, 1):
            with self.item(key(item), kind=kind, label=label(item), index=index, count=count):
                yield item

    def queue(self, items: Iterable[tuple[object, str | None]], *, kind: str) -> None:
        """Announce items, as pairs of id and label, that are waiting for their turn."""
        at = self._clock()
        for item_id, label in items:
            status = ItemStatus.QUEUED
            self.report(ItemReport(bounded_id(item_id), kind, status, at, bounded_text(label)))

    def item_status(
        self,
        item_id: object,
        status: ItemStatus,
        *,
        kind: str,
        label: str | None = None,
        error: str | None = None,
    ) -> None:
        """One item's status, said outright."""
        report = ItemReport(
            bounded_id(item_id),
            kind,
            status,
            self._clock(),
            bounded_text(label),
            error=bounded_text(error),
        )
        if status.is_end:
            self._tally.note(report.item_id, status)
        self.report(report)

    def total(self, total: int) -> None:
        """How many items there are in all. It may be said late, and it may grow."""
        total = bounded_count(total)
        self._phases.declared = max(self._phases.declared, total)
        self.report(TotalReport(total, self._clock()))

    def add_total(self, more: int) -> None:
        """Add items to the total."""
        self.total(self._phases.declared + more)

    def counts(self, done: int, total: int | None = None) -> None:
        """Set the counts of a job that reports no items."""
        total = None if total is None else bounded_count(total)
        self.report(CountsReport(bounded_count(done), self._clock(), total))

    def plan(self, *phases: tuple[str, float]) -> None:
        """Name the phases and their weights in advance, so that the fraction is right."""
        self._phases.plan(phases)

    def phase(
        self, name: str, *, weight: float = 1.0, total: int | None = None
    ) -> AbstractContextManager[None]:
        """A phase, until the next begins. Its `total` adds to the job's.

        Phases that were not planned count as coming last, each with its `weight`.
        """
        self.raise_if_stopped()
        report = self._phases.begin(name, weight, total, self._clock())
        if total is not None:
            self._phases.declared += total
        self.report(report)
        return nullcontext()

    def error(self, message: str, *, code: str) -> None:
        """Why the job is about to fail, or to be tried again."""
        self.report(ErrorReport(bounded_text(message) or code, code, self._clock()))

    def status(self, status: JobStatus, *, reason: str | None = None) -> None:
        """The job's status. It is sent at once; what was reported before it goes along."""
        self.report(StatusReport(status, self._clock(), bounded_text(reason)))
        self.flush()

    def report(self, report: Report) -> None:
        """Any report. Returns at once, or after `PATIENCE_SECONDS` at the most in an outage."""
        self._buffer.put(report)

    # -- what it came to ---------------------------------------------------------------

    @property
    def succeeded(self) -> int:
        """How many items this reporter has said to have succeeded: one process's share."""
        return self._tally.succeeded

    @property
    def failed(self) -> int:
        """How many items this reporter has said to have failed: one process's share."""
        return self._tally.failed

    # -- whether to go on ------------------------------------------------------------

    @property
    def cancel_requested(self) -> bool:
        """Whether somebody asked for the job to be cancelled, as far as is known here."""
        return self._buffer.cancel_requested

    def raise_if_stopped(self) -> None:
        """Stop a task that is to go no further.

        Raises:
            CancelRequested: somebody asked for the job to be cancelled.
            StaleAttempt: a newer attempt has begun.
            JobEnded: the job has its terminal status already.
        """
        self._buffer.raise_if_stopped()

    # -- sending ---------------------------------------------------------------------

    def flush(self) -> bool:
        """Have everything sent; whether it was, within what patience an outage leaves."""
        return self._buffer.flush()

    def confirm(self) -> bool:
        """Flush, and have a log that was lost meanwhile told again; whether that was done.

        Before a terminal status: nothing can be made good after it.
        """
        return self._buffer.confirm()

    def close(self) -> None:
        """Flush, and report no more. What an outage holds back is still tried for a while."""
        self._buffer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
