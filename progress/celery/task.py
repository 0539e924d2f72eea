"""The base class of tasks that are jobs, or parts of one."""

from __future__ import annotations

from typing import Any, Self, cast

from celery import Task, states
from celery.canvas import Signature
from celery.exceptions import SoftTimeLimitExceeded

from ..errors import JobFailure, ProgressError
from ..reporting.reporter import JobReporter
from .fanout import default_window, window_of
from .meta import read_meta
from .request import request_class
from .running import execution_here, execution_of
from .work import reporter_in_batch, reporter_of, request_of, with_class_of_app, wrap_run


class JobTask(Task):  # type: ignore[misc] # Celery is untyped
    """The base class of tasks that are jobs, or parts of one.

    The first task sent is the job; the tasks that it sends, and those that come after it in a
    chain or a chord, are its parts and report to it. The job is completed when all of them
    are done, failed when one of them raised, retrying while it is to be tried again.
    """

    abstract = True
    #: Expected: the worker notes them in a line, without a traceback.
    throws = (JobFailure,)
    #: Whether what it returns is the job's result, which its owner sees.
    returns_result = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        wrap_run(cls)

    def __new__(cls, *_args: Any, **_options: Any) -> Self:
        """A task, of its application's own task class as well."""
        return cast("Self", super().__new__(with_class_of_app(cls)))

    @property
    def Request(self) -> type[Any]:  # noqa: N802 # Celery's name
        """The class of the worker's requests for this task."""
        return request_class(super().Request)

    @property
    def job(self) -> JobReporter:
        """The reporter of the job this task belongs to.

        In a thread or a forked process that the task has started it is the same job's. Where the
        task is called as a plain function it takes whatever is said, and tells nobody.
        """
        return reporter_of(self)

    def job_of(self, request: Any) -> JobReporter:
        """The reporter of one request of a batch, where celery-batches calls the task with several.

        `job` reports to all of them there.
        """
        return reporter_in_batch(self, request.id)

    def fan_out(
        self,
        part: Signature,
        *,
        parts: int,
        then: Signature | None = None,
        window: int | None = None,
    ) -> None:
        """Have the rest of the job done in numbered parts, of which a few are in the queue.

        Each part is called with its number before its own arguments, and whoever ends one sends
        the one a window later. What number n is to do is for the application to know, best
        from its database: it must be the same whenever it is asked, since a part whose process is
        lost runs again. Once in an attempt.

        Args:
            part: The task of a part, with what all parts have in common: ``work.s(…)``.
            parts: How many there are, numbered from 0.
            then: Follows when all parts have succeeded. The job is done when it is.
            window: How many parts are open at a time, in the queue or under way. Twice as many
                as there are processes keeps all of them busy; more make other jobs wait. By
                default twice as many as this machine has processors, and at least 8.

        Raises:
            ProgressError: an argument cannot be right, or the attempt has fanned out already.
            LogUnavailable: the log's server has been gone for a while.
        """
        execution = execution_of(request_of(self))
        if execution is None:
            raise ProgressError(
                "There is no job here: call progress.celery.install(app, log) first, and use "
                "self.fan_out only inside the task."
            )
        # In eager mode each part runs where it is sent; one inside of the other would go deep.
        size = default_window() if window is None else window
        size = max(size, parts) if self.request.is_eager else size
        execution.fan_out(window_of(part, parts=parts, size=size, then=then))

    def update_state(
        self,
        task_id: str | None = None,
        state: str | None = None,
        meta: Any = None,
        **kwargs: Any,
    ) -> None:
        """As Celery's own; numbers and words in `meta` show as live progress besides."""
        execution = execution_of(request_of(self)) or execution_here()
        if execution is not None and task_id in (None, execution.place.task_id):
            execution.said_failed = state == states.FAILURE
            if execution.reporter is not None:
                _report_meta(execution.reporter, meta)
        super().update_state(task_id=task_id, state=state, meta=meta, **kwargs)


def _report_meta(reporter: JobReporter, meta: object) -> None:
    """Report what a task tells Celery by ``update_state``."""
    try:
        said = read_meta(meta)
    except SoftTimeLimitExceeded:
        raise
    except Exception:
        # A mapping of the task's own may raise anything. Celery stores it, or fails the task.
        return
    if said.done is not None:
        reporter.counts(said.done, said.total)
    if said.note is not None:
        reporter.note(said.note)
