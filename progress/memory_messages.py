"""The messages of logs in this process's memory: for one subscriber, and for who follows many."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from .log import Following, Heard, Lapse, LogRef, Message, PassOn


class Queue:
    """The messages of one subscriber."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._grown = threading.Condition()

    def put(self, message: Message) -> None:
        """Add a message. Called from any thread."""
        with self._grown:
            self._messages.append(message)
            self._grown.notify()

    def next(self, *, timeout_seconds: float) -> Message | Lapse | None:
        """See `Subscription.next`."""
        with self._grown:
            if not self._messages:
                self._grown.wait(timeout_seconds)
            return self._messages.popleft() if self._messages else None


class Follower(Queue):
    """Hands one log's messages on to who follows many."""

    def __init__(self, put: Callable[[Message], None]) -> None:
        super().__init__()
        self._put = put

    def put(self, message: Message) -> None:
        """Hand a message on at once."""
        self._put(message)


class MemoryMessages:
    """See `Messages`."""

    def __init__(
        self,
        join: Callable[[LogRef, Queue], None],
        part: Callable[[LogRef, Queue], None],
        *,
        on_close: Callable[[MemoryMessages], None],
    ) -> None:
        self._join, self._part, self._on_close = join, part, on_close
        self._heard: deque[Heard] = deque()
        self._followers: dict[LogRef, Follower] = {}
        self._ours, self._theirs = socket.socketpair()
        self._ours.settimeout(0)
        self._theirs.settimeout(0)

    def fileno(self) -> int:
        """See `Messages.fileno`."""
        return self._ours.fileno()

    def follow(self, ref: LogRef, channel: object = None) -> None:  # noqa: ARG002 - not needed
        """See `Messages.follow`."""
        follower = Follower(lambda message: self.put((ref, message)))
        self._followers[ref] = follower
        self._join(ref, follower)
        self.put(Following(ref))

    def leave(self, ref: LogRef) -> None:
        """See `Messages.leave`."""
        follower = self._followers.pop(ref, None)
        if follower is not None:
            self._part(ref, follower)

    def put(self, heard: Heard) -> None:
        """Add what was heard. Called from any thread."""
        self._heard.append(heard)
        with suppress(OSError):  # full means that there is enough to read
            self._theirs.send(b"!")

    def take(self, pass_on: PassOn | None = None) -> Sequence[Heard]:  # noqa: ARG002 - no bytes
        """See `Messages.take`."""
        with suppress(BlockingIOError):
            self._ours.recv(65_536)
        return [self._heard.popleft() for _ in range(len(self._heard))]

    def check(self) -> None:
        """See `Messages.check`."""

    def close(self) -> None:
        """See `Messages.close`."""
        for ref in list(self._followers):
            self.leave(ref)
        self._on_close(self)
        self._ours.close()
        self._theirs.close()
