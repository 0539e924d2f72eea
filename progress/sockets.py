"""What the kernel is asked of a reader's socket."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
from collections.abc import Callable

#: What a peer has not acknowledged for so long will not be.
_USER_TIMEOUT_MS = 60_000

Write = Callable[[int, bytes], int]


def prepare(fd: int) -> None:
    """Never wait for a reader, nor gather what it is sent; give up one that is silent."""
    os.set_blocking(fd, False)
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(fd)) as copy:
        if copy.family not in (socket.AF_INET, socket.AF_INET6):
            return
        copy.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            copy.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)


def _keeping_write() -> Write:
    write = ctypes.PyDLL(None, use_errno=True).write
    write.argtypes, write.restype = (
        [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t],
        ctypes.c_ssize_t,
    )

    def keep(fd: int, data: bytes) -> int:
        written: int = write(fd, data, len(data))
        if written < 0:
            number = ctypes.get_errno()
            if number == errno.EINTR:
                return 0
            raise OSError(number, os.strerror(number))
        return written

    return keep


#: As `os.write`, without letting the interpreter's lock go. A write that cannot block is over
#: sooner than the lock is won back from threads that serve pages: with 500 pages a second
#: beside it, a thousand writes took 2.5 s with `os.write` and 9 ms so.
write_keeping_gil = _keeping_write()
