"""What a task uses to say how far it is. It costs microseconds, and it never fails the task."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Self, TypeVar

from .courier import Courier
from .cursor import Cursor
from .errors import CancelRequested, LogUnavailable, WriteRefused
from .events import ItemStatus, JobStatus
from .item import ItemContext, bounded_count, bounded_id, bounded_text
from .log import JobRef, Log
from .phases import Phases
from .reports import (
    CountsReport,
    ErrorReport,
    ItemReport,
    Report,
    StatusReport,
    TotalReport,
)

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Reports that may wait to be sent. Past it the oldest go, and are made good by `repair`.
MAX_WAITING = 20_000
#: Reports sent at once.
BATCH = 500
#: Reports taken at once when more wait than go in a batch. An item that began and ended
#: among them is told once, by its end: nobody could have seen it in progress.
BACKLOG_BATCH = 2 * BATCH
#: How long in all an outage may hold up a task.
PATIENCE_SECONDS = 0.05
#: Items whose end is kept in mind, newest, to be told again to a log that was lost.
MAX_REMEMBERED = 20_000
#: The job's items as the database knows them, to make good what the log has lost.
Repair = Callable[[], Iterable[ItemReport]]

_process_courier = Courier()


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
        courier: Courier | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.ref = ref
        self.attempt = attempt
        self._log = log
        self._repair = repair
        #: Exceptions that stop a task and say nothing of the item it is at.
        self._passing = (CancelRequested, WriteRefused, *passing)
        self._courier = courier or _process_courier
        self._clock = clock
        self._waiting: deque[Report] = deque()
        self._sent = threading.Condition()
        self._sending = threading.Lock()
        self._patience = PATIENCE_SECONDS
        self._scheduled = False
        self._overflowed = False
        #: Whether the log is to be asked for what it holds, though nothing is to be said.
        self._unsure = False
        self._seen: Cursor | None = None
        self._refusal: WriteRefused | None = None
        self._cancel_requested = False
        self._phases = Phases()
        #: What a log that was lost is told again, newest of each kind.
        self._standing: dict[type, Report] = {}
        #: The items that have ended here, oldest first, and how many of them are forgotten.
        self._ended: dict[str, ItemReport] = {}
        self._forgotten = 0
        self._closed = False
        self._courier.add(self)

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
            0.0,
            bounded_text(label),
            None if index is None else bounded_count(index),
            None if count is None else bounded_count(count),
        )
        return ItemContext(
            report,
            send=self.report,
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
        at = self._clock()
        label, error = bounded_text(label), bounded_text(error)
        self.report(ItemReport(bounded_id(item_id), kind, status, at, label, error=error))

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
        if self._refusal is not None or self._closed:
            return
        if type(report) is not ItemReport and type(report) is not ErrorReport:
            self._standing[type(report)] = report
        self._waiting.append(report)
        waiting = len(self._waiting)
        if waiting >= MAX_WAITING:
            self._make_room()
        elif not self._scheduled or waiting == BATCH:
            # `send` clears the flag before it takes a batch, so no report is left behind.
            self._scheduled = True
            self._courier.wake(self, urgent=waiting >= BATCH)

    # -- whether to go on ------------------------------------------------------------

    @property
    def cancel_requested(self) -> bool:
        """Whether somebody asked for the job to be cancelled, as far as is known here."""
        return self._cancel_requested

    def raise_if_stopped(self) -> None:
        """Stop a task that is to go no further.

        Raises:
            CancelRequested: somebody asked for the job to be cancelled.
            StaleAttempt: a newer attempt has begun.
            JobEnded: the job has its terminal status already.
        """
        if self._refusal is not None:
            raise self._refusal
        if self._cancel_requested:
            raise CancelRequested(self.ref.job_id)

    # -- sending ---------------------------------------------------------------------

    def flush(self) -> bool:
        """Have everything sent; whether it was, within what patience an outage leaves."""
        self._courier.wake(self, urgent=True)
        return self._wait(
            lambda: not self._waiting and not self._unsure and not self._sending.locked()
        )

    def confirm(self) -> bool:
        """Flush, and have a log that was lost meanwhile told again; whether that was done.

        Before a terminal status: nothing can be made good after it.
        """
        self._unsure = True
        return self.flush()

    def close(self) -> None:
        """Flush, and report no more. What an outage holds back is still tried for a while."""
        if self._closed:
            return
        sent = self.flush()
        self._closed = True
        if sent or self._refusal is not None:
            self._courier.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def send(self) -> bool:
        """Send one batch; whether more waits. Called by the courier.

        Raises:
            LogUnavailable: the log's server is gone. The batch waits on.
        """
        with self._sending:
            self._scheduled = False
            batch = self._take_batch()
            if not batch and not self._unsure:
                return False
            try:
                receipt = self._log.append(self.ref, batch, attempt=self.attempt, seen=self._seen)
            except LogUnavailable:
                self._waiting.extendleft(reversed(batch))
                raise
            except WriteRefused as refusal:
                self._refuse(refusal)
                return False
            self._unsure = False
            self._seen = receipt.cursor
            self._cancel_requested = receipt.cancel_requested
            self._remember(batch)
            if receipt.lost or self._overflowed:
                self._say_again()
        self._patience = PATIENCE_SECONDS
        with self._sent:
            self._sent.notify_all()
        if self._closed and not self._waiting:
            self._courier.remove(self)
        return bool(self._waiting)

    def renew(self) -> None:
        """Keep the log alive, and learn whether to go on. Called by the courier.

        Raises:
            LogUnavailable: the log's server is gone.
        """
        with self._sending:
            try:
                receipt = self._log.append(self.ref, (), attempt=self.attempt, seen=self._seen)
            except WriteRefused as refusal:
                self._refuse(refusal)
                return
            self._seen = receipt.cursor
            self._cancel_requested = receipt.cancel_requested
            if receipt.lost:
                self._say_again()
        if self._waiting:
            self._courier.wake(self)

    def _take_batch(self) -> list[Report]:
        if len(self._waiting) <= BATCH:
            return self._pop(BATCH)
        return _without_what_is_over(self._pop(BACKLOG_BATCH))

    def _refuse(self, refusal: WriteRefused) -> None:
        self._refusal = refusal
        self._waiting.clear()
        self._courier.remove(self)
        with self._sent:
            self._sent.notify_all()
        logger.info("%s", refusal, extra={"action": "report_refused", "job_id": self.ref.job_id})

    def _say_again(self) -> None:
        """The log lost what it was told, or was not told all: say what stands."""
        self._overflowed = False
        standing = sorted(self._standing.values(), key=lambda report: report.at)
        items: list[Report] = list(self._repair()) if self._repair is not None else []
        items += self._ended.values()
        if self._forgotten:
            done = self._forgotten + len(self._ended)
            items.append(CountsReport(done, self._clock(), self._phases.declared or None))
        self._waiting.extendleft(reversed([*standing, *items]))
        self._courier.wake(self)

    def _remember(self, batch: Iterable[Report]) -> None:
        ended = self._ended
        for report in batch:
            if type(report) is ItemReport and report.status.is_end:
                ended[report.item_id] = report
        while len(ended) > MAX_REMEMBERED:
            del ended[next(iter(ended))]
            self._forgotten += 1

    def _make_room(self) -> None:
        """Let the oldest reports go. What they said of items that are over is told again."""
        self._courier.wake(self, urgent=True)
        if self._wait(lambda: len(self._waiting) < MAX_WAITING):
            return
        # Without a lock: its holder may be waiting for a server that does not answer.
        self._remember(self._pop(BATCH))
        self._overflowed = True

    def _pop(self, count: int) -> list[Report]:
        """The oldest reports, as many as there are up to a number."""
        taken: list[Report] = []
        with suppress(IndexError):
            while len(taken) < count:
                taken.append(self._waiting.popleft())
        return taken

    def _wait(self, condition: Callable[[], bool]) -> bool:
        """Wait while the log answers; in an outage only until patience is used up."""
        while not condition():
            if self._refusal is not None or self._patience <= 0:
                return condition()
            began = time.monotonic()
            with self._sent:
                self._sent.wait(min(0.005, self._patience))
            self._patience -= time.monotonic() - began
        return True


def _without_what_is_over(reports: Sequence[Report]) -> list[Report]:
    """The reports without the beginnings of items whose end is among them."""
    over = {
        report.item_id for report in reports if type(report) is ItemReport and report.status.is_end
    }
    return [
        report
        for report in reports
        if type(report) is not ItemReport or report.status.is_end or report.item_id not in over
    ]
