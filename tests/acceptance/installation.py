"""Installation: a real `earmark up` in a folder of its own, and the processes it has."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import psutil

EARMARK = Path(sys.executable).with_name("earmark")
# As `nohup make run &` in a script has it: what it ignores, its children would ignore.
IN_BACKGROUND = ("/bin/sh", "-c", "trap '' INT QUIT HUP; exec \"$@\"", "-")
EMAIL = "ada@example.org"
PASSWORD = "correct horse battery staple"
START_SECONDS = 60
STOP_SECONDS = 40


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_for(what: str, condition: Callable[[], object], *, seconds: float) -> None:
    """Wait until ``condition`` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)


@dataclass
class Installation:
    """One folder in which Earmark is started and stopped."""

    folder: Path
    port: int = field(default_factory=free_port)
    #: Further environment variables, or other values for the usual ones.
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """Where it keeps everything."""
        return self.folder / "data"

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        """What it has printed, over all starts."""
        return (self.folder / "output.txt").read_text()

    def start(self) -> None:
        """Start `earmark up`, without waiting."""
        usual = {
            "EARMARK_DATA": str(self.data),
            "EARMARK_EMAIL": EMAIL,
            "EARMARK_PASSWORD": PASSWORD,
            "PORT": str(self.port),
        }
        with (self.folder / "output.txt").open("ab") as output:
            self.process = subprocess.Popen(
                [*IN_BACKGROUND, EARMARK, "up"],
                cwd=self.folder,
                env=os.environ | usual | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self) -> None:
        """Wait until it says where it is."""
        wait_for(
            "Earmark is ready",
            lambda: self._ended() or f"Earmark is ready: {self.address}" in self.output,
            seconds=START_SECONDS,
        )
        assert not self._ended(), self.output

    def wait_until_ended(self) -> int:
        """Wait for its end and return the exit code."""
        return self.process.wait(timeout=STOP_SECONDS)

    def stop(self, signum: signal.Signals = signal.SIGINT) -> int:
        """Send a signal, wait for the end, and return the exit code."""
        self.process.send_signal(signum)
        return self.wait_until_ended()

    def refusal(self) -> tuple[int, str]:
        """Start it where it cannot start: the exit code, and what it printed."""
        self.start()
        return self.wait_until_ended(), self.output

    def processes(self) -> list[psutil.Process]:
        """All processes of this installation that live."""
        return [process for process in psutil.process_iter() if self._owns(process)]

    def command(self, words: str) -> psutil.Process:
        """The process, not its guard, whose command line holds ``words``; the oldest of them."""
        found = [
            process
            for process in self.processes()
            if words in (line := " ".join(process.cmdline())) and "web.guard" not in line
        ]
        return min(found, key=lambda process: process.create_time())

    def signed_in(self) -> OpenerDirector:
        """A client that has signed in, for requests without a browser."""
        client = build_opener(HTTPCookieProcessor())
        with client.open(f"{self.address}/sign-in") as page:
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.read().decode())
        form = {"csrf_token": token[1], "email": EMAIL, "password": PASSWORD}
        client.open(f"{self.address}/sign-in", urlencode(form).encode()).close()
        return client

    def kill_all(self) -> None:
        """Kill what is left."""
        for process in self.processes():
            process.kill()

    def _owns(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            # Valkey writes its title over its environment, but works in its folder.
            mine = process.environ().get("EARMARK_DATA") == str(self.data)
            return mine or Path(process.cwd()).is_relative_to(self.data)
        except psutil.Error:
            return False

    def _ended(self) -> bool:
        return self.process.poll() is not None


@contextmanager
def installation(folder: Path, **environment: str) -> Iterator[Installation]:
    """An installation that leaves no process behind, however the test ends."""
    installed = Installation(folder, environment=environment)
    try:
        yield installed
    finally:
        installed.kill_all()
        if installed.process is not None:
            installed.process.wait()
