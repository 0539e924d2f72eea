"""Host: the project as a Procfile host has it, with the requirements installed and nothing else."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import psutil

from tests.acceptance.installation import free_port, wait_for

ROOT = Path(__file__).parents[2]
#: What a push brings: the code and the two files that a host reads.
PUSHED = ("progress", "library", "tasks", "web", "Procfile", "requirements.txt")
PROCESSES = ("web", "worker", "clock")
#: What honcho writes before a line.
_PREFIX = len("22:00:00 worker.1 | ")


@dataclass
class Host:
    """A folder with the code, an environment with its requirements, and the settings."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        return (self.folder / "output.txt").read_text()

    def settings(self, **changes: str) -> dict[str, str]:
        """The whole environment of a process: nothing of the tests' own."""
        path = f"{self.python.parent}:/usr/bin:/bin"
        usual = {"PATH": path, "HOME": str(self.folder), "PORT": str(self.port), "LANG": "C.UTF-8"}
        return usual | self.environment | changes

    def command(self, name: str) -> list[str]:
        """A process of the Procfile, as a host starts it."""
        lines = (self.folder / "app" / "Procfile").read_text().splitlines()
        commands = dict(line.split(": ", 1) for line in lines)
        return ["/bin/sh", "-c", f"exec {commands[name]}"]

    def run(
        self, command: Sequence[str], *, seconds: float = 60, **changes: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            command,
            cwd=self.folder / "app",
            env=self.settings(**changes),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def start(self) -> None:
        """`honcho start web worker clock`, as the documents say."""
        with (self.folder / "output.txt").open("wb") as output:
            self.process = subprocess.Popen(
                [self.python.parent / "honcho", "start", *PROCESSES],
                cwd=self.folder / "app",
                env=self.settings(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until(self, *expected: object, seconds: float = 60) -> None:
        """Wait until /readyz answers with a status, or with a status and what it says.

        Each of the site's processes remembers an answer of its own for a second.
        """
        count = len(expected)
        wait_for(f"/readyz {expected}", lambda: self.ready()[:count] == expected, seconds=seconds)

    def ready(self) -> tuple[int, dict[str, str]]:
        """What /readyz says; 0 while nobody answers."""
        assert self.process is not None
        assert self.process.poll() is None, self.output
        try:
            with urlopen(f"{self.address}/readyz", timeout=10) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            with error:
                return error.code, json.loads(error.read())
        except (URLError, ConnectionError, TimeoutError):
            return 0, {}

    def lines(self, process: str) -> list[str]:
        """What one process has written."""
        said = [line for line in self.output.splitlines() if f" {process}.1" in line[:_PREFIX]]
        return [line[_PREFIX:] for line in said]

    def stop(self) -> int:
        """End what runs, by the signal of a host; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill_all(self) -> None:
        """Kill what is left."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if Path(process.cwd()).is_relative_to(self.folder):
                    process.kill()


def push(folder: Path) -> Host:
    """A host that has the code and has installed the requirements."""
    app = folder / "app"
    app.mkdir(parents=True)
    for name in PUSHED:
        source = ROOT / name
        if source.is_dir():
            left_out = shutil.ignore_patterns("__pycache__", "client", "node_modules")
            shutil.copytree(source, app / name, ignore=left_out)
        else:
            shutil.copy(source, app / name)
    host = Host(folder)
    # uv takes the hashes as strictly as pip does, and what it has fetched before it need not copy.
    uv = [Path(sys.executable).with_name("uv"), "--quiet"]
    subprocess.run([*uv, "venv", folder / "venv", "--python", sys.executable], check=True)
    install = [*uv, "pip", "install", "--no-config", "--python", host.python, "--require-hashes"]
    subprocess.run([*install, "-r", app / "requirements.txt"], check=True, timeout=300)
    return host


def authority(folder: Path) -> tuple[Path, Path, Path]:
    """A certificate authority of one's own: its certificate, and a server's with its key."""

    def openssl(*arguments: object) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    folder.mkdir()
    root, root_key = folder / "authority.pem", folder / "authority.key"
    server, key, request = folder / "server.pem", folder / "server.key", folder / "server.csr"
    names = folder / "names"
    names.write_text("subjectAltName=DNS:localhost\n")
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    subject = "/CN=An authority of the tests"
    openssl("req", "-x509", *new, "-keyout", root_key, "-out", root, "-days", 2, "-subj", subject)
    openssl("req", *new, "-keyout", key, "-out", request, "-subj", "/CN=localhost")
    signed_by = ("-CA", root, "-CAkey", root_key, "-CAcreateserial", "-extfile", names)
    openssl("x509", "-req", "-in", request, *signed_by, "-out", server, "-days", 2)
    # Heroku's way: the server sends its authority along, signed by itself.
    server.write_text(server.read_text() + root.read_text())
    return root, server, key
