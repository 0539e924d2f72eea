"""Which executions run in this process: in a thread, and by the name of their task."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from .execution import Execution

#: The execution whose body runs here.
_running: ContextVar[Execution | None] = ContextVar("progress_running", default=None)
#: All executions whose bodies run in this process, for its threads.
_bodies: dict[int, Execution] = {}


def run_body(execution: Execution, body: Callable[[], Any]) -> Any:
    """The result of an execution's body, which is found meanwhile."""
    token = _running.set(execution)
    _bodies[id(execution)] = execution
    try:
        return body()
    finally:
        del _bodies[id(execution)]
        _running.reset(token)


def execution_here() -> Execution | None:
    """The execution whose body runs in this thread, or in the thread whose context it has."""
    return _running.get()


def executions_of(name: str) -> list[Execution]:
    """The executions of a task whose bodies run in this process, in whatever thread."""
    return [one for one in list(_bodies.values()) if one.task_name == name]


def execution_of(request: Any) -> Execution | None:
    """The execution that a request is of, if it is a job's."""
    return cast("Execution | None", getattr(request, "progress_execution", None))
