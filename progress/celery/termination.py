"""Only its worker ends a prefork child that runs a task, and no signal that is sent to all.

Managers of processes send SIGTERM to whole process groups, or to every process of a machine. The
worker's main process then lets its tasks come to their end; a child that ended as well would cut
its task in two. So a child ignores SIGTERM while it runs a task. Where Celery has the worker end a
child by SIGTERM, the worker sends a second signal.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

#: Billiard's children answer it as they do SIGTERM: the task is left by SystemExit, so that what it
#: has open is closed.
_MEANT = signal.SIGQUIT
#: A child that runs on after that is stuck, and is killed.
_KILL_SECONDS = 1.0


class _Deafness:
    """A child's answer to SIGTERM: none while it runs a task."""

    def __init__(self) -> None:
        self._pid = 0
        self._depth = 0
        self._before: Any = None

    def arm(self) -> None:
        """Set the handler of SIGTERM, in a child of a prefork worker."""
        self._pid = os.getpid()

    def begin(self) -> None:
        """Ignore SIGTERM from now on: a task begins, perhaps inside of another."""
        if not self._is_mine():
            return
        if self._depth == 0:
            # A handler and not SIG_IGN, which the programs that a task starts would inherit.
            self._before = signal.signal(signal.SIGTERM, self._hear)
        self._depth += 1

    def end(self) -> None:
        """Heed SIGTERM again when the outermost task is over."""
        if not self._is_mine() or self._depth == 0:
            return
        self._depth -= 1
        if self._depth == 0:
            signal.signal(signal.SIGTERM, self._before or signal.SIG_DFL)

    def _is_mine(self) -> bool:
        in_main_thread = threading.current_thread() is threading.main_thread()
        return self._pid == os.getpid() and in_main_thread

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        if self._pid == os.getpid():
            return
        # A process that the task forked: nobody else speaks for it.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)


deafness = _Deafness()


def insist(pool: Any) -> None:
    """Have the children of a prefork pool ended when Celery means to end one, or all.

    That is a revoke by force, a connection that was lost and a cold shutdown, which waits until
    all are gone; the hard time limit kills by itself.
    """
    terminate_one, terminate_all = pool.terminate_job, pool.on_terminate

    def terminate_job(pid: int, number: int | None = None) -> None:
        terminate_one(pid, number)
        if number in (None, signal.SIGTERM):
            _end([process for process in _processes(pool) if process.pid == pid])

    def on_terminate() -> None:
        _end(_processes(pool))
        terminate_all()

    pool.terminate_job, pool.on_terminate = terminate_job, on_terminate


def _processes(pool: Any) -> list[Any]:
    # Celery tells their ids alone, of which one may be another process's a second later.
    billiards = pool._pool  # noqa: SLF001
    return [] if billiards is None else list(billiards._pool)  # noqa: SLF001


def _end(processes: Sequence[Any]) -> None:
    for process in processes:
        _send(process, _MEANT)
    threading.Thread(target=_kill, args=(processes,), name="progress-kill", daemon=True).start()


def _kill(processes: Sequence[Any]) -> None:
    time.sleep(_KILL_SECONDS)
    for process in processes:
        _send(process, signal.SIGKILL)


def _send(process: Any, number: signal.Signals) -> None:
    # One whose end its pool has taken note of may have left its id to another.
    if process._popen is not None and process._popen.returncode is None:  # noqa: SLF001
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)
