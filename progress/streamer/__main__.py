"""The streamer: one process for a machine's streams, fed with descriptors by its web workers.

In a web process a hub has to win the interpreter's lock back after every write, against the
threads that serve pages. gunicorn's master starts the streamer, starts it again when it dies, and
ends it (`progress.streamer.supervisor`); the workers may come and go meanwhile. ``python -m
progress.streamer`` reads its settings as one JSON line from standard input. When standard input
ends, its master is gone, and the streamer ends.
"""

from __future__ import annotations

import array
import json
import logging
import logging.config
import os
import resource
import selectors
import signal
import socket
import stat
import struct
import sys
from contextlib import suppress
from pathlib import Path

from ..errors import TooManyStreams
from ..hub import Hub
from ..hub.reader import Reader
from ..limits import StreamLimits
from ..redis import RedisLog
from ..wsgi.gunicorn import refusal
from ..wsgi.problem import too_many
from .metrics_server import serve_metrics
from .protocol import MAX_MESSAGE, decode
from .supervisor import StreamerSettings

logger = logging.getLogger(__name__)

#: How many descriptors are taken from one worker before the others have their turn.
_TAKEN_AT_ONCE = 8


class Streamer:
    """The streamer's own process: takes descriptors for a hub, in the hub's own thread."""

    def __init__(self, hub: Hub, path: str) -> None:
        self._hub = hub
        self._stopped = False
        # Before the socket exists, from which others learn of this process.
        signal.signal(signal.SIGTERM, lambda *_: self._stop())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        Path(path).unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        before = os.umask(0o177)
        try:
            self._listener.bind(path)
        finally:
            os.umask(before)
        self._listener.listen(128)
        self._listener.settimeout(0)
        hub.listen(self._listener.fileno(), self._accept)

    def serve(self) -> None:
        """Take descriptors until standard input ends or SIGTERM comes; then end all streams."""
        # A signal handler alone does not end `select`: Python goes on waiting after it.
        woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            selector.register(woken, selectors.EVENT_READ)
            selector.register(sys.stdin.buffer, selectors.EVENT_READ)
            while not self._stopped:
                for key, _ in selector.select():
                    if key.fd == woken or not os.read(key.fd, 1024):
                        self._stop()
        self._hub.close()

    def _stop(self) -> None:
        self._stopped = True

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            return
        if _is_ours(connection):
            connection.settimeout(0)
            self._hub.listen(connection.fileno(), lambda: self._take(connection))
        else:
            connection.close()

    def _take(self, connection: socket.socket) -> None:
        try:
            for _ in range(_TAKEN_AT_ONCE):
                self._add(_receive(connection))
        except BlockingIOError:
            return
        except (OSError, ValueError, TypeError, KeyError) as error:
            if not isinstance(error, ConnectionError):
                logger.warning("A descriptor was refused: %s", error, extra={"action": "refused"})
            self._hub.forget(connection.fileno())
            connection.close()

    def _add(self, reader: Reader) -> None:
        try:
            self._hub.admit(reader.request.ref.account)
        except TooManyStreams as error:
            # A socket that was just opened takes this little at once, unless its peer has gone.
            with suppress(OSError):
                os.set_blocking(reader.fd, False)
                os.write(reader.fd, refusal(too_many(error)))
            os.close(reader.fd)
        else:
            self._hub.add(reader)


def _receive(connection: socket.socket) -> Reader:
    """The next reader that a worker hands over.

    Raises:
        BlockingIOError: no message is there at the moment.
        OSError, ValueError, TypeError, KeyError: the worker is gone, or the message is wrong. The
            connection is of no further use.
    """
    fds: list[int] = []
    data, ancillary, flags, _ = connection.recvmsg(MAX_MESSAGE, _ANCILLARY_BYTES)
    for level, kind, payload in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds += array.array("i", payload[: len(payload) - len(payload) % 4])
    try:
        if not data:
            raise ConnectionError("the worker is gone")
        if flags & socket.MSG_TRUNC or len(fds) != 1:
            raise ValueError("a message comes whole, with one descriptor")
        if not stat.S_ISSOCK(os.fstat(fds[0]).st_mode):
            raise ValueError("a descriptor is a socket's")
        return Reader(fds[0], decode(data))
    except BaseException:
        for fd in fds:
            os.close(fd)
        raise


#: Room for more than one descriptor, so that the ones that should not be there can be closed.
_ANCILLARY_BYTES = socket.CMSG_SPACE(16)


def _is_ours(connection: socket.socket) -> bool:
    """Whether the peer is a process of this user. The socket's mode allows no other either."""
    peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", peer)
    return bool(uid == os.geteuid())


def _raise_descriptor_limit() -> None:
    """Raise the usual limit of 1,024 descriptors to what the system allows: a stream takes one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main() -> None:
    """Run the streamer, with the settings from standard input."""
    _raise_descriptor_limit()
    said = json.loads(sys.stdin.buffer.readline())
    limits = StreamLimits(**said.pop("limits"))
    settings = StreamerSettings(limits=limits, **said)
    if settings.logging is not None:
        # The loggers are there already, and dictConfig would silence them unless told.
        logging.config.dictConfig({"disable_existing_loggers": False, **settings.logging})
    log = RedisLog(settings.url, prefix=settings.prefix)
    port = settings.metrics_port
    hub = Hub(log, limits, measures_lag=port is not None)
    if port is not None:
        serve_metrics(hub, port=port)
    Streamer(hub, settings.path).serve()


if __name__ == "__main__":
    main()
