"""The body of a response that streams: a generator's place, fed by the hub."""

from __future__ import annotations

import os
import socket
from dataclasses import replace

from ..hub import Hub
from ..hub.reader import Reader

#: A hub that says nothing for so many keep-alives is no more.
_MISSED = 4


class Body:
    """What a WSGI server writes to a client, for as long as the client stays.

    The stream begins when the server asks for it, and it is given back however it ends,
    also before it began. The thread or greenlet that reads it waits on a socket.
    """

    def __init__(self, hub: Hub, reader: Reader) -> None:
        self._hub = hub
        self._reader = reader
        #: Admitted, and neither begun nor given up.
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
        self._hub.add(replace(self._reader, fd=theirs.detach()))

    def leave(self, fd: int, head: bytes) -> None:
        """Have the hub write to a client itself, on a duplicate of its descriptor.

        Raises:
            OSError: there is no descriptor left.
        """
        copy = os.dup(fd)
        self._is_held = False
        self._hub.add(replace(self._reader, fd=copy, first=head + self._reader.first))

    def close(self) -> None:
        """End the stream. Called by the server, once or more."""
        if self._is_held:
            self._is_held = False
            self._hub.give_up(self._reader.ref.account)
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    # Werkzeug's server does not close a body whose client was reset with its request half
    # read (seen in 3.1: `execute` reads on before it closes, and the read raises). A stream
    # that was never given back would count against the account's cap for ever.
    __del__ = close
