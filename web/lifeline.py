"""Lifeline: a locked file by which processes know that another one lives.

The lock is the kernel's and belongs to the process (POSIX record locks): it ends with the process,
whatever ended it, and no child inherits it. flock's lock would live on in every forked child.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

_POLL_SECONDS = 0.05


class LifelineTaken(Exception):
    """Another process holds the lifeline."""

    def __init__(self, path: Path, *, pid: int | None) -> None:
        super().__init__(f"{path} is locked by process {pid}")
        #: The process that took it, or None if it has not said so yet.
        self.pid = pid


class Lifeline:
    """The file at ``path``: held by one process alone, or shared by several.

    A process opens each path once only: closing any descriptor of a file ends its locks on it.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._path = path

    def take(self) -> None:
        """Hold it alone until `release` or until this process ends.

        Raises:
            LifelineTaken: another process holds it, alone or shared.
        """
        if not self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB):
            raise LifelineTaken(self._path, pid=self._owner())
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def share(self) -> None:
        """Wait until nobody holds it alone, then hold it with others until this process ends."""
        self._lock(fcntl.LOCK_SH)

    def wait_until_unshared(self, *, timeout_seconds: float) -> None:
        """Return when nobody else holds it, at the latest after ``timeout_seconds``."""
        deadline = time.monotonic() + timeout_seconds
        while not self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)

    def release(self) -> None:
        """Hold it no longer. Harmless when it is not held."""
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN)

    def _lock(self, kind: int) -> bool:
        try:
            fcntl.lockf(self._descriptor, kind)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def _owner(self) -> int | None:
        text = os.pread(self._descriptor, 20, 0)
        return int(text) if text.isdigit() else None
