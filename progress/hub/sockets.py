"""The options of a reader's socket, and writing to many sockets."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
from collections.abc import Callable, Iterable

#: A connection is given up when its peer has acknowledged nothing for this long.
_USER_TIMEOUT_MS = 60_000

#: Writes the same to each of some sockets; see `write_to_each`.
Write = Callable[[Iterable[int], bytes], list[tuple[int, int]]]


def prepare(fd: int) -> None:
    """Make a socket's writes never wait, be sent at once, and fail when the peer is silent."""
    os.set_blocking(fd, False)
    with contextlib.suppress(OSError):
        found = socket.socket(fileno=fd)
        try:
            if found.family in (socket.AF_INET, socket.AF_INET6):
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if hasattr(socket, "TCP_USER_TIMEOUT"):
                    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)
        finally:
            found.detach()


#: `write` of the C library, called while the interpreter's lock is held. A write that cannot block
#: takes less time than winning the lock back from threads that serve pages: beside 500 pages a
#: second, a thousand writes took 2.5 s with `os.write` and 9 ms with this. Its argument types are
#: not declared: the arguments are converted once for all sockets, which halves the cost of a call.
_write: Callable[..., int] = ctypes.PyDLL(None).write


def write_to_each(fds: Iterable[int], data: bytes) -> list[tuple[int, int]]:
    """Write the same to sockets that never wait.

    Returns:
        Those that did not take all of it, each with how many bytes it took; -1 where its peer is
        gone.
    """
    size = len(data)
    text, length = ctypes.c_char_p(data), ctypes.c_size_t(size)
    short: list[tuple[int, int]] = []
    for fd in fds:
        written = _write(fd, text, length)
        if written != size:
            taken = written if written >= 0 else _write_again(fd, data)
            if taken != size:
                short.append((fd, taken))
    return short


def _write_again(fd: int, data: bytes) -> int:
    """Write again after a failure, since `os.write` tells the reason."""
    try:
        return os.write(fd, data)
    except BlockingIOError:
        return 0
    except OSError:
        return -1
