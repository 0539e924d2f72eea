"""Many streams in one thread: logs are followed once, and the same bytes go to all who read them.

A reader costs a descriptor and a few hundred bytes. It holds a position, not a queue: one
that takes less than it is sent is written to again when it can take more, from the frames
that are kept or from the log.
"""

from __future__ import annotations

import contextlib
import heapq
import json
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
from .errors import TooManyStreams
from .events import EMPTY_FEED, Snapshot
from .fetcher import Fetcher, Found, Want
from .log import Entry, FeedRef, Lapse, Log, LogRef, Message
from .sse import PING, frame, retry_hint

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
    #: Streams an account may have open, and when one beyond may be tried again.
    streams_per_account: int = 20
    retry_after_seconds: int = 15


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
        self._epoll.close()
        os.close(self._wake)

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
        if not self._stopped.is_set():
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
        if self.opened[reader.ref.account] >= self.limits.streams_per_account:
            self._write_some(fd, _too_many(self.limits))
            os.close(fd)
            return
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
            # No log yet: its first event begins it. A feed without one has no active jobs.
            if isinstance(channel.ref, FeedRef):
                for fd in readers:
                    self._put(fd, frame(EMPTY_FEED.to_json().encode(), None))
            self._awaiting.setdefault(Want(channel.ref, None), []).extend(readers)
            channel.fetching += len(readers)
        self._forget_if_idle(channel)

    def _found_entries(
        self, channel: Channel, want: Want, entries: list[Entry], readers: list[int]
    ) -> None:
        assert want.after is not None  # noqa: S101 - entries answer a cursor
        cursor = entries[-1].cursor if entries else want.after
        if channel.ring is None or channel.epoch != cursor.epoch:
            self._reset(channel, want.after)
        if channel.ring is not None and channel.ring.last < cursor.seq:
            # The messages of these are on their way, or were missed.
            channel.take(entries)
            self._flush(channel)
        data = b"".join(frame(entry.document, entry.cursor) for entry in entries)
        for fd in readers:
            if self._is_of(fd, channel):
                self._send(fd, channel, data, cursor.seq)

    def _is_of(self, fd: int, channel: Channel) -> bool:
        stream = self._streams.get(fd)
        return stream is not None and stream.channel is channel

    # -- frames -------------------------------------------------------------------------

    def _came(self, ref: LogRef, came: Message | Lapse) -> None:
        channel = self._channels.get(ref)
        if channel is None:
            return
        if channel.ring is None:
            self._ask_again(channel, None)
            return
        if not isinstance(came, Message) or not channel.take(came.entries):
            epoch = came.entries[0].cursor.epoch if isinstance(came, Message) else channel.epoch
            after = Cursor(channel.epoch, channel.ring.last) if epoch == channel.epoch else None
            self._ask_again(channel, after)
            return
        self._flush_soon(channel)

    def _ask_again(self, channel: Channel, after: Cursor | None) -> None:
        """Have what is missing fetched, for nobody in particular."""
        want = Want(channel.ref, after)
        if want not in self._awaiting:
            self._awaiting[want] = []
            self._fetcher.ask(want)
        elif channel.ring is None:
            self._fetcher.ask(want)

    def _reset(self, channel: Channel, cursor: Cursor) -> None:
        """The log's position is known, or it is another log now: its readers begin anew."""
        if channel.ring is not None and channel.epoch == cursor.epoch:
            return
        readers = [*channel.live, *channel.lagging]
        channel.live.clear()
        channel.lagging.clear()
        was_known = channel.ring is not None
        channel.begin(cursor)
        if was_known:
            for fd in readers:
                self._fetch(fd, channel, None)

    def _flush_soon(self, channel: Channel) -> None:
        now = _now()
        if channel.ended or now - channel.wrote_at >= JOIN_SECONDS:
            self._flush(channel)
        elif channel.flush_at is None:
            channel.flush_at = channel.wrote_at + JOIN_SECONDS
            heapq.heappush(self._due, (channel.flush_at, next(self._number), channel.ref))

    def _flush_due(self, ref: LogRef) -> None:
        channel = self._channels.get(ref)
        if channel is not None and channel.flush_at is not None:
            self._flush(channel)

    def _flush(self, channel: Channel) -> None:
        """Write what came to all who have everything before it: the same bytes."""
        channel.flush_at = None
        ring = channel.ring
        if ring is None or channel.sent >= ring.last:
            return
        position, channel.sent = channel.sent, ring.last
        if not ring.holds(position):
            for fd in list(channel.live):
                self._lag(fd, channel, memoryview(b""), position)
            return
        data = ring.since(position)
        channel.wrote_at = _now()
        length, write = len(data), self.write
        for fd in list(channel.live):
            try:
                written = write(fd, data)
            except BlockingIOError:
                written = 0
            except OSError:
                self._end(fd)
                continue
            if written != length:
                self._lag(fd, channel, memoryview(data)[written:], ring.last)
        if channel.ended:
            for fd in list(channel.live):
                self._end(fd)

    def _send(self, fd: int, channel: Channel, data: bytes, position: int) -> None:
        """Write to one reader what brings it to a position, and have it go on from there."""
        written = self._write_some(fd, data)
        if written is None:
            self._end(fd)
        elif written < len(data):
            self._lag(fd, channel, memoryview(data)[written:], position)
        else:
            self._join(fd, channel, position)

    def _join(self, fd: int, channel: Channel, position: int) -> None:
        """A reader has everything up to a position: it is live, or is sent what follows."""
        ring = channel.ring
        if ring is None or ring.last < position:
            # The frames it has are not kept yet: fill the ring, then go on.
            self._fetch(fd, channel, Cursor(channel.epoch, position))
        elif position == channel.sent:
            if channel.ended and position == ring.last:
                self._end(fd)
            else:
                channel.live.add(fd)
        elif ring.holds(position):
            self._flush(channel)
            self._send(fd, channel, channel.after(position), ring.last)
        else:
            self._fetch(fd, channel, Cursor(channel.epoch, position))

    def _lag(self, fd: int, channel: Channel, left: memoryview, position: int) -> None:
        channel.live.discard(fd)
        channel.lagging[fd] = Lag(left, position)
        self._epoll.modify(fd, select.EPOLLRDHUP | select.EPOLLOUT)

    def _catch_up(self, fd: int) -> None:
        stream = self._streams.get(fd)
        lag = stream.channel.lagging.get(fd) if stream is not None else None
        if stream is None or lag is None:
            return
        written = self._write_some(fd, lag.left[:_CHUNK])
        if written is None:
            self._end(fd)
            return
        lag.left = lag.left[written:]
        if lag.left:
            return
        del stream.channel.lagging[fd]
        self._epoll.modify(fd, select.EPOLLRDHUP)
        self._join(fd, stream.channel, lag.position)

    def _put(self, fd: int, data: bytes) -> bool:
        """Write a few bytes whole, or not at all worth going on."""
        return self._write_some(fd, data) == len(data)

    def _write_some(self, fd: int, data: bytes | memoryview) -> int | None:
        """How much was written; None for a peer that is gone."""
        if not data:
            return 0
        try:
            return self.write(fd, data)
        except BlockingIOError:
            return 0
        except OSError:
            return None

    # -- ends ---------------------------------------------------------------------------

    def _end(self, fd: int) -> None:
        stream = self._streams.pop(fd, None)
        if stream is None:
            return
        channel = stream.channel
        channel.live.discard(fd)
        channel.lagging.pop(fd, None)
        with contextlib.suppress(OSError):
            self._epoll.unregister(fd)
        os.close(fd)
        account = channel.ref.account
        self.opened[account] -= 1
        if self.opened[account] <= 0:
            del self.opened[account]
        self._forget_if_idle(channel)

    def _forget_if_idle(self, channel: Channel) -> None:
        if channel.is_idle and self._channels.get(channel.ref) is channel:
            del self._channels[channel.ref]
            self._fetcher.leave(channel.ref)

    def _end_streams(self, is_meant: Callable[[Channel], bool]) -> None:
        for fd, stream in list(self._streams.items()):
            if is_meant(stream.channel):
                # Between frames only: a frame that was cut is lost, its cursor is not.
                if fd not in stream.channel.lagging:
                    self._put(fd, retry_hint())
                self._end(fd)

    def _drain(self) -> None:
        self._is_draining = True
        self._end_streams(lambda _: True)
        self._stopped.set()

    def _tick(self) -> None:
        now = self._ticked = _now()
        for channel in list(self._channels.values()):
            if channel.live and now - channel.wrote_at >= self.limits.keep_alive_seconds:
                channel.wrote_at = now
                for fd in list(channel.live):
                    if not self._put(fd, PING):
                        self._end(fd)
        old = [fd for fd, stream in self._streams.items() if stream.ends_at <= now]
        for fd in old:
            if fd not in self._streams[fd].channel.lagging:
                self._put(fd, retry_hint())
            self._end(fd)


def _too_many(limits: HubLimits) -> bytes:
    error = TooManyStreams(
        limit=limits.streams_per_account, retry_after_seconds=limits.retry_after_seconds
    )
    problem = {"type": "about:blank", "title": "Too Many Requests", "status": 429}
    body = json.dumps(problem | {"detail": str(error)})
    return (
        "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/problem+json\r\n"
        f"Retry-After: {limits.retry_after_seconds}\r\nCache-Control: no-store\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    ).encode()


def _now() -> float:
    return time.monotonic()


def _bound_silence(fd: int) -> None:
    """Have the kernel give up a peer that acknowledges nothing."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(fd)) as copy:
        if copy.family in (socket.AF_INET, socket.AF_INET6):
            copy.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)
            copy.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
