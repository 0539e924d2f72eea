"""A pool of threads that take turns: one works, and another only where the first is slow.

Threads that all have work take the interpreter from each other at every call of the system. With
one at work after the other a worker lets in streams as fast as a process without threads, and
a page that takes long still holds up nobody for longer than a millisecond.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

#: A request waits this long for the thread whose turn it is; then the turn goes to the next.
_TURN_SECONDS = 0.001
#: The loop that brings requests leaves the interpreter to the threads for this long at most.
_SETTLE_SECONDS = 0.005

_Work = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...]]


class Turns:
    """Threads for requests: an executor as gunicorn wants one, with `settle` beside that."""

    def __init__(self, count: int) -> None:
        self._lock = threading.Lock()
        self._queue: deque[_Work] = deque()
        #: Wakes one idle thread for each number put in, which is the number of its turn.
        self._wake: SimpleQueue[int | None] = SimpleQueue()
        self._turn, self._taken, self._idle, self._is_closed = 0, 0, count, False
        #: Whether the thread whose turn it is has nothing to do.
        self._rests = threading.Event()
        self._rests.set()
        self._threads = [threading.Thread(target=self._work) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Have a thread call a function."""
        future: Future[Any] = Future()
        with self._lock:
            self._queue.append((future, function, args))
            if self._rests.is_set():
                self._rests.clear()
                self._begin_turn()
        return future

    def settle(self) -> None:
        """Wait a moment for the submitted requests, and pass the turn on where they are slow."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        taken = self._taken
        while not self._rests.wait(_TURN_SECONDS):
            if taken != self._taken and time.monotonic() < deadline:
                taken = self._taken
                continue
            with self._lock:
                if not self._queue or not self._idle:
                    return
                self._begin_turn()

    def shutdown(self, wait: bool = True) -> None:  # noqa: FBT001, FBT002 - as an executor
        """Take up what is queued, and end."""
        self._is_closed = True
        for _ in self._threads:
            self._wake.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _begin_turn(self) -> None:
        self._turn += 1
        self._idle -= 1
        self._wake.put(self._turn)

    def _work(self) -> None:
        turn: int | None = 0
        while turn is not None:
            turn = self._wake.get()
            while (work := self._take(turn)) is not None:
                _run(*work)

    def _take(self, turn: int | None) -> _Work | None:
        with self._lock:
            # Where nobody is idle, there is no one to leave it to.
            if self._queue and (turn == self._turn or not self._idle or self._is_closed):
                self._taken += 1
                return self._queue.popleft()
            self._idle += 1
            if turn == self._turn:
                self._rests.set()
            return None


def _run(future: Future[Any], function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    try:
        result = function(*args)
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
