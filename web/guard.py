"""Guard: runs one command for `earmark up` and ends it, and all it started, when `up` ends.

``python -m web.guard --lifeline FILE -- COMMAND …`` runs between honcho and the command, because
honcho signals whole process groups (a Celery worker's children would die before they finish their
song), waits five seconds at most, and is gone without a word when it is killed itself.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from web import valkey
from web.lifeline import Lifeline

_POLL_SECONDS = 0.05
#: The longest a server waits for its users to end before it ends itself.
_USERS_SECONDS = 20
_PR_SET_PDEATHSIG = 1
_STOPPING = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM)
# Loaded here, not between fork and exec.
_LIBC = ctypes.CDLL(None)


class Wake(Enum):
    """Why a guard stops waiting."""

    STOP = "asked to stop"
    ENDED = "the command ended"


@dataclass(frozen=True, slots=True)
class StopStep:
    """A signal for the command, and how long it may take to end from then on."""

    signum: signal.Signals
    seconds: float


class Guard:
    """One command and its process group.

    Stopping it is one step after the other, for the command alone, and then SIGKILL for its group.
    """

    def __init__(self, command: Sequence[str], *, stop_steps: Sequence[StopStep]) -> None:
        self._command = command
        self._stop_steps = stop_steps
        # put() of a SimpleQueue may be called from a signal handler, set() of an Event may not.
        self._wakes: SimpleQueue[Wake] = SimpleQueue()

    def stop(self) -> None:
        """Ask for the end. May be called from a signal handler or any thread, before `run` too."""
        self._wakes.put(Wake.STOP)

    def wait_until(self, is_ready: Callable[[], bool]) -> bool:
        """Wait for ``is_ready``. False: asked to stop before that."""
        while not is_ready():
            with contextlib.suppress(Empty):
                self._wakes.get(timeout=_POLL_SECONDS)
                return False
        return True

    def run(self, *, before_stop: Callable[[], None]) -> int:
        """Run the command to its end or until asked to stop, and return its exit code.

        ``before_stop`` is called when asked to stop, and the command is stopped once it returns.
        """
        child = subprocess.Popen(  # noqa: S603 - the command is `up`'s own
            self._command,
            process_group=0,
            preexec_fn=_begin,  # noqa: PLW1509 - the other thread sleeps in the kernel
        )
        threading.Thread(target=self._watch, args=(child,), daemon=True).start()
        if self._wakes.get() is Wake.STOP:
            before_stop()
            self._end(child)
        _kill_group(child.pid)
        code = child.wait()
        return code if code >= 0 else 128 - code

    def _watch(self, child: subprocess.Popen[bytes]) -> None:
        child.wait()
        self._wakes.put(Wake.ENDED)

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        for step in self._stop_steps:
            child.send_signal(step.signum)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=step.seconds)
                return
        seconds = sum(step.seconds for step in self._stop_steps)
        # Nobody may be left to read it.
        with contextlib.suppress(OSError):
            print(f"did not stop within {seconds:g} s and was killed", flush=True)  # noqa: T201


def end_with_parent(*, by: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel send this process ``by`` when its parent ends. Linux only, else nothing."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, by)


def _begin() -> None:
    """What the child does before it becomes the command."""
    end_with_parent()
    # A background job of a shell, or nohup's, inherits signals that are ignored, and hands that on.
    # A command that sets no handler of its own could then be stopped by SIGKILL alone.
    for signum in _STOPPING:
        signal.signal(signum, signal.SIG_DFL)


def _kill_group(group: int) -> None:
    # macOS answers EPERM for a group of which only the dead are left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m web.guard", description=__doc__)
    add = parser.add_argument
    add("--lifeline", type=Path, required=True, help="stop when this file is no longer locked")
    add(
        "--stop",
        nargs=2,
        action="append",
        required=True,
        metavar=("SIGNAL", "SECONDS"),
        help="how to stop the command: a signal and the time for it, again for the next step",
    )
    add("--uses", type=Path, help="hold this file's lock as one of its users")
    add("--outlives", type=Path, help="when stopping, wait for this file's users first")
    add("--needs-redis", action="store_true", help="start when REDIS_URL answers")
    add("command", nargs="+")
    return parser.parse_args(arguments)


def _stop_steps(pairs: Sequence[tuple[str, str]]) -> list[StopStep]:
    return [StopStep(signal.Signals[name], float(seconds)) for name, seconds in pairs]


def _watch_lifeline(lifeline: Lifeline, guard: Guard) -> None:
    lifeline.share()
    guard.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Guard the command of ``arguments``, and return its exit code."""
    options = _arguments(arguments)
    guard = Guard(options.command, stop_steps=_stop_steps(options.stop))
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: guard.stop())
    lifeline = Lifeline(options.lifeline)
    threading.Thread(target=_watch_lifeline, args=(lifeline, guard), daemon=True).start()
    if options.uses:
        Lifeline(options.uses).share()
    if options.needs_redis:
        # As `up` gives it. To read all settings would load the database's library in each guard.
        url = os.environ["REDIS_URL"]
        if not guard.wait_until(lambda: valkey.answers(url)):
            return 0
    return guard.run(before_stop=partial(_wait_for_users, options.outlives))


def _wait_for_users(path: Path | None) -> None:
    if path is not None:
        Lifeline(path).wait_until_unshared(timeout_seconds=_USERS_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
