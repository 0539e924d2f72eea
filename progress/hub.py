"""Many streams in one thread: logs are followed once, and the same bytes go to all who read them.

A reader costs a descriptor and a few hundred bytes. It holds a position, not a queue: one
that takes less than it is sent is written to again when it can take more, from the frames
that are kept or from the log.
"""

from __future__ import annotations

import contextlib
import heapq
import logging
import os
import random
import select
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from .channel import Channel, Lag
from .cursor import Cursor
from .events import Snapshot
from .fetcher import Fetcher, Found, Want
from .log import Lapse, Log, LogRef, Message
from .sse import PING, retry_hint

logger = logging.getLogger(__name__)

#: After a write, what comes within this time goes out together.
JOIN_SECONDS = 0.05
#: Timers are looked at this often.
_TICK_SECONDS = 0.5
#: Bytes written to one reader at once while it catches up.
_CHUNK = 64 * 1024
#: What a peer has not acknowledged for so long will not be.
_USER_TIMEOUT_MS = 60_000

Write = Callable[[int, bytes | memoryview], int]


@dataclass(frozen=True, slots=True)
class HubLimits:
    """How long streams live, and how often idle ones are kept alive."""

    keep_alive_seconds: float = 15.0
    #: Drawn between this and half of it, so that streams do not end together.
    life_seconds: float = 15 * 60.0


@dataclass(frozen=True, slots=True)
class Reader:
    """A stream that is to begin: its descriptor is the hub's from now on."""

    fd: int
    ref: LogRef
    cursor: Cursor | None = None
    #: Written first: the head of the response, where nobody else writes it.
    head: bytes = b""


@dataclass(slots=True)
class _Stream:
    channel: Channel
    ends_at: float


@dataclass
class Hub:
    """One loop over all readers of a process. Starts with the first of them."""

    log: Log
    limits: HubLimits = field(default_factory=HubLimits)
    write: Write = os.write

    def __post_init__(self) -> None:
        self._channels: dict[LogRef, Channel] = {}
        self._streams: dict[int, _Stream] = {}
        #: Readers whose first frames are being fetched, by question.
        self._awaiting: dict[Want, list[int]] = {}
        self._inbox: deque[Callable[[], None]] = deque()
        self._due: list[tuple[float, int, LogRef]] = []
        self._number = count()
        self._ticked = 0.0
        self._is_draining = False
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.opened: Counter[str] = Counter()

    # -- called from any thread --------------------------------------------------------

    def add(self, reader: Reader) -> None:
        """Have a reader served. Its descriptor is closed when its stream ends."""
        self._start()
        self._post(lambda: self._begin(reader))

    def end_all_of(self, account: str) -> None:
        """End an account's streams at their frame boundaries: its sessions changed."""
        self._post(lambda: self._end_streams(lambda channel: channel.ref.account == account))

    def close(self, *, seconds: float = 2.0) -> None:
        """End every stream at a frame boundary, with a hint to come back, and the loop."""
        if self._thread is None:
            return
        self._post(self._drain)
        self._thread.join(timeout=seconds)
        self._fetcher.close()

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            self._epoll = select.epoll()
            self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            self._epoll.register(self._wake, select.EPOLLIN)
            self._fetcher = Fetcher(
                self.log,
                on_found=lambda want, found: self._post(lambda: self._found(want, found)),
                on_message=lambda ref, came: self._post(lambda: self._came(ref, came)),
            )
            self._thread = threading.Thread(target=self._run, name="progress-hub", daemon=True)
            self._thread.start()

    def _post(self, do: Callable[[], None]) -> None:
        self._inbox.append(do)
        os.eventfd_write(self._wake, 1)

    # -- the loop ----------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopped.is_set():
            timeout = max(0.0, min(self._next_due(), self._ticked + _TICK_SECONDS) - _now())
            for fd, happened in self._epoll.poll(timeout):
                self._handle(fd, happened)
            while self._due and self._due[0][0] <= _now():
                self._flush_due(heapq.heappop(self._due)[2])
            if _now() - self._ticked >= _TICK_SECONDS:
                self._tick()

    def _handle(self, fd: int, happened: int) -> None:
        if fd == self._wake:
            os.eventfd_read(fd)
            while self._inbox:
                try:
                    self._inbox.popleft()()
                except Exception:
                    logger.exception("A stream went wrong.", extra={"action": "hub_failed"})
        elif happened & (select.EPOLLERR | select.EPOLLHUP | select.EPOLLRDHUP):
            self._end(fd)
        elif happened & select.EPOLLOUT:
            self._catch_up(fd)

    def _next_due(self) -> float:
        return self._due[0][0] if self._due else float("inf")

    # -- readers ------------------------------------------------------------------------

    def _begin(self, reader: Reader) -> None:
        fd = reader.fd
        os.set_blocking(fd, False)
        _bound_silence(fd)
        channel = self._channels.get(reader.ref)
        if channel is None:
            channel = self._channels[reader.ref] = Channel(reader.ref)
        life = self.limits.life_seconds * random.uniform(0.5, 1)  # noqa: S311 - no secret
        self._streams[fd] = _Stream(channel, _now() + life)
        self.opened[reader.ref.account] += 1
        self._epoll.register(fd, select.EPOLLRDHUP)
        if self._is_draining or not self._put(fd, reader.head + retry_hint()):
            self._end(fd)
            return
        self._open(fd, channel, reader.cursor)

    def _open(self, fd: int, channel: Channel, cursor: Cursor | None) -> None:
        """Begin a reader from what is kept, or have its beginning fetched."""
        self._flush(channel)
        opening = channel.opening(cursor)
        if opening is None:
            self._fetch(fd, channel, cursor)
            return
        data, position = opening
        self._send(fd, channel, data, position)

    def _fetch(self, fd: int, channel: Channel, after: Cursor | None) -> None:
        want = Want(channel.ref, after)
        channel.fetching += 1
        waiting = self._awaiting.get(want)
        if waiting is None:
            self._awaiting[want] = [fd]
            self._fetcher.ask(want)
        else:
            waiting.append(fd)

    def _found(self, want: Want, found: Found) -> None:
        channel = self._channels.get(want.ref)
        if channel is None:
            return
        readers = self._awaiting.pop(want, [])
        channel.fetching -= len(readers)
        if isinstance(found, list):
            self._found_entries(channel, want, found, readers)
        elif found is not None:
            state, cursor = found
            is_over = isinstance(state, Snapshot) and state.status.is_terminal
            self._reset(channel, cursor)
            channel.keep_snapshot(state.to_json().encode(), cursor, is_over=is_over)
            for fd in readers:
                if self._is_of(fd, channel):
                    self._open(fd, channel, None)
        else:
            # No log yet: its first event begins it.
            self._awaiting.setdefault(Want(channel.ref, None), []).extend(readers)
            channel.fetching += len(readers)
        self._forget_if_idle(channel)

    def _found_entries(
        self, channel: Channel, want: Want, entries: list[object], readers: list[int]
    ) -> None:
        raise AssertionError(channel, want, entries, readers)

    def _is_of(self, fd: int, channel: Channel) -> bool:
        stream = self._streams.get(fd)
        return stream is not None and stream.channel is channel
