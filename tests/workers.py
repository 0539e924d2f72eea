"""Real Celery workers for tests: prefork, processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def worker(
    application: str, folder: Path, environment: Mapping[str, str], *arguments: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of an application, ready for work; killed with its children afterwards."""
    output = folder / "worker.txt"
    command = [sys.executable, "-m", "celery", "-A", application, "worker"]
    options = ["--concurrency=2", "--loglevel=INFO", "--without-gossip", "--without-mingle"]
    with output.open("ab") as file:
        process = subprocess.Popen(
            [*command, *options, *arguments],
            env=os.environ | dict(environment) | {"PYTHONWARNINGS": "default"},
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until_ready(output, process)
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_ready(output: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until a worker has written that it takes tasks."""
    deadline = time.monotonic() + 30
    while b" ready." not in output.read_bytes():
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.05)
