"""The streamer: one process for a machine's streams, fed with descriptors by its web workers.

In a web process a hub would win back the interpreter's lock after every write, against the
threads that serve pages. It is started by gunicorn's master, restarted when it dies, and
ends with it; the workers may come and go meanwhile. ``python -m progress.streamer`` reads its
settings as one JSON line from standard input, whose end is the end of its master.
"""

from __future__ import annotations

import array
import json
import logging
import os
import resource
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .errors import TooManyStreams
from .follow import parse_cursor
from .handoff import refusal
from .hub import Hub
from .limits import StreamLimits
from .log import FeedRef, JobRef
from .metrics_server import serve_metrics
from .reader import Reader
from .redis import RedisLog

logger = logging.getLogger(__name__)

#: Longest message that comes with a descriptor.
MAX_MESSAGE = 32 * 1024
#: Between starts of a streamer that dies.
RESTART_SECONDS = 0.5
#: A worker waits no longer to hand a descriptor over.
_SEND_SECONDS = 0.2


def encode(reader: Reader) -> bytes:
    """What is said of a reader beside its descriptor."""
    ref = reader.ref
    said = {
        "account": ref.account,
        "job": ref.job_id if isinstance(ref, JobRef) else None,
        "cursor": str(reader.cursor) if reader.cursor else None,
        "first": reader.first.decode("latin-1"),
        "authorizedAt": reader.authorized_at,
    }
    return json.dumps(said).encode()


def decode(data: bytes, fd: int) -> Reader:
    """The reader that a message tells of.

    Raises:
        ValueError, TypeError, KeyError: the message is none.
    """
    said = json.loads(data)
    account, job, cursor, first = (said[name] for name in ("account", "job", "cursor", "first"))
    for text in (account, first, *(given for given in (job, cursor) if given is not None)):
        if not isinstance(text, str):
            raise TypeError("a message tells an account, a job, a cursor and first bytes")
    ref = FeedRef(account) if job is None else JobRef(account, job)
    first_bytes = first.encode("latin-1")
    return Reader(fd, ref, parse_cursor(cursor), first_bytes, float(said["authorizedAt"]))


@dataclass
class StreamerClient:
    """A web process's way to its machine's streamer."""

    path: str

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._socket: socket.socket | None = None

    def send(self, reader: Reader) -> bool:
        """Hand a descriptor over; whether that was possible. The caller's stays open."""
        data = encode(reader)
        if len(data) > MAX_MESSAGE:
            return False
        with self._lock:
            for _ in range(2):  # the streamer may have been restarted since the last time
                try:
                    self._connected().sendmsg(
                        [data],
                        [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [reader.fd]))],
                    )
                except OSError:
                    self._forget()
                else:
                    return True
        return False

    def _connected(self) -> socket.socket:
        if self._socket is None or self._pid != os.getpid():
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            connection.settimeout(_SEND_SECONDS)
            connection.connect(self.path)
            self._socket, self._pid = connection, os.getpid()
        return self._socket

    def close(self) -> None:
        """End the connection; the next reader makes it anew."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None


class Streamer:
    """The streamer's own process: takes descriptors for a hub."""

    def __init__(self, hub: Hub, path: str) -> None:
        self._hub = hub
        self._selector = selectors.DefaultSelector()
        self._stopped = False
        Path(path).unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        before = os.umask(0o177)
        try:
            self._listener.bind(path)
        finally:
            os.umask(before)
        self._listener.listen(128)
        self._selector.register(self._listener, selectors.EVENT_READ)

    def serve(self) -> None:
        """Take descriptors until standard input ends or SIGTERM comes; then end all streams."""
        signal.signal(signal.SIGTERM, lambda *_: self._stop())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # A handler alone does not end a wait: Python takes it up again.
        woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self._selector.register(woken, selectors.EVENT_READ)
        self._selector.register(sys.stdin.buffer, selectors.EVENT_READ)
        while not self._stopped:
            for key, _ in self._selector.select(timeout=1.0):
                self._handle(key.fileobj)
        self._listener.close()
        self._hub.close()

    def _stop(self) -> None:
        self._stopped = True

    def _handle(self, found: Any) -> None:
        if found is self._listener:
            connection, _ = self._listener.accept()
            if _is_ours(connection):
                self._selector.register(connection, selectors.EVENT_READ)
            else:
                connection.close()
        elif isinstance(found, socket.socket):
            self._take(found)
        elif isinstance(found, int) or not os.read(sys.stdin.fileno(), 1024):
            self._stop()

    def _take(self, connection: socket.socket) -> None:
        fds: list[int] = []
        try:
            data, ancillary, flags, _ = connection.recvmsg(MAX_MESSAGE, socket.CMSG_SPACE(16))
            for level, kind, payload in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    usable = len(payload) - len(payload) % 4
                    fds += array.array("i", payload[:usable])
            if not data:
                raise ConnectionError("the worker is gone")
            if flags & socket.MSG_TRUNC or len(fds) != 1:
                raise ValueError("a message comes whole, with one descriptor")
            self._add(decode(data, fds[0]))
        except (OSError, ValueError, TypeError, KeyError) as error:
            for fd in fds:
                os.close(fd)
            if not isinstance(error, ConnectionError):
                logger.warning("A descriptor was refused: %s", error, extra={"action": "refused"})
            self._selector.unregister(connection)
            connection.close()

    def _add(self, reader: Reader) -> None:
        try:
            self._hub.admit(reader.ref.account)
        except TooManyStreams as error:
            # A socket that was just opened takes so little at once, or has gone.
            with suppress(OSError):
                os.set_blocking(reader.fd, False)
                os.write(reader.fd, refusal(error))
            os.close(reader.fd)
        else:
            self._hub.add(reader)


def _is_ours(connection: socket.socket) -> bool:
    """Whether the peer is a process of this user: the socket's mode says so too."""
    peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", peer)
    return bool(uid == os.geteuid())


@dataclass(frozen=True, slots=True)
class StreamerSettings:
    """What a streamer needs to know. The URL may hold a password: never on a command line."""

    path: str
    url: str = field(repr=False)
    prefix: str = "progress"
    limits: StreamLimits = field(default_factory=StreamLimits)
    #: Where Prometheus is answered, on 127.0.0.1; None for nowhere.
    metrics_port: int | None = None


class Supervisor:
    """Keeps a streamer running for as long as this process, gunicorn's master, does."""

    def __init__(self, settings: StreamerSettings) -> None:
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress-streamer", daemon=True)

    def start(self) -> None:
        """Start the streamer, and start it again whenever it dies."""
        self._launch()
        self._thread.start()

    def stop(self, *, seconds: float = 2.0) -> None:
        """End the streamer; its streams end at frame boundaries."""
        self._stopped.set()
        process = self._process
        if process is None:
            return
        process.terminate()
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
        process = subprocess.Popen(
            [sys.executable, "-m", "progress.streamer"], stdin=subprocess.PIPE
        )
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


def _raise_descriptor_limit() -> None:
    """A stream is a descriptor; the usual limit of 1,024 is for programs that use select."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main() -> None:
    """Run the streamer; see the module's text."""
    _raise_descriptor_limit()
    said = json.loads(sys.stdin.buffer.readline())
    limits = StreamLimits(**said.pop("limits"))
    settings = StreamerSettings(limits=limits, **said)
    log = RedisLog(settings.url, prefix=settings.prefix)
    port = settings.metrics_port
    hub = Hub(log, limits, measures_lag=port is not None)
    if port is not None:
        serve_metrics(hub, port=port)
    Streamer(hub, settings.path).serve()


if __name__ == "__main__":
    main()
