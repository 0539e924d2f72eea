"""What a task uses to say how far it is. It costs microseconds, and it never fails the task."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Self, TypeVar

from ..errors import CancelRequested, JobFailure, WriteRefused
from ..events import ItemStatus, JobStatus
from ..fit import fit_count, fit_text
from ..log import JobRef, Log
from ..reports import PhaseEndReport, PhaseReport, Repair, Report
from .buffer import ReportBuffer
from .item import ItemContext, Outlet
from .maker import ReportMaker, fit_kind, fit_weight
from .names import Named, Names, length
from .phases import Phases, PhaseScope
from .resume import BEGINS_ANEW, Resume
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
        part: str = "",
        passing: tuple[type[Exception], ...] = (),
        stops: tuple[type[BaseException], ...] = (),
        sender: BackgroundSender | None = None,
        buffer: ReportBuffer | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.ref = ref
        self._log = log
        self.attempt = attempt
        #: Exceptions that end a task wherever they are raised, in a key or a label, too.
        self._stops = (CancelRequested, WriteRefused, *passing, *stops)
        self._clock = clock
        self._part = part
        self._loops = count(1)
        self._make = ReportMaker(job_id=ref.job_id, part=part, clock=clock)
        self._phases = Phases()
        self._tally = Tally()
        self._buffer = buffer or ReportBuffer(
            log,
            ref,
            attempt=attempt,
            sender=sender or _process_sender,
            repair=repair,
            made_fit=self._make.made_fit,
            declared=lambda: self._phases.declared,
            on_fork=self._begin_anew,
            clock=clock,
        )
        # These exceptions stop a task and do not fail the item it is at.
        passes = (CancelRequested, WriteRefused, JobFailure, *passing)
        self._outlet = Outlet(self._buffer.put, self._tally, clock, passes)

    def _begin_anew(self) -> None:
        """In a child of the task's process: what is nameless there is named by the child, too."""
        self._part = f"{self._part}~{os.getpid()}"
        self._make.begin_anew(part=self._part)

    def item(
        self,
        item_id: object,
        *,
        kind: object,
        label: object = None,
        index: object = None,
        count: object = None,
        tolerate: type[Exception] | tuple[type[Exception], ...] = (),
    ) -> ItemContext:
        """One item, in progress for as long as the block lasts, then succeeded or failed.

        An exception fails the item and is raised on; one that only stops the task, and a
        `JobFailure`, leave the item in progress. One of `tolerate` is not raised on, and its text,
        which must be fit for the person whose job it is, becomes the item's error.

        Raises:
            CancelRequested: somebody asked for the job to be cancelled.
            StaleAttempt: a newer attempt has begun.
        """
        self.raise_if_stopped()
        report = self._make.item(item_id, ItemStatus.IN_PROGRESS, kind, label, index, count)
        return ItemContext(report, self._outlet, tolerate)

    def track(
        self,
        items: Iterable[T],
        *,
        kind: object = "item",
        key: Callable[[T], object] | None = None,
        label: Callable[[T], object] | None = None,
        total: object = None,
        resume: bool = False,
    ) -> Iterator[T]:
        """Go through items, each in progress while the loop's body works on it.

        The total is `total`, else the length of `items` where it has one, else unknown. It adds to
        the job's as far as the totals of the job and of the phase do not cover it already. An
        exception in the body cannot be seen here: the item stays in progress, and the job's
        failure ends it. For items that may fail by themselves use `item`.

        Args:
            items: What to go through, once.
            kind: What each of them is.
            key: An item's id, the same in every attempt; equal keys are one item. Without it an
                item's position is its id.
            label: An item's words; without it, its text where that is fit for a page.
            total: How many there are.
            resume: Leave out what has succeeded before a retry or a lost worker. It needs a `key`.
        """
        place = f"{self._part}#{next(self._loops)}"
        names = Names(self._make, place=place, key=key, label=label, stops=self._stops)
        of = fit_count(length(items, stops=self._stops) if total is None else total)
        if of is not None:
            self._add_to_total(self._phases.added_by_loop(of))
        named = names.each(items)
        if resume and key is not None:
            named = self._left(named, kind)
        elif resume:
            self._make.say_once("resume_without_key", "does a loop without a key all over again.")
        for item, index, item_id, words in named:
            with self.item(item_id, kind=kind, label=words, index=index, count=of):
                yield item

    def unfinished(
        self, items: Iterable[T], *, key: Callable[[T], object], kind: object = "item"
    ) -> Iterator[T]:
        """The items that have not succeeded, in any attempt: for a loop of one's own.

        Work is done at least once: what succeeded and was not told yet when a worker was lost is
        among them.
        """
        names = Names(self._make, place=self._part, key=key, label=None, stops=self._stops)
        return (item for item, *_ in self._left(names.each(items), kind))

    def _left(self, named: Iterator[Named[T]], kind: object) -> Iterator[Named[T]]:
        def say() -> None:
            self.note(BEGINS_ANEW)

        resume = Resume(self._log, self.ref, on_unknown=say, stops=self._stops)
        return resume.left(named, fit_kind(kind))

    def queue(self, items: Iterable[tuple[object, object]], *, kind: object) -> None:
        """Announce items, as pairs of id and label, that are waiting for their turn."""
        for item_id, label in self._make.pairs("queue", items):
            self._put(self._make.item(item_id, ItemStatus.QUEUED, kind, label))

    def item_status(
        self,
        item_id: object,
        status: ItemStatus,
        *,
        kind: object,
        label: object = None,
        error: object = None,
    ) -> None:
        """One item's status, said outright."""
        found = self._make.one_of(ItemStatus, "status", status)
        if found is None:
            return
        report = self._make.item(item_id, found, kind, label, error=error)
        if found.is_end:
            self._tally.note(report.item_kind, report.item_id, found)
        self._put(report)

    def total(self, total: object) -> None:
        """Say how many items there are in all. It may be said late, and it may grow."""
        report = self._make.total(total)
        if report is not None:
            self._phases.declare(report.total)
        self._put(report)

    def add_total(self, more: object) -> None:
        """Add items to the total."""
        self._add_to_total(fit_count(more) or 0)

    def _add_to_total(self, more: int) -> None:
        self._phases.declared += more
        self._put(self._make.total(self._phases.declared))

    def counts(self, done: object, total: object = None) -> None:
        """Set the counts of a job that reports no items."""
        self._put(self._make.counts(done, total))

    def plan(self, *phases: tuple[object, object]) -> None:
        """Name the phases and their weights in advance, so that the fraction is right."""
        planned = self._make.pairs("plan", phases)
        self._phases.plan([(fit_text(name) or "?", fit_weight(weight)) for name, weight in planned])

    def phase(self, name: object, *, weight: object = 1.0, total: object = None) -> PhaseScope:
        """A phase that begins now and is over with its block, or when the next begins.

        Its `total` adds to the job's. Phases that were not planned count as coming last, each with
        its `weight`. What an exception leaves of a phase stays undone.
        """
        self.raise_if_stopped()
        count = None if total is None else fit_count(total)
        report = self._phases.begin(fit_text(name) or "?", fit_weight(weight), count, self._clock())
        self._put(report)
        return PhaseScope(lambda: self._end(report))

    def _end(self, phase: PhaseReport) -> None:
        self._phases.end(phase)
        self._put(PhaseEndReport(phase.phase_index, self._clock()))

    def note(self, text: object, /, **details: object) -> None:
        """Say something in words. The newest note is shown, with details of 2 KB at the most."""
        self._put(self._make.note(text, details))

    def result(self, value: object) -> None:
        """Say what the job came to, before it ends: a value that JSON has, of 4 KB at the most."""
        self._put(self._make.result(value))

    def error(self, message: object, *, code: object) -> None:
        """Say why the job is about to fail, or to be tried again."""
        self._put(self._make.error(message, code=code))

    def status(self, status: JobStatus, *, reason: object = None) -> None:
        """Say the job's status. It is sent at once, after all reports before it."""
        self._put(self._make.status(status, reason=reason))
        self.flush()

    def report(self, report: Report) -> None:
        """Send a report of any kind. Returns at once, in an outage after `PATIENCE_SECONDS`."""
        self._put(self._make.made_fit(report))

    def _put(self, report: Report | None) -> None:
        if report is not None:
            self._buffer.put(report)

    @property
    def succeeded(self) -> int:
        """How many items this reporter has said to have succeeded: one process's share."""
        return self._tally.succeeded

    @property
    def failed(self) -> int:
        """How many items this reporter has said to have failed: one process's share."""
        return self._tally.failed

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

    def flush(self) -> bool:
        """Have all reports sent; whether they were, before an outage used up the patience."""
        return self._buffer.flush()

    def confirm(self) -> bool:
        """Flush, and repeat to a log that was lost what it lost; whether that was done.

        Call it before a terminal status: a log takes nothing after that.
        """
        return self._buffer.confirm()

    def close(self) -> None:
        """Flush, and take no more reports. The sender goes on trying what an outage held back."""
        self._buffer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
