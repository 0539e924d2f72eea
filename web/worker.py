"""Gunicorn's threaded worker, in which no thread waits for a client.

A thread of gunicorn's own (23 to 27) reads heads and bodies, however slowly they come, so that as
many silent clients as there are threads stop a site. Here the loop that accepts connections also
reads them. A thread is given a request when it is whole, and reads it from memory.
"""

from __future__ import annotations

import resource
import socket
import ssl
import struct
import time
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any, ClassVar

from gunicorn.workers.gthread import ThreadWorker

from .arrival import BODY_RULES, PATIENCE_SECONDS, BodyRule
from .connection import LINGER_SECONDS, Connection
from .turns import Turns

_LOOK_SECONDS = 0.5
#: Descriptors that a process keeps free for files and servers.
_RESERVED = 64
#: To accept more at once would keep the loop from connections that are open already.
_ACCEPTED_AT_ONCE = 8
#: The kernel takes this much of a response at once (or its own limit, where that is less), also
#: where the client reads nothing. Of a longer response the client has to take bytes within 15 s.
_SEND_BYTES, _SEND_SECONDS = 512 * 1024, 15
_LATE = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#: Large uploads wait in files, whoever sends them: so many at once fill no disk.
_MOST_UPLOADS = 16
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 60\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)
_NOTHING_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn is untyped
    """The worker: a connection is parked with its poller until there is work for a thread."""

    body_rules: ClassVar[tuple[BodyRule, ...]] = BODY_RULES
    patience_seconds: ClassVar[float] = PATIENCE_SECONDS
    most_uploads: ClassVar[int] = _MOST_UPLOADS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._parked: dict[Connection, None] = {}
        self._uploads: set[Connection] = set()
        self._look_at = 0.0
        # Where a request of another protocol ends is not known here: gunicorn serves it as ever.
        versions = getattr(self.cfg, "http_protocols", ())
        self._parks = "h2" not in versions and getattr(self.cfg, "protocol", "http") == "http"

    def init_process(self) -> None:
        """Begin, with as many connections as there are descriptors for."""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self.worker_connections: int = min(self.cfg.worker_connections, most - _RESERVED)
        super().init_process()

    def get_thread_pool(self) -> Turns:
        """The threads to which gunicorn gives requests."""
        return Turns(self.cfg.threads)

    def accept(self, *args: Any) -> None:
        """Accept connections. The listener comes last: gunicorn 23 has its name before it."""
        if not self._parks:
            super().accept(*args)
            return
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                client, address = args[-1].accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            if self.nr_conns >= self.worker_connections - 1 and self._parked:
                # What has waited longest makes way: who sends a request at once never waited.
                self._drop(next(iter(self._parked)))
            self._welcome(client, address, args[-1].getsockname())

    def _welcome(self, client: socket.socket, address: Any, server: Any) -> None:
        try:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
            client.setsockopt(
                socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _SEND_SECONDS, 0)
            )
            conn = Connection(self, client, address, server)
        except OSError:  # it has gone, before TLS could begin
            client.close()
            return
        self.nr_conns += 1
        self.enqueue_req(conn)

    def enqueue_req(self, conn: Any) -> None:
        """Park a new connection until its request is whole."""
        if not self._parks:
            super().enqueue_req(conn)
            return
        self._park(conn)
        self._read(conn)

    def handle(self, conn: Any) -> Any:
        """Answer a request, and those that came whole with it, in a thread."""
        result = super().handle(conn)
        # gunicorn 23 says in a pair whether the connection is kept.
        while self._parks and (result[0] if isinstance(result, tuple) else result):
            try:
                if not conn.begin_next():
                    return result
            except OSError as error:
                self.log.debug("Closing connection. %s", error)
                return (False, conn) if isinstance(result, tuple) else False
            result = super().handle(conn)
        return result

    def linger(self, conn: Connection) -> None:
        """Leave a client that was answered the time to read that, and to close.

        gunicorn's own worker waits for it in this loop, and serves nobody meanwhile.
        """
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            conn.sock.close()
            return
        self.nr_conns += 1
        conn.lingers = True
        self._park(conn)
        self._read(conn)

    def murder_keepalived(self, *args: Any, **kwargs: Any) -> None:
        """End what has waited too long. Called by gunicorn after all events of a wait."""
        super().murder_keepalived(*args, **kwargs)
        self.tpool.settle()
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK_SECONDS
        stopping = now - LINGER_SECONDS if not self.alive else 0.0
        for conn in [c for c in self._parked if c.deadline <= now or c.begun <= stopping]:
            if conn.arrival.has_begun and not conn.lingers:
                with suppress(OSError):
                    conn.sock.send(_LATE)
            self._drop(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events, and never so long that what is parked outstays its time."""
        super().wait_for_and_dispatch_events(min(timeout, _LOOK_SECONDS))

    def _park(self, conn: Connection) -> None:
        conn.begun = time.monotonic()
        conn.sock.settimeout(0)
        self._parked[conn] = None

    def _read(self, conn: Connection, _client: Any = None) -> None:
        if conn not in self._parked:  # it made way, after the poller had told of it
            return
        try:
            data = conn.read()
            is_over = bool(data) and not conn.lingers and conn.take(data)
            if conn.arrival.is_large and not is_over and not self._has_room_for(conn):
                self._turn_away(conn)
        except _NOTHING_YET:
            self._poll(conn)
            return
        except OSError:
            data, is_over = b"", False
        if is_over:
            self._leave(conn)
            super().enqueue_req(conn)
        elif data:
            self._poll(conn)
        else:
            self._drop(conn)

    def _turn_away(self, conn: Connection) -> None:
        """Say that it is too much at the moment, and let the client read that."""
        conn.sock.send(_BUSY)
        conn.sock.shutdown(socket.SHUT_WR)
        conn.lingers, conn.begun = True, time.monotonic()

    def _has_room_for(self, conn: Connection) -> bool:
        if len(self._uploads) < self.most_uploads:
            self._uploads.add(conn)
        return conn in self._uploads

    def _poll(self, conn: Connection) -> None:
        if not conn.is_polled:
            conn.is_polled = True
            self.poller.register(conn.sock, EVENT_READ, partial(self._read, conn))

    def _leave(self, conn: Connection) -> None:
        del self._parked[conn]
        self._uploads.discard(conn)
        if conn.is_polled:
            self.poller.unregister(conn.sock)
            conn.is_polled = False

    def _drop(self, conn: Connection) -> None:
        self._leave(conn)
        self.nr_conns -= 1
        conn.sock.close()
