"""The bytes of a sound, read from a file that is whole or from one that is being made."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from typing import Protocol


class Lost(Exception):
    """What is left of a sound will never come: its file changed, or ended before it was whole."""


class Content(Protocol):
    """A sound's bytes. It owns its file."""

    #: How many there are; None where that is not known before the last.
    size_bytes: int | None

    def read(self, place: int, count: int) -> bytes | None:
        """At most so many bytes from a place on; none at the end, None where they are to come.

        Raises:
            Lost: there will be none.
            OSError: the disk says so.
        """
        ...

    def close(self) -> None:
        """Close its file."""
        ...


@dataclass(slots=True)
class WholeFile:
    """A file that is there, as long as it stays as it was when it was opened."""

    descriptor: int
    size_bytes: int | None
    modified_ns: int

    @classmethod
    def of(cls, descriptor: int) -> WholeFile:
        """An open file."""
        status = os.fstat(descriptor)
        return cls(descriptor, status.st_size, status.st_mtime_ns)

    def read(self, place: int, count: int) -> bytes:
        """See `Content`."""
        status = os.fstat(self.descriptor)
        if (status.st_size, status.st_mtime_ns) != (self.size_bytes, self.modified_ns):
            raise Lost  # beginning and end would be of two different files
        data = os.pread(self.descriptor, count, place)
        if not data and place < status.st_size:
            raise Lost
        return data

    def close(self) -> None:
        """See `Content`."""
        os.close(self.descriptor)


@dataclass(slots=True)
class GrowingFile:
    """A file that another process writes, and holds a lock on until it has ended."""

    descriptor: int
    size_bytes: int | None

    def read(self, place: int, count: int) -> bytes | None:
        """See `Content`."""
        data = os.pread(self.descriptor, count, place)
        if data or self.size_bytes == place:
            return data
        if is_locked(self.descriptor):
            return None
        # The last bytes may have come between the two looks.
        data = os.pread(self.descriptor, count, place)
        if not data and self.size_bytes is not None:
            raise Lost
        return data

    def close(self) -> None:
        """See `Content`."""
        os.close(self.descriptor)


def is_locked(descriptor: int) -> bool:
    """Whether another process holds the lock of a file."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False
