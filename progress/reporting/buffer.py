"""The buffer of one attempt's reports: gathers them for the sender, and repeats what a log lost."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain

from ..cursor import Cursor
from ..errors import CancelRequested, LogUnavailable, WriteRefused
from ..log import AppendPipeline, JobRef, Log, Receipt
from ..reports import ItemReport, Repair, Report
from .condense import oldest, with_the_last_note, without_what_is_over
from .memo import Memo
from .pipeline import append_halves, pipeline_of
from .sender import BackgroundSender

logger = logging.getLogger(__name__)

#: Reports that may wait to be sent. Of more, the oldest are dropped; what they said is told again.
MAX_WAITING = 20_000
#: Reports in one batch.
BATCH = 500
#: Reports that are taken at once where more than a batch wait. An item that began and ended among
#: them is told once, by its end: nobody could have seen it in progress.
BACKLOG_BATCH = 2 * BATCH
#: Batches that are sent before the receipt of the first of them is read: one is prepared while the
#: server takes the other.
MAX_UNDER_WAY = 2
#: After this many batches that met a bug in the log, the buffer repeats nothing any more.
MAX_BUGS = 10
#: An outage holds up a task for this long in all.
PATIENCE_SECONDS = 0.05


class ReportBuffer:
    """Takes a task's reports at once; a `BackgroundSender` calls `send` to append them to the log.

    `put`, `flush`, `confirm` and `close` raise nothing, and hold up the task for at most
    `PATIENCE_SECONDS` in an outage.
    """

    def __init__(
        self,
        log: Log,
        ref: JobRef,
        *,
        attempt: int,
        sender: BackgroundSender,
        repair: Repair | None,
        made_fit: Callable[[Report], Report | None],
        declared: Callable[[], int],
        on_fork: Callable[[], None] = lambda: None,
        clock: Callable[[], float],
    ) -> None:
        self._log = log
        self._ref = ref
        self._attempt = attempt
        self._sender = sender
        self._repair = repair
        self._made_fit = made_fit
        #: Called for the total that was declared so far, 0 for none.
        self._declared = declared
        self._on_fork = on_fork
        #: Whether this is the copy of a child process, which may end without a word.
        self._is_forked = False
        self._clock = clock
        self._memo = Memo()
        self._waiting: deque[Report] = deque()
        self._begin_locks()
        self._patience = PATIENCE_SECONDS
        self._scheduled = False
        self._overflowed = False
        #: Whether the next `send` asks the log what it holds, even without a report.
        self._unsure = False
        #: How many batches met a bug in the log; after `MAX_BUGS` nothing is repeated.
        self._bugs = 0
        self._has_complained = False
        self._seen: Cursor | None = None
        self._closed = False
        self.refusal: WriteRefused | None = None
        self.cancel_requested = False
        sender.add(self)

    def begin_anew(self) -> None:
        """In a child after a fork: what waited is the parent's to send, and so are its locks."""
        self._waiting = deque()
        self._begin_locks()
        self._scheduled = False
        self._is_forked = True
        self._on_fork()

    def _begin_locks(self) -> None:
        self._sent = threading.Condition()
        self._sending = threading.Lock()
        #: Held for a moment and never while the log is asked: the task takes it, too.
        self._remembering = threading.Lock()

    def put(self, report: Report) -> None:
        """Take a report. Returns at once, or after `PATIENCE_SECONDS` at the most in an outage."""
        if self.refusal is not None or self._closed:
            return
        self._waiting.append(report)
        waiting = len(self._waiting)
        if waiting >= MAX_WAITING:
            self._make_room()
        elif not self._scheduled or waiting == BATCH:
            # `send` clears the flag before it takes a batch, so no report is left behind.
            self._scheduled = True
            self._sender.wake(self, urgent=waiting >= BATCH)
        # The beginning of an item goes with its end.
        if self._is_forked and (type(report) is not ItemReport or report.status.is_end):
            self._send_from_child()

    def _send_from_child(self) -> None:
        """Nothing waits in a child: it may end by `os._exit`, and nobody would know of it."""
        self._sender.add(self)
        self.flush()

    def raise_if_stopped(self) -> None:
        """Stop a task that is to go no further; see `JobReporter.raise_if_stopped`."""
        if self.refusal is not None:
            raise self.refusal
        if self.cancel_requested:
            raise CancelRequested(self._ref.job_id)

    def flush(self) -> bool:
        """Have all reports sent; whether they were, before an outage used up the patience."""
        self._sender.wake(self, urgent=True)
        return self._wait(self._is_all_sent)

    def _is_all_sent(self) -> bool:
        # Looked at under the lock: a batch that the log did not take goes back to what waits.
        if not self._sending.acquire(blocking=False):
            return False
        try:
            return not self._waiting and not self._unsure
        finally:
            self._sending.release()

    def confirm(self) -> bool:
        """Flush, and repeat to a log that was lost what it lost; whether that was done."""
        self._unsure = True
        return self.flush()

    def close(self) -> None:
        """Flush, and take no more reports. The sender goes on trying what an outage held back."""
        if self._closed:
            return
        sent = self.flush()
        self._closed = True
        if sent or self.refusal is not None:
            self._sender.remove(self)

    def send(self) -> None:
        """Send all that waits. Called by the sender.

        Raises:
            LogUnavailable: the log's server is gone. What it did not take waits on.
        """
        with self._sending:
            self._scheduled = False
            if not self._waiting and not self._unsure:
                return
            try:
                self._send_all()
            except WriteRefused as refusal:
                self._refuse(refusal)
                return
        with self._sent:
            self._sent.notify_all()
        if self._closed and not self._waiting:
            self._sender.remove(self)

    def _send_all(self) -> None:
        pipeline = pipeline_of(self._log, self._ref, attempt=self._attempt)
        under_way: deque[list[Report]] = deque()
        try:
            while True:
                while (self._waiting and len(under_way) < MAX_UNDER_WAY) or not under_way:
                    under_way.append(self._take_batch())
                    pipeline.send(under_way[-1], seen=self._seen)
                self._settle(pipeline, under_way)
                if not self._waiting and not under_way:
                    return
        except LogUnavailable:
            self._waiting.extendleft(reversed(list(chain.from_iterable(under_way))))
            raise
        finally:
            pipeline.close()

    def _settle(self, pipeline: AppendPipeline, under_way: deque[list[Report]]) -> None:
        """Take the receipt of the oldest batch that is under way."""
        try:
            receipt = pipeline.receipt()
        except (LogUnavailable, WriteRefused):
            raise
        except Exception as error:
            self._complain(error)
            self._give_way_to_a_bug(append_halves(under_way, self._append))
        else:
            self._accepted(receipt, under_way.popleft())
        self._patience = PATIENCE_SECONDS
        with self._sent:
            self._sent.notify_all()

    def renew(self) -> None:
        """Keep the log alive, and learn whether to go on. Called by the sender.

        Raises:
            LogUnavailable: the log's server is gone.
        """
        self._unsure = True
        self.send()

    def _take_batch(self) -> list[Report]:
        if len(self._waiting) <= BATCH:
            return with_the_last_note(oldest(self._waiting, BATCH))
        return with_the_last_note(without_what_is_over(oldest(self._waiting, BACKLOG_BATCH)))

    def _append(self, part: list[Report]) -> None:
        receipt = self._log.append(self._ref, part, attempt=self._attempt, seen=self._seen)
        self._accepted(receipt, part)

    def _accepted(self, receipt: Receipt, reports: Sequence[Report]) -> None:
        self._unsure = False
        # The batch behind the one that told a loss was sent before that was known.
        is_lost = receipt.lost and (self._seen is None or receipt.cursor.epoch != self._seen.epoch)
        self._seen = receipt.cursor
        self.cancel_requested = receipt.cancel_requested
        self._remember(reports)
        if is_lost or self._overflowed:
            self._say_again()

    def _give_way_to_a_bug(self, failed: Sequence[Report]) -> None:
        """Have the ends of items in reports that could not be sent repeated with the next batch.

        At most `MAX_BUGS` times, since the repeated reports may meet the same bug.
        """
        self._remember(failed)
        self._bugs += 1
        self._overflowed = self._bugs < MAX_BUGS

    def _complain(self, error: Exception) -> None:
        if self._has_complained:
            return
        self._has_complained = True
        extra = {"action": "report_failed", "job_id": self._ref.job_id}
        sentence = "Reports of job %s could not be sent."
        logger.error(sentence, self._ref.job_id, exc_info=error, extra=extra)

    def _refuse(self, refusal: WriteRefused) -> None:
        self.refusal = refusal
        self._waiting.clear()
        self._sender.remove(self)
        with self._sent:
            self._sent.notify_all()
        logger.info("%s", refusal, extra={"action": "report_refused", "job_id": self._ref.job_id})

    def _say_again(self) -> None:
        """Put what stands in front of the queue: the log lost it, or was never told all of it."""
        self._overflowed = False
        repaired: list[ItemReport] = []
        try:
            known = map(self._made_fit, self._repair()) if self._repair is not None else ()
            repaired = [report for report in known if isinstance(report, ItemReport)]
        except Exception as error:  # the application's database may be away as well
            self._complain(error)
            self._give_way_to_a_bug(())
        total = self._declared()
        with self._remembering:
            again = self._memo.again(total=total, repaired=repaired, at=self._clock())
        self._waiting.extendleft(reversed(again))

    def _make_room(self) -> None:
        """Drop the oldest reports where waiting frees no place; ends of items are repeated."""
        self._sender.wake(self, urgent=True)
        if self._wait(lambda: len(self._waiting) < MAX_WAITING // 2):
            return
        self._remember(oldest(self._waiting, BATCH))
        self._overflowed = True

    def _remember(self, reports: Sequence[Report]) -> None:
        with self._remembering:
            self._memo.note(reports)

    def _wait(self, condition: Callable[[], bool]) -> bool:
        """Wait while the log answers; in an outage only until patience is used up."""
        while not condition():
            if self.refusal is not None or self._patience <= 0:
                return condition()
            began = time.monotonic()
            with self._sent:
                self._sent.wait(min(0.005, self._patience))
            self._patience -= time.monotonic() - began
        return True
