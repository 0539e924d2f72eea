"""The body of a response that streams: a generator's place, fed by the hub."""

from __future__ import annotations

import os
import socket

from ..hub import Hub
from ..hub.reader import Reader, StreamRequest

#: A hub that has written nothing for this many keep-alives is taken to be gone.
_MISSED = 4


class Body:
    """The body of a WSGI response that is a stream. The server iterates it; the hub fills it.

    The stream begins when the server asks for the first part. `close` gives the stream back to
    the hub, also one that never began. While the server waits for the next part, its thread or
    greenlet waits on a socket.
    """

    def __init__(self, hub: Hub, request: StreamRequest) -> None:
        self._hub = hub
        self._request = request
        #: The hub has admitted the stream, and it was neither added nor given up.
        self._is_held = True
        self._socket: socket.socket | None = None

    def __iter__(self) -> Body:
        return self

    def __next__(self) -> bytes:
        if self._is_held:
            self._begin()
        if self._socket is None:
            raise StopIteration
        try:
            data = self._socket.recv(65_536)
        except TimeoutError:
            data = b""
        if not data:
            self.close()
            raise StopIteration
        return data

    def _begin(self) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(self._hub.limits.keep_alive_seconds * _MISSED)
        self._socket = ours
        self._is_held = False
        self._hub.add(Reader(theirs.detach(), self._request))

    def leave(self, fd: int, head: bytes) -> None:
        """Have the hub write to a client itself, on a duplicate of the client's descriptor.

        Raises:
            OSError: the process may open no further descriptor.
        """
        copy = os.dup(fd)
        self._is_held = False
        self._hub.add(Reader(copy, self._request.preceded_by(head)))

    def close(self) -> None:
        """End the stream. The server calls this, once or more often."""
        if self._is_held:
            self._is_held = False
            self._hub.give_up(self._request.ref.account)
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    # Werkzeug's server does not close a body whose client was reset with its request half
    # read (seen in 3.1: `execute` reads on before it closes, and the read raises). A stream
    # that was never given back would count against the account's cap for ever.
    __del__ = close
