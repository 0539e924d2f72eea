"""A local process with the face of a container, for pytest-celery's nodes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil

READY_SECONDS = 30
STOP_SECONDS = 10
#: Tells a shell beside a process which process group that is.
GROUP = "NODE_GROUP"


@dataclass
class LocalProcess:
    """One process and its children, as docker's client shows a container.

    As there, SIGKILL ends all of it, any other signal is for the first process alone, and what
    was written is kept over restarts.
    """

    name: str
    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    #: What it writes once it can be used.
    ready_prompt: str
    #: Where it is reached, for who asks as if in a network of containers.
    hostname: str = "localhost"
    id: str = field(default_factory=lambda: uuid4().hex)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def status(self) -> str:
        if self._process is None:
            return "created"
        return "running" if self._process.poll() is None else "exited"

    @property
    def attrs(self) -> dict[str, Any]:
        """No networks and no ports of its own: it listens where the machine does."""
        return {
            "Config": {"Hostname": self.hostname, "Env": []},
            "NetworkSettings": {"Networks": {}, "Ports": {}},
            "HostConfig": {"PortBindings": {}},
        }

    def reload(self) -> None:
        """What is told here is always of this moment."""

    def logs(self) -> bytes:
        return self._output.read_bytes() if self._output.exists() else b""

    def start(self) -> None:
        """Start it, and wait until it can be used."""
        written = len(self.logs())
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_SECONDS
        while self.ready_prompt.encode() not in self.logs()[written:]:
            if self.status != "running" or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start: {self.logs().decode()}")
            time.sleep(0.02)

    def kill(self, number: str | int | None = None) -> None:
        """Send a signal; by SIGKILL, which is the default, nothing of it is left."""
        assert self._process is not None
        sent = number if isinstance(number, int) else signal.Signals[number or "SIGKILL"]
        if sent != signal.SIGKILL:
            self._process.send_signal(sent)
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        psutil.wait_procs(self.processes(), timeout=STOP_SECONDS)

    def exec_run(self, command: str) -> tuple[int, bytes]:
        """What a shell says that runs beside the process, as in the same container."""
        assert self._process is not None
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env=self._environment | {GROUP: str(self._process.pid)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=READY_SECONDS,
            check=False,
        )
        return done.returncode, done.stdout

    def restart(self, timeout: float = STOP_SECONDS) -> None:
        """Ask it to end, end it if it does not, and start it again."""
        assert self._process is not None
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
        self.kill()
        self.start()

    def remove(self) -> None:
        """End all of it, whatever it is at; any number of times."""
        if self._process is not None:
            self.kill()

    def processes(self) -> list[psutil.Process]:
        """All that runs of it, its first process being gone or not."""
        assert self._process is not None
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError):
                is_of_it = os.getpgid(process.pid) == self._process.pid
                if is_of_it and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    @property
    def _environment(self) -> dict[str, str]:
        programs = Path(sys.executable).parent
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        return os.environ | {"PATH": path} | dict(self.environment)

    @property
    def _output(self) -> Path:
        return self.folder / f"{self.name}.txt"
