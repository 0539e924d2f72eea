"""The messages of logs in this process's memory."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from ..log import Following, Heard, LogRef, Message


class MemoryMessages:
    """See `Messages`. The log calls `grew` and `put` from any thread."""

    def __init__(self, *, on_close: Callable[[MemoryMessages], None]) -> None:
        self._on_close = on_close
        self._heard: deque[Heard] = deque()
        self._followed: set[LogRef] = set()
        self._ours, self._theirs = socket.socketpair()
        self._ours.settimeout(0)
        self._theirs.settimeout(0)

    def fileno(self) -> int:
        """See `Messages.fileno`."""
        return self._ours.fileno()

    def follow(self, ref: LogRef) -> None:
        """See `Messages.follow`."""
        self._followed.add(ref)
        self.put(Following(ref))

    def leave(self, ref: LogRef) -> None:
        """See `Messages.leave`."""
        self._followed.discard(ref)

    def grew(self, ref: LogRef, message: Message) -> None:
        """A log grew: keep its message if the log is followed."""
        if ref in self._followed:
            self.put((ref, message))

    def put(self, heard: Heard) -> None:
        """Keep what was heard until it is taken."""
        self._heard.append(heard)
        with suppress(OSError):  # a full buffer wakes the reader as well
            self._theirs.send(b"!")

    def take(self) -> Sequence[Heard]:
        """See `Messages.take`."""
        with suppress(BlockingIOError):
            self._ours.recv(65_536)
        return [self._heard.popleft() for _ in range(len(self._heard))]

    def check(self) -> None:
        """See `Messages.check`."""

    def close(self) -> None:
        """See `Messages.close`."""
        self._on_close(self)
        self._ours.close()
        self._theirs.close()
