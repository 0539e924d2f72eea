"""The base class of tasks that are jobs, or parts of one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

from celery import Task

from ..errors import JobFailure, ProgressError
from ..reporting.reporter import JobReporter
from .execution import Execution
from .installation import installation_of


class JobTask(Task):  # type: ignore[misc] # Celery is untyped
    """The base class of tasks that are jobs, or parts of one.

    The first task sent is the job; the tasks that it sends, and those that come after it in a
    chain or a chord, are its parts and report to it. The job is completed when all of them
    are done, failed when one of them raised, retrying while it is to be tried again.
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
        execution = execution_of(self.request)
        if execution is None or execution.reporter is None:
            raise ProgressError(
                "There is no job here: call progress.celery.install(app, log) first, and use "
                "self.job only inside the task."
            )
        return execution.reporter

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task as one execution of its part of a job."""
        installation = installation_of(self.app)
        if installation is None or self.request.id is None:
            return super().__call__(*args, **kwargs)
        execution = self.request.progress_execution = Execution(self, installation)
        return execution.run(lambda: self.run(*args, **kwargs))

    def update_state(
        self,
        task_id: str | None = None,
        state: str | None = None,
        meta: Any = None,
        **kwargs: Any,
    ) -> None:
        """As Celery's own; counts in `meta` show as live progress besides."""
        execution = execution_of(self.request)
        if execution is not None and execution.reporter and task_id in (None, self.request.id):
            with suppress(Exception):
                _report_meta(execution.reporter, meta)
        super().update_state(task_id=task_id, state=state, meta=meta, **kwargs)


def execution_of(request: Any) -> Execution | None:
    """The execution that a request is of, if it is a job's."""
    return cast("Execution | None", getattr(request, "progress_execution", None))


def _report_meta(reporter: JobReporter, meta: Any) -> None:
    """The shapes of Celery's docs, Flask's example and celery-progress: current and total."""
    if not isinstance(meta, Mapping):
        return
    current, total = meta.get("current"), meta.get("total")
    if isinstance(current, (int, float)) and not isinstance(current, bool):
        known = isinstance(total, (int, float)) and total > 0
        reporter.counts(int(current), int(total or 0) if known else None)
