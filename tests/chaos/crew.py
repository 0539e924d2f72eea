"""Real Celery workers that can be killed, stopped and started again, each in any way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

READY_SECONDS = 40
_HEAD = [sys.executable, "-m", "celery", "-A", "tests.chaos.application"]


@dataclass
class Crew:
    """Some prefork workers and a clock, all of one application."""

    folder: Path
    environment: Mapping[str, str]
    size: int = 2
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    clock: subprocess.Popen[bytes] | None = None
    _started: int = 0
    _groups: list[int] = field(default_factory=list)

    def start(self) -> None:
        """Have as many workers as there should be, all ready, and a clock."""
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        missing = [self._start_worker() for _ in range(self.size - len(self.workers))]
        if self.clock is None or self.clock.poll() is not None:
            schedule = self.folder / "schedule"
            self.clock = self._start("clock", ["beat", "--schedule", str(schedule)], {})
        for worker in missing:
            self._wait_until_ready(worker)

    def add(self, count: int = 1, **environment: str) -> None:
        """More workers, with an environment of their own."""
        for worker in [self._start_worker(environment) for _ in range(count)]:
            self._wait_until_ready(worker)

    def stop(self) -> None:
        """Leave nothing running."""
        for group in self._groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        for process in (*self.workers, *([self.clock] if self.clock else [])):
            process.wait()

    def signal_all(self, number: signal.Signals, *, seconds: float = 20) -> None:
        """Send a signal to every worker's main process, and wait until they are gone."""
        for worker in self.workers:
            worker.send_signal(number)
        for worker in self.workers:
            worker.wait(seconds)
        self.workers.clear()

    def kill_parent(self, worker: subprocess.Popen[bytes]) -> None:
        """Kill a worker's main process only; its children are left to notice."""
        worker.kill()
        worker.wait()
        self.workers.remove(worker)

    def children(self) -> list[int]:
        """The processes that run tasks."""
        parents = {worker.pid for worker in self.workers}
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError, ValueError, IndexError):
                stat = (entry / "stat").read_text()
                if int(stat.rsplit(")", 1)[1].split()[1]) in parents:
                    found.append(int(entry.name))
        return found

    def orphans(self) -> list[int]:
        """Processes of workers that are gone."""
        alive = {worker.pid for worker in self.workers}
        gone = [group for group in self._groups if group not in alive and not self._is_clock(group)]
        return [group for group in gone if _has_processes(group)]

    def _is_clock(self, group: int) -> bool:
        return self.clock is not None and self.clock.pid == group

    def _start_worker(
        self, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        self._started += 1
        name = f"worker{self._started}"
        arguments = ["worker", "--concurrency=2", "--loglevel=INFO", "-n", f"{name}@chaos"]
        worker = self._start(name, arguments, environment or {})
        self.workers.append(worker)
        return worker

    def _start(
        self, name: str, arguments: list[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.txt").open("ab") as output:
            process = subprocess.Popen(
                [*_HEAD, *arguments],
                env=os.environ | dict(self.environment) | dict(environment),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process.output = self.folder / f"{name}.txt"  # type: ignore[attr-defined]
        self._groups.append(process.pid)
        return process

    def _wait_until_ready(self, worker: subprocess.Popen[bytes]) -> None:
        output: Path = worker.output  # type: ignore[attr-defined]
        deadline = time.monotonic() + READY_SECONDS
        while b" ready." not in output.read_bytes():
            # One that was told to crash may do so before it says that it is ready.
            if worker.poll() is not None:
                return
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.05)


def _has_processes(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
