"""One thread that waits for descriptors, for times, and for calls from other threads."""

from __future__ import annotations

import contextlib
import heapq
import logging
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count
from typing import Any, Protocol

logger = logging.getLogger(__name__)

#: `Watcher.tick` is called this often.
TICK_SECONDS = 0.5
#: epoll's masks are poll's. Where the system has no POLLRDHUP, only a closed peer is told of and
#: not a half-closed one.
_GONE = select.POLLERR | select.POLLHUP | getattr(select, "POLLRDHUP", 0)
_LEAVES = getattr(select, "POLLRDHUP", 0)

Do = Callable[[], None]


class Watcher(Protocol):
    """Is told, in the loop's thread, what happens to sockets and that time goes on."""

    def gone(self, fd: int) -> None:
        """The other end of a socket has left."""
        ...

    def writable(self, fd: int) -> None:
        """A socket takes more; told while `Loop.want_write` asks for it."""
        ...

    def tick(self, now: float) -> None:
        """`TICK_SECONDS` have passed; `now` is a time of `time.monotonic`."""
        ...


class Loop:
    """Runs until it is stopped. It makes every call from its own thread."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        # gevent removes epoll when it patches, and gives a poll that lets other greenlets run.
        self._has_epoll = hasattr(select, "epoll")
        self._poller: Any = select.epoll() if self._has_epoll else select.poll()
        self._awake, self._wake = os.pipe()
        os.set_blocking(self._awake, False)
        os.set_blocking(self._wake, False)
        self._poller.register(self._awake, select.POLLIN)
        self._inbox: deque[Do] = deque()
        self._is_woken = False
        self._on_readable: dict[int, Do] = {self._awake: self._take_inbox}
        #: Descriptors whose functions are called after all else that happened in the same wait.
        #: They bring new descriptors, which may have the number of one that was just closed, and
        #: an event of the closed one must not be taken for the new one's.
        self._last = {self._awake}
        self._due: list[tuple[float, int, Do]] = []
        self._number = count()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name="progress-loop", daemon=True)

    # -- from any thread, and from signal handlers ---------------------------------------

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def post(self, do: Do) -> None:
        """Call a function soon."""
        self._inbox.append(do)
        if not self._is_woken:
            self._is_woken = True
            with contextlib.suppress(OSError):  # full means woken, closed means over
                os.write(self._wake, b"!")

    @property
    def is_here(self) -> bool:
        """Whether this is the loop's own thread."""
        return threading.current_thread() is self._thread

    def join(self, *, seconds: float) -> None:
        """Wait for the thread to end, and close what it used."""
        if not self.is_here:
            self._thread.join(seconds)
        if not self._thread.is_alive():
            self.discard()

    def finish(self) -> None:
        """Make the calls that were posted after the thread's end: they close what they hold."""
        while self._inbox and not self._thread.is_alive():
            self._do(self._inbox.popleft())

    def discard(self) -> None:
        """Close what a thread used that no longer runs, as in a child after a fork."""
        # `post` must not write to it any more: its number may be given to another file.
        self._is_woken = True
        if self._has_epoll:
            self._poller.close()
        for fd in (self._awake, self._wake):
            with contextlib.suppress(OSError):
                os.close(fd)

    # -- from the loop's own thread ------------------------------------------------------

    def at(self, when: float, do: Do) -> None:
        """Call a function at a time of `time.monotonic`."""
        heapq.heappush(self._due, (when, next(self._number), do))

    def follow(self, fd: int) -> None:
        """Tell the watcher when the other end of a socket leaves."""
        self._poller.register(fd, _LEAVES)

    def listen(self, fd: int, on_readable: Do) -> None:
        """Call a function whenever a descriptor can be read, or its other end has left."""
        self._on_readable[fd] = on_readable
        self._poller.register(fd, select.POLLIN)

    def listen_for_descriptors(self, fd: int, on_readable: Do) -> None:
        """As `listen`, for a descriptor that brings others: called after all else that happened."""
        self._last.add(fd)
        self.listen(fd, on_readable)

    def want_write(self, fd: int, *, wanted: bool) -> None:
        """Tell the watcher, or tell it no longer, when a socket takes more."""
        self._poller.modify(fd, _LEAVES | select.POLLOUT if wanted else _LEAVES)

    def forget(self, fd: int) -> None:
        """Wait for a descriptor no longer."""
        self._on_readable.pop(fd, None)
        self._last.discard(fd)
        with contextlib.suppress(OSError, KeyError):
            self._poller.unregister(fd)

    def stop(self) -> None:
        """End the thread after the present call."""
        self._is_stopped = True

    def _run(self) -> None:
        ticks_at = 0.0
        while not self._is_stopped:
            now = time.monotonic()
            if now >= ticks_at:
                ticks_at = now + TICK_SECONDS
                self._do(partial(self._watcher.tick, now))
            until = min(self._due[0][0], ticks_at) if self._due else ticks_at
            self._handle(self._poll(max(0.0, until - now)))
            if self._due:
                now = time.monotonic()
                while self._due and self._due[0][0] <= now:
                    self._do(heapq.heappop(self._due)[2])
        # What was posted before the end or during it: these calls close what they were given.
        while self._inbox:
            self._do(self._inbox.popleft())

    def _poll(self, seconds: float) -> Iterable[tuple[int, int]]:
        happened: list[tuple[int, int]] = self._poller.poll(
            seconds if self._has_epoll else seconds * 1_000
        )
        return happened

    def _handle(self, happened: Iterable[tuple[int, int]]) -> None:
        last: list[Do] = []
        for fd, mask in happened:
            on_readable = self._on_readable.get(fd)
            if on_readable is None:
                tell = self._watcher.gone if mask & _GONE else self._watcher.writable
                self._do(partial(tell, fd))
            elif fd in self._last:
                last.append(on_readable)
            else:
                self._do(on_readable)
        for on_readable in last:
            self._do(on_readable)

    def _take_inbox(self) -> None:
        # The flag is cleared before the inbox is read, so a thread that posts meanwhile wakes us.
        with contextlib.suppress(BlockingIOError):
            os.read(self._awake, 4096)
        self._is_woken = False
        for _ in range(len(self._inbox)):
            self._do(self._inbox.popleft())

    def _do(self, do: Do) -> None:
        try:
            do()
        except Exception:
            logger.exception("A stream went wrong.", extra={"action": "loop_failed"})
