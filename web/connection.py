"""A client's connection to gunicorn's worker: the bytes that have come, and what it waits for."""

from __future__ import annotations

import socket
from io import SEEK_END, BytesIO
from tempfile import TemporaryFile
from threading import current_thread, main_thread
from typing import IO, Any, ClassVar, Protocol

from gunicorn import http
from gunicorn.http.unreader import Unreader
from gunicorn.sock import ssl_context
from gunicorn.workers.gthread import TConn

from .arrival import Arrival, BodyRule

#: A client that was answered may take this long to close.
LINGER_SECONDS = 2.0
#: A read takes more than one record of TLS: bytes decrypted and left unread would wake no poller.
_READ_BYTES = 64 * 1024
#: A longer request is kept in a temporary file.
_MEMORY_BYTES = 2 * _READ_BYTES
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Received(Unreader):  # type: ignore[misc] # gunicorn is untyped
    """The bytes of a request that have come, for gunicorn's parser. To read them never waits."""

    buf: BytesIO
    file: IO[bytes] | None = None

    def add(self, data: bytes) -> None:
        """Keep what has come."""
        if self.file is None and self.buf.seek(0, SEEK_END) + len(data) > _MEMORY_BYTES:
            self.file = TemporaryFile()  # noqa: SIM115 - it closes with the request
        (self.file or self.buf).write(data)

    def rewind(self) -> None:
        """Have it read from its beginning."""
        if self.file is not None:
            self.file.seek(0)

    def chunk(self, _size_hint: int | None = None) -> bytes:
        """More, for the parser."""
        return self.file.read(_READ_BYTES) if self.file else b""

    def take_rest(self) -> bytes:
        """What was not read, and is here no more."""
        rest: bytes = self.buf.getvalue() + self.chunk()
        self.buf, self.file = BytesIO(), None
        return rest


class Parking(Protocol):
    """The part of the worker that a connection uses."""

    cfg: Any
    body_rules: ClassVar[tuple[BodyRule, ...]]
    patience_seconds: ClassVar[float]

    def linger(self, conn: Connection) -> None:
        """Close a connection when its client has."""


class Connection(TConn):  # type: ignore[misc]
    """A client's connection. Its bytes are read here, and by gunicorn from `received`."""

    def __init__(self, worker: Parking, client: socket.socket, address: Any, server: Any) -> None:
        super().__init__(worker.cfg, client, address, server)
        if worker.cfg.is_ssl:
            # The handshake is done by the first reads, which the poller waits for.
            self.sock = ssl_context(worker.cfg).wrap_socket(
                client, server_side=True, do_handshake_on_connect=False
            )
        self.worker, self.initialized = worker, True  # gunicorn has nothing to add
        self.arrival, self.begun = Arrival(worker.body_rules), 0.0
        #: Whether the poller watches it; whether it was answered and waits for its client to close.
        self.is_polled = self.lingers = False
        self.parser = http.RequestParser(worker.cfg, self.sock, address)
        self.received = self.parser.unreader = Received()

    @property
    def deadline(self) -> float:
        """When the worker ends it unless more bytes come, by the monotonic clock."""
        if self.lingers:
            return self.begun + LINGER_SECONDS
        return self.begun + self.worker.patience_seconds + self.arrival.more_seconds

    def read(self) -> bytes:
        """The bytes that have come; empty when the client has closed.

        Raises:
            OSError: there is nothing, at the moment or for good.
        """
        data: bytes = self.sock.recv(_READ_BYTES)
        return data

    def take(self, data: bytes) -> bool:
        """Keep bytes that have come; whether the request goes to a thread now."""
        self.received.add(self.arrival.take(data))
        if self.arrival.asks:
            self.arrival.asks = False
            self.sock.send(_CONTINUE)
        if self.arrival.is_over:
            self.received.rewind()
        return self.arrival.is_over

    def begin_next(self) -> bool:
        """Begin the request after one that was answered; whether it is here already.

        Raises:
            OSError: there can be none.
        """
        if self.arrival.is_cut:
            raise ConnectionError("where the next request begins is not known")
        while self.parser.mesg.body.read(_READ_BYTES):
            pass
        self.arrival = Arrival(self.worker.body_rules)
        rest = self.received.take_rest()
        return bool(rest) and self.take(rest)

    def close(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002 - as gunicorn has it
        """Close the connection, as gunicorn asks.

        To close while bytes of the client are unread resets the connection, and the client may lose
        the answer. So the client closes first, but not with gunicorn 23, which calls this in a
        thread that must not wait.
        """
        if (graceful or self.arrival.is_cut) and current_thread() is main_thread():
            self.worker.linger(self)
        else:
            super().close()
