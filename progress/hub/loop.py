"""One thread that waits for descriptors, for times, and for what other threads ask of it."""

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
from typing import Any

logger = logging.getLogger(__name__)

#: `on_tick` is called this often.
TICK_SECONDS = 0.5
#: epoll's masks are poll's. Where a half-closed peer is not told of, a closed one is.
_GONE = select.POLLERR | select.POLLHUP | getattr(select, "POLLRDHUP", 0)
_LEAVES = getattr(select, "POLLRDHUP", 0)

Do = Callable[[], None]


class Loop:
    """Runs until it is stopped. All that it calls, it calls from its own thread."""

    def __init__(
        self,
        *,
        on_gone: Callable[[int], None],
        on_writable: Callable[[int], None],
        on_tick: Callable[[float], None],
    ) -> None:
        self._on_gone, self._on_writable, self._on_tick = on_gone, on_writable, on_tick
        # gevent takes epoll away when it patches, and gives a poll that lets others run.
        self._has_epoll = hasattr(select, "epoll")
        self._poller: Any = select.epoll() if self._has_epoll else select.poll()
        self._awake, self._wake = os.pipe()
        os.set_blocking(self._awake, False)
        os.set_blocking(self._wake, False)
        self._poller.register(self._awake, select.POLLIN)
        self._inbox: deque[Do] = deque()
        self._is_woken = False
        self._on_readable: dict[int, Do] = {self._awake: self._take_inbox}
        #: Of these, what is done after all else that happened: the number of a descriptor that
        #: was just closed is given out again, and its events must not be taken for the new one's.
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
        """Have something done soon."""
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
        """Wait for the end of the thread; give back what it held."""
        if not self.is_here:
            self._thread.join(seconds)
        if not self._thread.is_alive():
            self.discard()

    def finish(self) -> None:
        """Do what was asked after the thread's end: to give back what it brought."""
        while self._inbox and not self._thread.is_alive():
            self._do(self._inbox.popleft())

    def discard(self) -> None:
        """Close what a thread that runs no more has left, as in a child after a fork."""
        # Nothing is to be written to a number that may be another's from now on.
        self._is_woken = True
        if self._has_epoll:
            self._poller.close()
        for fd in (self._awake, self._wake):
            with contextlib.suppress(OSError):
                os.close(fd)

    # -- from the loop's own thread ------------------------------------------------------

    def at(self, when: float, do: Do) -> None:
        """Have something done at a time of `time.monotonic`."""
        heapq.heappush(self._due, (when, next(self._number), do))

    def follow(self, fd: int) -> None:
        """Tell when the other end of a socket leaves."""
        self._poller.register(fd, _LEAVES)

    def listen(self, fd: int, on_readable: Do) -> None:
        """Have something done whenever a descriptor can be read, or its other end has gone."""
        self._on_readable[fd] = on_readable
        self._poller.register(fd, select.POLLIN)

    def listen_for_descriptors(self, fd: int, on_readable: Do) -> None:
        """As `listen`, for where descriptors come from: done after all else that happened."""
        self._last.add(fd)
        self.listen(fd, on_readable)

    def want_write(self, fd: int, *, wanted: bool) -> None:
        """Tell, or tell no longer, when a socket takes more."""
        self._poller.modify(fd, _LEAVES | select.POLLOUT if wanted else _LEAVES)

    def forget(self, fd: int) -> None:
        """Tell nothing more of a descriptor."""
        self._on_readable.pop(fd, None)
        self._last.discard(fd)
        with contextlib.suppress(OSError, KeyError):
            self._poller.unregister(fd)

    def stop(self) -> None:
        """End once what is being done is done."""
        self._is_stopped = True

    def _run(self) -> None:
        ticks_at = 0.0
        while not self._is_stopped:
            now = time.monotonic()
            if now >= ticks_at:
                ticks_at = now + TICK_SECONDS
                self._do(partial(self._on_tick, now))
            until = min(self._due[0][0], ticks_at) if self._due else ticks_at
            self._handle(self._poll(max(0.0, until - now)))
            if self._due:
                now = time.monotonic()
                while self._due and self._due[0][0] <= now:
                    self._do(heapq.heappop(self._due)[2])
        # What was asked before the end, or as it came: to give back what it brought.
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
                on_it = self._on_gone if mask & _GONE else self._on_writable
                self._do(partial(on_it, fd))
            elif fd in self._last:
                last.append(on_readable)
            else:
                self._do(on_readable)
        for on_readable in last:
            self._do(on_readable)

    def _take_inbox(self) -> None:
        # First forget that we were woken, then look: who asks meanwhile wakes us again.
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
