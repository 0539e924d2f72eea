"""One execution of one task, from its lease to the end of its part of the job."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

from celery import states
from celery.exceptions import Ignore, Reject, Retry, SoftTimeLimitExceeded

from ..errors import CancelRequested, StoreUnavailable, WriteRefused
from ..events import JobStatus
from ..lease import Lease
from ..lifecycle import CANCELLED, COMPLETED, WORKER_LOST, Begun, Settlement
from ..parts import Standing, Window
from ..recovery import faults
from ..reporting.reporter import JobReporter
from ..reports import PartEndReport, PartReport, Repair
from .beginning import begin, given_up
from .canvas import NO_CANVAS, Canvas
from .ending import go_on_after
from .fanout import open_window
from .harmless import harmlessly
from .hold import Hold
from .installation import Installation
from .numbers import PartNumbers
from .outcomes import REJECTED, UNKNOWN_FAULT, failure, retry_reason, seconds_until, tell
from .patience import patiently
from .place import Place, process_name
from .running import execution_here, run_body
from .sending import account_of

logger = logging.getLogger(__name__)

#: A task that is over waits this long for its reports to be sent, before its part ends.
_LATE_SECONDS = 30.0
_LATE_LOOK_SECONDS = 0.25


class Execution:
    """One execution of one task: `run` around its body, then `end` when Celery is done with it."""

    def __init__(self, task: Any, installation: Installation, request: Any) -> None:
        self._task = task
        self._request = request
        self._in = installation
        self.place = self._place()
        self.attempt = self.place.attempt
        self._numbers = PartNumbers(self.place, request.chord)
        #: Whether a message with this task's own id was sent: it is tried again, or replaced.
        self.passed_on = False
        #: Whether it sent tasks of its own.
        self.has_sent = False
        self.reporter: JobReporter | None = None
        self._hold = Hold(installation, None if request.is_eager else self._lease(request))
        #: Whether the task has set its own state to FAILURE, as many do before they raise `Ignore`.
        self.said_failed = False
        #: Whether so many processes that ran it were lost that it is not run again.
        self._is_given_up = False
        #: How the task ended, once it has; None while its part of the job stays open.
        self._outcome: Settlement | None = None

    def _place(self) -> Place:
        outer = execution_here()
        if not self._request.is_eager:
            return Place.of(self._request)
        if outer is None:
            owner = partial(account_of, self._in, self._request.id)
            # Nothing brings an eager task again: each call is a run of its own.
            return replace(Place.of(self._request, owner=owner), run=uuid4().hex)
        # An eager task runs in the body of another: no message tells its place.
        return replace(outer.place_of(self._request.id, NO_CANVAS), attempt=outer.attempt)

    def _lease(self, request: Any) -> Lease:
        return self.place.lease(process_name(request.hostname), uuid4().hex)

    # -- around the body -------------------------------------------------------------

    def run(self, body: Callable[[], Any]) -> Any:
        """The body's result.

        Raises:
            celery.exceptions.Ignore: there is nothing to do, or the body stopped early.
        """
        tries = self._hold.take()
        faults.reach(faults.LEASED)
        self._is_given_up = tries > self._in.terms.max_tries
        begun = (
            given_up(self._in, self.place, tries=tries)
            if self._is_given_up
            else begin(self._in, self.place, self._request, tries=tries)
        )
        self.attempt = begun.attempt
        if begun.is_stale:
            raise Ignore("A newer attempt has begun.")
        repair: Repair | None = None
        with harmlessly():
            repair = self._in.repair(self.place.ref)
        self.reporter = JobReporter(
            self._in.log,
            self.place.ref,
            attempt=begun.attempt,
            repair=repair,
            passing=(Retry, Ignore, Reject, *self._retried),
            part=self.place.part,
            stops=(SoftTimeLimitExceeded,),
        )
        if begun.ended is not None:
            # The message came again: the row may have the end, and the log not.
            tell(self.reporter, begun.ended)
            raise Ignore("The job is over already.")
        faults.reach(faults.BEGUN)
        if self.place.is_root and not self._continues and not self._is_given_up:
            self._open_attempt()
            self.reporter.status(JobStatus.RUNNING)
        if not self.place.is_root:
            self.reporter.report(PartReport(self.place.part_name, time.time()))
        return self._stopping(body, begun)

    @property
    def _continues(self) -> bool:
        return self.place.attempt > 0

    @property
    def _retried(self) -> tuple[type[Exception], ...]:
        """Errors of the task for which Celery tries it again."""
        task = self._task
        if task.max_retries is not None and self._request.retries >= task.max_retries:
            return ()
        return tuple(getattr(task, "autoretry_for", ()))

    def _stopping(self, body: Callable[[], Any], begun: Begun) -> Any:
        try:
            if begun.cancel_requested:
                raise CancelRequested(self.place.ref.job_id)
            if self._is_given_up:
                self._outcome = WORKER_LOST
                raise Ignore("The processes that ran this task were lost each time.")
            result = run_body(self, body)
        except Retry as retry:
            self._retrying(retry)
            raise
        except Ignore:
            self._outcome = self._outcome or (UNKNOWN_FAULT if self.said_failed else COMPLETED)
            raise
        except Reject as reject:
            self._outcome = None if reject.requeue else REJECTED
            raise
        except CancelRequested as stop:
            self._outcome = CANCELLED
            raise Ignore(str(stop)) from None
        except WriteRefused as stop:
            raise Ignore(str(stop)) from None
        except Exception as error:
            self._outcome = failure(error)
            raise
        self._outcome = COMPLETED
        if self._task.returns_result and self.reporter is not None:
            self.reporter.result(result)
        faults.reach(faults.WORKED)
        return result

    def _retrying(self, retry: Retry) -> None:
        if not self.place.is_root or self.reporter is None:
            return
        in_seconds = seconds_until(retry)
        job_id, store = self.place.ref.job_id, self._in.store
        patiently(
            lambda: store.retrying(job_id, attempt=self.attempt, in_seconds=in_seconds),
            until=StoreUnavailable,
        )
        self.reporter.status(JobStatus.RETRYING, reason=retry_reason(retry, in_seconds))

    # -- its parts -------------------------------------------------------------------

    @property
    def task_name(self) -> str:
        """The name of its task."""
        return str(self._task.name)

    def is_of(self, app: Any) -> bool:
        """Whether its task belongs to an application."""
        return self._in.app is app

    def place_of(self, task_id: str, canvas: Canvas) -> Place:
        """The place of a task that the body sends, or that is sent because of its result."""
        return self._numbers.place_of(task_id, canvas)

    def sending(self, task_id: str, *, is_counted: bool) -> None:
        """Note that a message is about to be sent from the body, or because of its result."""
        if task_id == self.place.task_id:
            self.passed_on = True
        elif is_counted:
            self.has_sent = True
        if is_counted:
            self._announce(task_id)

    def fan_out(self, window: Window) -> None:
        """Open a window of parts; see `JobTask.fan_out`."""
        self.has_sent = True
        open_window(self._in, self.place, window, attempt=self.attempt)

    def _open_attempt(self) -> None:
        ref, task_id = self.place.ref, self.place.task_id
        with harmlessly():
            self._in.parts.open(ref, task_id, attempt=self.attempt)
            self._hold.note_attempt(self.attempt)

    def _announce(self, task_id: str) -> None:
        with harmlessly():
            self._in.parts.announce(self.place.ref, task_id, attempt=self.attempt)

    # -- after the body --------------------------------------------------------------

    def end(self, state: str | None) -> None:
        """End the part, and the job if it was the last, once Celery has sent what follows."""
        if state == states.FAILURE and self._outcome in (None, COMPLETED):
            self._outcome = UNKNOWN_FAULT
        ends_a_part = self._outcome is not None and not self.passed_on
        if self._outcome is not None and ends_a_part and not self.place.is_root and self.reporter:
            end = PartEndReport(self.place.part_name, time.time(), self._outcome.status)
            self.reporter.report(end)
        # Once this part has ended another may end the job, and the log takes no reports after that.
        if ends_a_part and not self._is_told() and not self._is_alone:
            threading.Thread(
                target=self._finish_late, args=(state,), name="progress-late-end", daemon=True
            ).start()
        else:
            self._finish(state)

    def _is_told(self) -> bool:
        return self.reporter is None or self.reporter.confirm()

    def _finish_late(self, state: str | None) -> None:
        """End the part in a thread, once its reports are sent: the worker takes its next task."""
        give_up_at = time.monotonic() + _LATE_SECONDS
        # Not `confirm`, which asks the log anew: a slow log would never be done answering.
        while (
            self.reporter is not None
            and not self.reporter.flush()
            and time.monotonic() < give_up_at
        ):
            time.sleep(_LATE_LOOK_SECONDS)
        with harmlessly():
            self._finish(state)

    def _finish(self, state: str | None) -> None:
        try:
            if self._outcome is not None and not self.passed_on:
                self._end_part(self._outcome)
            if state is not None:
                self._hold.release()
        finally:
            if self.reporter is not None:
                self.reporter.close()

    def _end_part(self, outcome: Settlement) -> None:
        standing = self._standing(None if outcome == COMPLETED else outcome)
        reporter = self.reporter
        if reporter is None:  # it did not come to its body: the reaper settles such a job
            standing = replace(standing, open=None)

        def say(truth: Settlement) -> None:
            if reporter is not None:
                tell(reporter, truth)

        go_on_after(self._in, self.place.ref, standing, tell=say)

    @property
    def _is_alone(self) -> bool:
        """Whether this task is all of its job."""
        return self.place.is_root and not self._continues and not self.has_sent

    def _standing(self, outcome: Settlement | None) -> Standing:
        ref, task_id = self.place.ref, self.place.task_id
        standing = Standing(self.attempt, None, outcome)
        with harmlessly():
            standing = self._in.parts.end(ref, task_id, attempt=self.attempt, outcome=outcome)
        if standing.open is not None:
            return standing
        # A job of one task is done without the book of parts. The reaper finds any other job that
        # nobody works on.
        return replace(standing, open=0 if self._is_alone else None)
