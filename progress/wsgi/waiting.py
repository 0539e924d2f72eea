"""Waiting for a page of events: away from the server where that is possible, else in its thread."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..history import Excerpt, PageForm
from ..hub import Hub
from ..hub.collected import Collected
from ..hub.reader import HandOver, PageWait, Reader, StreamRequest, job_id_of
from .gunicorn import Head

_READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class WaitingBody:
    """The body of a response that is a page of events, once there are any.

    It leaves the server where that is possible (`progress.wsgi.leaving`). Where the server iterates
    it all the same, it says at once that there is nothing new.
    """

    hub: Hub
    hand_over: HandOver | None
    request: StreamRequest
    until: float
    limit: int
    form: PageForm
    #: The body of the response where nothing comes.
    nothing: bytes = b""

    def __iter__(self) -> Iterator[bytes]:
        return iter([self.nothing])

    def leave(self, fd: int, head: Head) -> None:
        """See `Leaving.leave`: the streamer takes it, or the hub while the streamer is gone."""
        nothing = head.to_bytes() + self.nothing
        wait = PageWait(self.until, self.limit, self.form, tuple(head.headers), nothing)
        request = replace(self.request, wait=wait)
        if self.hand_over is not None and self.hand_over(Reader(fd, request)):
            return
        self.hub.admit(request.ref.account)
        try:
            copy = os.dup(fd)
        except OSError:
            self.hub.give_up(request.ref.account)
            raise
        self.hub.add(Reader(copy, request))

    def wait_here(self) -> Excerpt | None:
        """Wait in this thread or greenlet; None where nothing came.

        Raises:
            TooManyStreams: there is no place for a reader more.
        """
        ref = self.request.ref
        self.hub.admit(ref.account)
        ours, theirs = socket.socketpair()
        self.hub.add(Reader(theirs.detach(), self.request))
        collected = Collected(job_id_of(ref), limit=self.limit)
        with ours:
            while (left := self.until - time.monotonic()) > 0:
                ours.settimeout(left)
                try:
                    data = ours.recv(_READ_BYTES)
                except TimeoutError:
                    return None
                found = collected.take(data)
                if found is not None or not data:
                    return found
        return None

    def close(self) -> None:
        """Nothing is held."""
