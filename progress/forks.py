"""Forks and threads: no thread of ours is in the midst of something when its process forks.

A child has a copy of every lock, held for ever where another thread held it at that moment:
of this library's own locks, and of those inside database drivers and the C library, which
nobody can make anew. So the threads that run in processes which fork (a worker's main
process replaces its children) pass through here, and a fork waits for them, within bounds.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakMethod

#: A fork waits no longer: a server that does not answer must not hold up a worker.
_WAIT_SECONDS = 0.5


class _Gate:
    """Open to one thread at a time, and closed while the process forks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_closed = False

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def close(self) -> None:
        self._is_closed = self._lock.acquire(timeout=_WAIT_SECONDS)

    def open(self) -> None:
        if self._is_closed:
            self._is_closed = False
            self._lock.release()

    def renew(self) -> None:
        self._lock = threading.Lock()
        self._is_closed = False


#: Held by a thread for as long as it does what a fork must not cut in two.
gate = _Gate()
_renewals: list[WeakMethod[Callable[[], Any]]] = []


def after_fork_in_child(method: Callable[[], None]) -> None:
    """Have a bound method called in every child, for as long as its object lives."""
    # A parent that never forks, or makes many objects, is not to gather what has died.
    _renewals.append(WeakMethod(method, _renewals.remove))


def _renew() -> None:
    gate.renew()
    for reference in _renewals:
        method = reference()
        if method is not None:
            method()


os.register_at_fork(before=gate.close, after_in_parent=gate.open, after_in_child=_renew)
