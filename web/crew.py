"""Crew: the processes of one `earmark up` under honcho's manager, each with its guard."""

from __future__ import annotations

import datetime as dt
import http.client
import multiprocessing
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from multiprocessing import connection
from pathlib import Path
from typing import Any

from honcho.manager import Manager
from honcho.printer import Message

from web.guard import StopStep, end_with_parent
from web.lifeline import Lifeline

_SPEAKER = "earmark"


@dataclass(frozen=True, slots=True)
class Command:
    """One process to run, and how its guard treats it."""

    name: str
    arguments: Sequence[str]
    _: KW_ONLY
    #: The signals that stop it, before SIGKILL.
    stop_steps: Sequence[StopStep]
    #: Whether it is the Redis that the others need: they start after it and end before it.
    is_redis: bool = False


class Crew(Manager):  # type: ignore[misc] # honcho has no types
    """Runs commands until one ends or a signal comes, then ends all: the Redis last.

    They end because the lifeline does: the guards watch it. honcho itself would have to know every
    process's id first, and fails on a Ctrl-C that comes before that.
    """

    def __init__(self, *, lifeline: Lifeline, folder: Path, environment: Mapping[str, str]) -> None:
        _fork_safely()
        super().__init__()
        self._printer.width = len(_SPEAKER)
        self._lifeline = lifeline
        self._folder = folder
        self._environment = dict(environment)
        self._when_started: Callable[[], None] | None = None
        #: The command that ended first, unasked, with its exit code.
        self.first_ended: tuple[str, int] | None = None

    def add(self, command: Command) -> None:
        """Add a command. It starts with `run`."""
        # The folder is the working directory: Celery and gunicorn import from there first, and
        # the folder `earmark up` is called in may hold somebody else's `tasks` or `web`.
        line = f"exec {shlex.join(self._guarded(command))}"
        self.add_process(command.name, line, env=self._environment, cwd=str(self._folder))

    def say(self, *lines: str) -> None:
        """Print lines among those of the commands."""
        for line in lines:
            message = Message("line", f"{line}\n", dt.datetime.now(), _SPEAKER, None)  # noqa: DTZ005 - as honcho's own
            self.events.put(message)

    def run(self, *, when_started: Callable[[], None]) -> None:
        """Run all commands to their end; ``when_started`` is called in a thread."""
        self._when_started = when_started
        self.loop()

    def terminate(self) -> None:
        """End all commands."""
        self.first_ended = self.first_ended or self._ended_unasked()
        self._terminating = True
        self._lifeline.release()

    def kill(self) -> None:
        """Nothing: the guards know how long each command may take, and they do kill."""

    def _start(self) -> None:
        super()._start()
        # A thread that ran before would be forked in the middle of its work.
        threading.Thread(target=self._when_started, daemon=True).start()
        threading.Thread(target=self._watch_helpers, daemon=True).start()

    def _watch_helpers(self) -> None:
        """Take a command as ended where honcho's helper for it was killed: it can say no more."""
        waiting = {known["process"].sentinel: known for known in self._processes.values()}
        while waiting:
            for sentinel in connection.wait(list(waiting)):
                known = waiting.pop(sentinel)
                helper = known["process"]
                helper.join()
                if helper.exitcode:
                    known.setdefault("pid", helper.pid)
                    known.setdefault("returncode", helper.exitcode)

    def _ended_unasked(self) -> tuple[str, int] | None:
        if self._terminating:
            return None
        ended = ((name, known.get("returncode")) for name, known in self._processes.items())
        return next(((name, code) for name, code in ended if code is not None), None)

    def _guarded(self, command: Command) -> list[str]:
        users = str(self._folder / "users.lock")
        options: list[Any] = ["--lifeline", self._folder / "up.lock"]
        for step in command.stop_steps:
            options += ["--stop", step.signum.name, step.seconds]
        options += ["--outlives", users] if command.is_redis else ["--uses", users, "--needs-redis"]
        # -P keeps the working directory out of the import path.
        start = [sys.executable, "-P", "-m", "web.guard"]
        return [*start, *map(str, options), "--", *command.arguments]


def answers(port: int) -> bool:
    """Whether a web server answers at ``port`` of this machine, with any status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("HEAD", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _fork_safely() -> None:
    """Have honcho's own helper processes be forks which the kernel kills with this process.

    They hold both ends of the pipe to the manager: without it they could wait in it for ever.
    """
    if sys.platform == "linux":
        multiprocessing.set_start_method("fork", force=True)
        os.register_at_fork(after_in_child=lambda: end_with_parent(by=signal.SIGKILL))
