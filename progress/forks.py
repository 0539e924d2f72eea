"""Forks and threads: a fork waits until this library's threads hold no lock.

A child gets a copy of every lock. Where another thread held one at the moment of the fork, the copy
is held for ever, and nobody can make those inside database drivers and the C library anew. So the
threads of a process that forks (a worker's main process replaces its children) work behind the
`gate` here, and a fork waits for it, half a second at the most.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from types import MethodType
from typing import Any, cast
from weakref import WeakKeyDictionary

#: A fork waits at most this long: a server that does not answer must not hold up a worker.
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
#: Not weak methods: those of Python 3.11 print a traceback when the interpreter ends.
_renewals: WeakKeyDictionary[object, Callable[[Any], Any]] = WeakKeyDictionary()


def after_fork_in_child(method: Callable[[], None]) -> None:
    """Have a bound method called in every child, for as long as its object lives: one of each."""
    bound = cast("MethodType", method)
    _renewals[bound.__self__] = bound.__func__


def _renew() -> None:
    gate.renew()
    for object_, renew in list(_renewals.items()):
        renew(object_)


os.register_at_fork(before=gate.close, after_in_parent=gate.open, after_in_child=_renew)
