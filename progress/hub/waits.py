"""Readers that wait for a page of events: answered once, as soon as there is something to say."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from ..history import Excerpt
from .collected import Collected
from .loop import Loop
from .reader import PageWait, Reader, job_id_of
from .sockets import Write, prepare

#: A response that a client does not take whole is tried again this often, for so long.
_RETRY_SECONDS, _GIVE_UP_SECONDS = 0.05, 60.0
_READ_BYTES = 64 * 1024


@dataclass(eq=False, slots=True)
class _Waiting:
    """One such reader: its client's descriptor, and our end of the stream that feeds it."""

    fd: int
    wait: PageWait
    feed: socket.socket
    collected: Collected
    is_answered: bool = False


class Waits:
    """Gives each such reader a stream of its own, and makes a page of its frames.

    The stream comes over a pair of sockets. So what ends a stream ends a wait: a sign-out, the
    hub's own end. Used by the loop's thread only.
    """

    def __init__(
        self,
        loop: Loop,
        write: Write,
        begin: Callable[[Reader], None],
        give_up: Callable[[str], None],
    ) -> None:
        self._loop, self._write, self._begin, self._give_up = loop, write, begin, give_up
        self._open: dict[int, _Waiting] = {}

    def begin(self, reader: Reader, wait: PageWait) -> None:
        """Serve a reader that was admitted as a stream."""
        prepare(reader.fd)
        account = reader.request.ref.account
        try:
            feed, theirs = socket.socketpair()
        except OSError:  # no descriptor is left
            self._give_up(account)
            self._send(reader.fd, wait.nothing, time.monotonic() + _GIVE_UP_SECONDS)
            return
        feed.setblocking(False)  # noqa: FBT003 - the socket's own signature
        collected = Collected(job_id_of(reader.request.ref), limit=wait.limit)
        waiting = _Waiting(reader.fd, wait, feed, collected)
        self._open[reader.fd] = waiting
        self._loop.listen(feed.fileno(), partial(self._fed, waiting))
        self._loop.listen(reader.fd, partial(self._spoken, waiting))
        self._loop.at(wait.until, partial(self._answer, waiting, None))
        self._begin(Reader(theirs.detach(), replace(reader.request, wait=None)))

    def drain(self) -> None:
        """Answer all of them now."""
        for waiting in list(self._open.values()):
            self._answer(waiting, None)

    def abandon(self) -> None:
        """Close the descriptors that the parent process serves, in a child after a fork."""
        for waiting in self._open.values():
            waiting.feed.close()
            os.close(waiting.fd)

    def _fed(self, waiting: _Waiting) -> None:
        data = b""
        with suppress(ConnectionError):
            data = waiting.feed.recv(_READ_BYTES)
        found = waiting.collected.take(data)
        if found is not None or not data:
            self._answer(waiting, found)

    def _spoken(self, waiting: _Waiting) -> None:
        """The client has left; whatever else it may say is not read."""
        with suppress(OSError):
            if os.read(waiting.fd, _READ_BYTES):
                return
        self._end(waiting)
        os.close(waiting.fd)

    def _answer(self, waiting: _Waiting, found: Excerpt | None) -> None:
        if waiting.is_answered:
            return
        self._end(waiting)
        wait = waiting.wait
        response = wait.nothing if found is None else wait.response(found)
        self._send(waiting.fd, response, time.monotonic() + _GIVE_UP_SECONDS)

    def _end(self, waiting: _Waiting) -> None:
        waiting.is_answered = True
        del self._open[waiting.fd]
        self._loop.forget(waiting.fd)
        self._loop.forget(waiting.feed.fileno())
        # The stream at the other end is over with it.
        waiting.feed.close()

    def _send(self, fd: int, data: bytes, gives_up_at: float) -> None:
        """Write a response, and close its connection."""
        for _, written in self._write((fd,), data):
            now = time.monotonic()
            if written >= 0 and now < gives_up_at:
                rest = partial(self._send, fd, data[written:], gives_up_at)
                self._loop.at(now + _RETRY_SECONDS, rest)
                return
        os.close(fd)
