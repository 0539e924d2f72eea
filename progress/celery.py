"""Celery's tasks as jobs. The only module that imports celery.

`install` once, where the application is made; then a task whose base is `JobTask` shows live
progress: its status by itself, its counts through ``self.job`` or plain `update_state`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, cast

from celery import Celery, Task, current_task, signals
from celery.exceptions import (
    Ignore,
    Reject,
    Retry,
    SoftTimeLimitExceeded,
    TimeLimitExceeded,
    WorkerLostError,
)

from .errors import CancelRequested, JobFailure, ProgressError, WriteRefused
from .events import JobStatus
from .lifecycle import Begun, JobStore, NoStore, Settlement
from .log import JobRef, Log
from .reporter import JobReporter, Repair

logger = logging.getLogger(__name__)

#: The message header that says whose job a task belongs to, and in which attempt.
HEADER = "progress"

_COMPLETED = Settlement(JobStatus.COMPLETED)
_CANCELLED = Settlement(JobStatus.CANCELLED)
_UNKNOWN_FAULT = Settlement(
    JobStatus.FAILED, "Something went wrong. It is not your fault; try again.", "internal_error"
)
_TIME_LIMIT = Settlement(JobStatus.FAILED, "This took longer than it may.", "time_limit")
_WORKER_LOST = Settlement(
    JobStatus.FAILED, "The process that did this work was lost. Try again.", "worker_lost"
)


@dataclass(frozen=True, slots=True)
class Installation:
    """What `install` set up for one Celery application."""

    log: Log
    store: JobStore
    account: Callable[[], str]
    repair: Callable[[JobRef], Repair | None]


def install(
    app: Celery,
    log: Log,
    *,
    store: JobStore | None = None,
    account: Callable[[], str] = lambda: "everyone",
    repair: Callable[[JobRef], Repair | None] = lambda _: None,
) -> Installation:
    """Give an application live progress. Once; a second call replaces the first.

    Args:
        app: Every task of it whose base is `JobTask` is a job, or part of one.
        log: Where the events go.
        store: The rows that are the truth about statuses; by default there are none.
        account: Whose job it is that is being sent, asked in the process that sends it.
        repair: The items of a job as the database knows them, for a log that was lost.

    """
    installation = Installation(log, store or NoStore(), account, repair)
    app.progress_installation = installation
    # Celery holds receivers weakly and asks them in every process: named, so once each.
    for signal, receiver in (
        (signals.before_task_publish, _on_publish),
        (signals.task_failure, _on_failure),
        (signals.task_revoked, _on_revoked),
    ):
        signal.connect(receiver, weak=False, dispatch_uid=f"progress.{receiver.__name__}")
    return installation


def _installation(app: Celery) -> Installation | None:
    return cast("Installation | None", getattr(app, "progress_installation", None))


@dataclass(frozen=True, slots=True)
class Place:
    """What a message says of the job that its task belongs to."""

    ref: JobRef
    #: The attempt the sender was in; 0 for a job that is sent for the first time.
    attempt: int

    @classmethod
    def of(cls, request: Any) -> Place:
        """The place of a task, from its request."""
        said = request.get(HEADER) or (request.headers or {}).get(HEADER) or {}
        job_id = said.get("jobId") or request.root_id or request.id
        return cls(JobRef(said.get("account", "everyone"), job_id), int(said.get("attempt", 0)))

    def header(self) -> dict[str, object]:
        """The header for the tasks that this one sends."""
        return {"account": self.ref.account, "jobId": self.ref.job_id, "attempt": self.attempt}


class JobTask(Task):  # type: ignore[misc] # Celery is untyped
    """The base class of tasks that are jobs, or parts of one.

    The task whose id is the job's own settles the job: completed when it returns, failed when
    it raises, retrying when it is to be tried again. The tasks it sends (a chord's chunks)
    report to the same job and settle nothing; one that it is replaced by takes its place.
    """

    abstract = True
    #: Expected: the worker notes them in a line, without a traceback.
    throws = (JobFailure,)

    @property
    def job(self) -> JobReporter:
        """The reporter of the job this task belongs to.

        Raises:
            ProgressError: `install` was not called, or no task is running.
        """
        reporter = getattr(self.request, "progress_reporter", None)
        if reporter is None:
            raise ProgressError(
                "There is no job here: call progress.celery.install(app, log) first, and use "
                "self.job only inside the task."
            )
        return cast("JobReporter", reporter)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task and settle its job by what comes of it."""
        installation = _installation(self.app)
        if installation is None or self.request.id is None:
            return super().__call__(*args, **kwargs)
        return _Execution(self, installation).run(lambda: self.run(*args, **kwargs))

    def update_state(
        self,
        task_id: str | None = None,
        state: str | None = None,
        meta: Any = None,
        **kwargs: Any,
    ) -> None:
        """As Celery's own; counts in `meta` show as live progress besides."""
        reporter = getattr(self.request, "progress_reporter", None)
        if reporter is not None and task_id in (None, self.request.id):
            with suppress(Exception):
                _report_meta(reporter, meta)
        super().update_state(task_id=task_id, state=state, meta=meta, **kwargs)


def _report_meta(reporter: JobReporter, meta: Any) -> None:
    """The shapes of Celery's docs, Flask's example and celery-progress: current and total."""
    if not isinstance(meta, Mapping):
        return
    current, total = meta.get("current"), meta.get("total")
    if isinstance(current, (int, float)) and not isinstance(current, bool):
        known = isinstance(total, (int, float)) and total > 0
        reporter.counts(int(current), int(total or 0) if known else None)


class _Execution:
    """One execution of one task, from its beginning to what becomes of its job."""

    def __init__(self, task: JobTask, installation: Installation) -> None:
        self._task = task
        self._installation = installation
        self._place = Place.of(task.request)
        self._owns = task.request.id == self._place.ref.job_id

    def run(self, body: Callable[[], Any]) -> Any:
        begun = self._begin()
        ref = self._place.ref
        self._task.request.progress_place = Place(ref, begun.attempt)
        with JobReporter(
            self._installation.log,
            ref,
            attempt=begun.attempt,
            repair=self._installation.repair(ref),
        ) as reporter:
            if begun.ended is not None:
                # A message that came again: the end may have been written and never told.
                tell(reporter, begun.ended)
                raise Ignore("The job is over already.")
            self._task.request.progress_reporter = reporter
            if self._owns and not self._continues:
                reporter.status(JobStatus.RUNNING)
            return self._settled(body, reporter, cancelled=begun.cancel_requested)

    @property
    def _continues(self) -> bool:
        return self._place.attempt > 0

    def _begin(self) -> Begun:
        if not self._owns:
            return Begun(max(1, self._place.attempt))
        job_id = self._place.ref.job_id
        begun = self._installation.store.begin(job_id, continues=self._continues)
        if begun.attempt > 0:
            return begun
        retries = int(self._task.request.retries)
        return replace(begun, attempt=max(self._place.attempt, retries + 1))

    def _settled(self, body: Callable[[], Any], reporter: JobReporter, *, cancelled: bool) -> Any:
        try:
            if cancelled:
                raise CancelRequested(reporter.ref.job_id)
            result = body()
        except Retry as retry:
            self._retrying(retry, reporter)
            raise
        except (Ignore, Reject):
            raise
        except (CancelRequested, WriteRefused) as stop:
            return self._stopped(stop, reporter)
        except Exception as error:
            self._settle(_failure(error), reporter)
            raise
        self._settle(_COMPLETED, reporter)
        return result

    def _stopped(self, stop: ProgressError, reporter: JobReporter) -> None:
        if not self._owns:
            return  # what waits for the parts of a job must not wait for ever
        if isinstance(stop, CancelRequested):
            self._settle(_CANCELLED, reporter)
        raise Ignore(str(stop)) from None

    def _retrying(self, retry: Retry, reporter: JobReporter) -> None:
        if self._owns:
            job_id = reporter.ref.job_id
            self._installation.store.retrying(job_id, attempt=reporter.attempt)
            reporter.status(JobStatus.RETRYING, reason=_retry_reason(retry))

    def _settle(self, settlement: Settlement, reporter: JobReporter) -> None:
        if self._owns:
            settle(self._installation, reporter, settlement)


def settle(installation: Installation, reporter: JobReporter, settlement: Settlement) -> None:
    """End a job: in the database first, then in the log, as the database then has it."""
    ref = reporter.ref
    truth = installation.store.finish(ref.job_id, attempt=reporter.attempt, settlement=settlement)
    if truth is not None:
        tell(reporter, truth)


def tell(reporter: JobReporter, truth: Settlement) -> None:
    """Say in the log how a job has ended."""
    if truth.status is JobStatus.FAILED and truth.message:
        reporter.error(truth.message, code=truth.code or "failed")
    reporter.status(truth.status, reason=truth.message)


def _failure(error: Exception) -> Settlement:
    if isinstance(error, JobFailure):
        return Settlement(JobStatus.FAILED, error.message, error.code)
    if isinstance(error, SoftTimeLimitExceeded):
        return _TIME_LIMIT
    # The text of any other exception may hold arguments and paths: it is for the log of the
    # worker, where Celery writes it, and not for the person.
    return _UNKNOWN_FAULT


def _retry_reason(retry: Retry) -> str:
    when = retry.humanize() if retry.when is not None else "soon"
    return f"A passing fault. Trying again {when}."


# -- signals: what happens outside of a task's own code ---------------------------------------


def _on_publish(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Say in every message whose job its task belongs to."""
    if headers is None or HEADER in headers:
        return
    sender = current_task
    place = getattr(sender.request, "progress_place", None) if sender else None
    if place is not None:
        headers[HEADER] = place.header()


def _on_failure(
    sender: Any = None, task_id: str | None = None, exception: Any = None, **_: Any
) -> None:
    """A task whose process was lost or killed: told by the worker's main process."""
    if isinstance(exception, TimeLimitExceeded):
        _settle_elsewhere(sender, task_id, _TIME_LIMIT)
    elif isinstance(exception, WorkerLostError):
        _settle_elsewhere(sender, task_id, _WORKER_LOST)


def _on_revoked(sender: Any = None, request: Any = None, **_: Any) -> None:
    """A task that was revoked: told by the worker's main process."""
    _settle_elsewhere(sender, getattr(request, "id", None), _CANCELLED, request)


def _settle_elsewhere(
    task: Any, task_id: str | None, settlement: Settlement, request: Any = None
) -> None:
    installation = _installation(task.app) if isinstance(task, JobTask) else None
    if installation is None or task_id is None:
        return
    # Beside the worker's main loop: that must not wait for a database or a log.
    threading.Thread(
        target=_settle_now,
        args=(installation, _ref_of(request, task_id), settlement),
        name="progress-settle",
        daemon=True,
    ).start()


def _ref_of(request: Any, task_id: str) -> JobRef:
    headers = getattr(request, "request_dict", None) or getattr(request, "headers", None) or {}
    said = headers.get(HEADER) or {}
    return JobRef(said.get("account", "everyone"), said.get("jobId", task_id))


def _settle_now(installation: Installation, ref: JobRef, settlement: Settlement) -> None:
    try:
        known = installation.log.snapshot(ref)
        attempt = known[0].attempt if known is not None else 1  # type: ignore[union-attr]
        with JobReporter(installation.log, ref, attempt=attempt) as reporter:
            settle(installation, reporter, settlement)
    except Exception:
        logger.exception(
            "The end of job %s could not be told.", ref.job_id, extra={"action": "settle_failed"}
        )
