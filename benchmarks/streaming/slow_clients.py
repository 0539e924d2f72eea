"""Clients that take their time: they send nothing, half a head, or a body in drops."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import cycle, islice

_DROP_SECONDS = 0.5
_FORM = "application/x-www-form-urlencoded"
_POST = f"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {_FORM}\r\n"
#: The bytes that each kind sends at once. Bodies then come a byte at a time: one that never ends,
#: one that is longer than it said, one that is longer than any server here takes.
_SILENT = [b""]
_HALF_HEAD = [b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: "]
_BODIES = [
    f"{_POST}Content-Length: 60000\r\n\r\n".encode(),
    f"{_POST}Content-Length: 12\r\n\r\n".encode(),
    f"{_POST}Transfer-Encoding: chunked\r\n\r\nffff\r\n".encode(),
    f"{_POST}Content-Length: 99999999999\r\n\r\n".encode(),
]


@contextmanager
def slow_clients(port: int, count: int) -> Iterator[SlowClients]:
    """A number of connections, a third of each kind; one that the server ends is made again."""
    clients = SlowClients(port, count)
    thread = threading.Thread(target=clients.run)
    thread.start()
    try:
        clients.are_there.wait()
        yield clients
    finally:
        clients.is_over.set()
        thread.join()


class SlowClients:
    """Connections to a server, and how many of them it ended."""

    def __init__(self, port: int, count: int) -> None:
        self._port, self._count = port, count
        self._open: dict[int, tuple[socket.socket, bytes]] = {}
        self._poller = select.poll()
        self.ended = 0
        self.are_there, self.is_over = threading.Event(), threading.Event()

    def run(self) -> None:
        """Keep them open until it is over."""
        kinds: Sequence[Sequence[bytes]] = [_SILENT, _HALF_HEAD, _BODIES]
        each = {id(kind): cycle(kind) for kind in kinds}
        for kind in islice(cycle(kinds), self._count):
            self._connect(next(each[id(kind)]))
        self.are_there.set()
        while not self.is_over.wait(_DROP_SECONDS):
            self._connect_again()
            for client, begun in self._open.values():
                if begun.startswith(b"POST"):
                    with suppress(OSError):
                        client.send(b"x")
        for client, _ in self._open.values():
            client.close()

    def _connect(self, first: bytes) -> None:
        client = socket.create_connection(("127.0.0.1", self._port))
        client.settimeout(0)
        self._open[client.fileno()] = client, first
        self._poller.register(client, select.POLLIN)
        with suppress(OSError):
            client.send(first)

    def _connect_again(self) -> None:
        for fd, _ in self._poller.poll(0):
            client, first = self._open[fd]
            with suppress(BlockingIOError, ConnectionError):
                if client.recv(65_536):
                    continue
            self.ended += 1
            self._poller.unregister(fd)
            del self._open[fd]
            client.close()
            self._connect(first)
