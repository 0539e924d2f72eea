"""The body of a response that streams: a generator's place, fed by the hub."""

from __future__ import annotations

import os
import socket

from ..errors import TooManyStreams
from ..hub import Hub
from ..hub.reader import HandOver, Reader, StreamRequest
from ..sse import retry_hint
from .gunicorn import Head

#: A hub that has written nothing for this many keep-alives is taken to be gone.
_MISSED = 4


class Body:
    """The body of a WSGI response that is a stream. The hub fills it, or the streamer.

    It leaves the server where that is possible (`progress.wsgi.leaving`); else the server iterates
    it, and the stream begins when the server asks for the first part. `close` gives the stream back
    to the hub, also one that never began. While the server waits for the next part, its thread or
    greenlet waits on a socket.
    """

    def __init__(
        self,
        hub: Hub,
        request: StreamRequest,
        *,
        hand_over: HandOver | None = None,
        is_admitted: bool = False,
    ) -> None:
        self._hub = hub
        self._request = request
        self._hand_over = hand_over
        #: The hub has admitted the stream, and it was neither added nor given up.
        self._is_held = is_admitted
        self._is_begun = False
        self._socket: socket.socket | None = None

    def __iter__(self) -> Body:
        return self

    def __next__(self) -> bytes:
        if not self._is_begun:
            self._is_begun = True
            try:
                self._begin()
            except TooManyStreams as error:
                # The head has been sent: all that can be said is when to come back.
                after_ms = 1_000 * error.retry_after_seconds
                return retry_hint(shortest_ms=after_ms, longest_ms=2 * after_ms)
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
        self._admit()
        ours, theirs = socket.socketpair()
        ours.settimeout(self._hub.limits.keep_alive_seconds * _MISSED)
        self._socket = ours
        self._is_held = False
        self._hub.add(Reader(theirs.detach(), self._request))

    def _admit(self) -> None:
        if not self._is_held:
            self._hub.admit(self._request.ref.account)
            self._is_held = True

    def leave(self, fd: int, head: Head) -> None:
        """See `Leaving.leave`: the streamer takes it, or the hub while the streamer is gone."""
        self._is_begun = True
        request = self._request.preceded_by(head.to_bytes())
        if self._hand_over is not None and self._hand_over(Reader(fd, request)):
            return
        self._admit()
        copy = os.dup(fd)
        self._is_held = False
        self._hub.add(Reader(copy, request))

    def close(self) -> None:
        """End the stream. The server calls this, once or more often."""
        self._is_begun = True
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
