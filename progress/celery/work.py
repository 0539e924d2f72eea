"""The `run` of a job's task, which makes each call by Celery one execution of a part of a job.

Everything hangs on `run` and not on ``__call__``: Flask's documented task class, celery-once and
many others override ``__call__`` and call ``self.run`` themselves.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from multiprocessing import parent_process
from typing import Any

from celery import Task
from celery._state import _task_stack
from celery.utils.imports import symbol_by_name

from ..reporting.quiet import QuietReporter
from ..reporting.reporter import JobReporter
from .batches import batch_in
from .execution import Execution
from .installation import installation_of
from .running import execution_here, execution_of, executions_of

logger = logging.getLogger(__name__)

#: The reporter of a task that is called as a plain function.
_quiet: ContextVar[QuietReporter | None] = ContextVar("progress_quiet", default=None)
_said: set[tuple[str, str]] = set()


class Work:
    """The `run` of a class of tasks.

    It takes what is set on a task as well as what a class says, since ``autoretry_for`` and some
    monitoring tools set ``task.run`` to a function around the one that they found there. That
    function stays inside of the execution, so that its `Retry` is seen as one.
    """

    def __init__(self, body: Any) -> None:
        #: The `run` of the class: a function, or a static method of a task that is not bound.
        self._body = body

    def __get__(self, task: Any, owner: Any = None) -> Any:
        body = self._body
        if task is None:
            return body.__get__(None, owner) if hasattr(body, "__get__") else body
        work: Callable[..., Any] = body.__get__(task, owner) if hasattr(body, "__get__") else body
        # A call of ``super().run`` asks for a parent's own, and not for what was set.
        if inspect.getattr_static(type(task), "run") is self:
            work = vars(task).get("run", work)

        @wraps(work)
        def run(*args: Any, **kwargs: Any) -> Any:
            return _perform(task, lambda: work(*args, **kwargs))

        return run

    def __set__(self, task: Any, work: Callable[..., Any]) -> None:
        vars(task)["run"] = work

    def __delete__(self, task: Any) -> None:
        vars(task).pop("run", None)


def wrap_run(cls: type) -> None:
    """Have a class's `run` be `Work`, wherever in its ancestry it comes from."""
    body = inspect.getattr_static(cls, "run")
    if not isinstance(body, Work):
        cls.run = Work(body)  # type: ignore[attr-defined] # every task has one


def with_class_of_app(cls: type[Any]) -> type[Any]:
    """A task's class with its application's own among its ancestors, which ``base=`` leaves out.

    That one may push an application context around each task, as Flask's documented one does.
    """
    app = vars(cls).get("app")  # the decorator says it
    if app is None:
        return cls
    own = symbol_by_name(app.task_cls)
    if issubclass(cls, own) or not issubclass(own, Task):
        return cls
    said = {name: getattr(cls, name) for name in ("__module__", "__doc__", "__qualname__")}
    return type(cls.__name__, (cls, own), {**said, "app": app})


def request_of(task: Any) -> Any:
    """The request of the execution that a task is in; None where nobody sent it."""
    return next((request for request in _requests(task) if request.id is not None), None)


def _requests(task: Any) -> list[Any]:
    """The requests of a task in this thread, the innermost first."""
    stack = task.request_stack
    return [] if stack is None else list(reversed(stack.stack or ()))


def current_request() -> Any:
    """The request of the innermost task of this thread that somebody sent; None outside of one."""
    requests = map(request_of, reversed(_task_stack.stack or ()))
    return next((request for request in requests if request is not None), None)


def reporter_of(task: Any) -> JobReporter:
    """The reporter of the job that a task is at in this thread; a quiet one where there is none."""
    request = request_of(task)
    batch = batch_in(_requests(task)) if request is None else None
    if batch is not None:
        return batch.all
    execution = execution_of(request) if request is not None else execution_here()
    if execution is None and not _requests(task):
        execution = _of_other_thread(task)
    if execution is not None and execution.reporter is not None:
        return execution.reporter
    if request is not None:
        _say_once(task, "runs without a job. Call progress.celery.install(app, log) first.")
    elif parent_process() is not None:
        _say_once(task, "is in a process that knows no job: fork it, or report from its parent.")
    return _quiet.get() or QuietReporter()


def reporter_in_batch(task: Any, request_id: str) -> JobReporter:
    """The reporter of one request of a batch; the task's own where it is in no batch."""
    batch = batch_in(_requests(task))
    found = batch.of(request_id) if batch is not None else None
    return found or reporter_of(task)


def _of_other_thread(task: Any) -> Execution | None:
    found = executions_of(task.name)
    if len(found) > 1:
        _say_once(
            task,
            "is asked for its job in a thread, and runs more than once at this moment. Have the "
            "task say `job = self.job` and the thread use that.",
        )
    return found[0] if len(found) == 1 else None


def _say_once(task: Any, what: str) -> None:
    if (task.name, what) not in _said:
        _said.add((task.name, what))
        logger.warning("Task %s %s", task.name, what, extra={"action": "no_job"})


def _quietly(work: Callable[[], Any]) -> Any:
    token = _quiet.set(_quiet.get() or QuietReporter())
    try:
        return work()
    finally:
        _quiet.reset(token)


def _perform(task: Any, work: Callable[[], Any]) -> Any:
    installation, request = installation_of(task.app), request_of(task)
    if installation is None or request is None:
        return _quietly(work)
    # What is under way already is called by a base, by autoretry, or by the task itself.
    if execution_of(request) is not None:
        return work()
    execution = Execution(task, installation, request)
    # ``super().__call__`` goes on with a copy of the request that Celery knows.
    for copied in _requests(task):
        if copied.id != request.id or execution_of(copied) is not None:
            break
        copied.progress_execution = execution
    return execution.run(work)
