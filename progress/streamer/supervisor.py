"""Keeps a machine's streamer running: started by gunicorn's master, restarted, ended with it."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from types import FrameType
from typing import Any

from ..limits import StreamLimits

logger = logging.getLogger(__name__)

#: How long to wait before a streamer that died is started again.
RESTART_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class StreamerSettings:
    """A streamer's settings. No command line bears them, since the URL may hold a password."""

    path: str
    url: str = field(repr=False)
    prefix: str = "progress"
    limits: StreamLimits = field(default_factory=StreamLimits)
    #: The port of ``GET /metrics`` on 127.0.0.1; None serves no metrics.
    metrics_port: int | None = None
    #: For `logging.config.dictConfig`, as JSON holds it; None: warnings go to standard error.
    logging: Mapping[str, Any] | None = field(default=None, repr=False)


class Supervisor:
    """Keeps a streamer running for as long as this process runs, which is gunicorn's master."""

    def __init__(self, settings: StreamerSettings) -> None:
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress-streamer", daemon=True)

    def start(self) -> None:
        """Start the streamer, and start it again whenever it dies.

        In the main thread a signal that ends gunicorn's master ends the streams, too, at once: the
        master calls `stop` only after its workers have answered their last request.
        """
        self._launch()
        self._thread.start()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
                self._end_at(number)

    def _end_at(self, number: signal.Signals) -> None:
        pid, handle = os.getpid(), signal.getsignal(number)
        if not callable(handle):
            return

        def end(signum: int, frame: FrameType | None) -> Any:
            # A worker that was just forked has this handler for a moment.
            if os.getpid() == pid:
                self._end()
            return handle(signum, frame)

        signal.signal(number, end)

    def _end(self) -> subprocess.Popen[bytes] | None:
        self._stopped.set()
        process = self._process
        if process is not None:
            process.terminate()
        return process

    def stop(self, *, seconds: float = 2.0) -> None:
        """End the streamer. Each of its streams ends between two frames."""
        process = self._end()
        if process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.kill()

    def _run(self) -> None:
        while not self._stopped.is_set():
            process = self._process
            if process is not None:
                process.wait()
                if process.stdin is not None:
                    process.stdin.close()
            if not self._stopped.wait(RESTART_SECONDS):
                logger.warning("The streamer died; it is started again.")
                self._launch()

    def _launch(self) -> None:
        command = [sys.executable, "-m", __package__]
        process = subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603 - this package
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        process.stdin.write(json.dumps(asdict(self.settings)).encode() + b"\n")
        process.stdin.flush()
        self._process = process
        deadline = time.monotonic() + 10
        while not _is_listening(self.settings.path) and time.monotonic() < deadline:
            time.sleep(0.02)


def _is_listening(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        return probe.connect_ex(path) == 0
