"""A file that is replaced as a whole: it is the old one or the new one at any moment."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..sources.playlist_files import MAX_PLAYLIST_BYTES
from .disk import Disk
from .errors import Edited, NotWritable

#: Of a list that is to be written, and of one that is to be put back.
CHANGED = "Somebody has changed this list since it was looked at. Look again what would be written."
CHANGED_SINCE = "Somebody has changed this list since it was written, so it is not put back."
_BUSY = "This list is being written by another job at this moment. Try again."


def key_of(data: bytes) -> str:
    """Names a list's content."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class OpenList:
    """A list's file. While one is open to be written, nobody else of Earmark's writes it."""

    disk: Disk
    #: The descriptors of its folder and of itself.
    folder: int
    file: int
    name: str
    data: bytes
    #: Size, time and inode as they were when it was read.
    stamp: tuple[int, ...]

    @property
    def key(self) -> str:
        """Names what it holds."""
        return key_of(self.data)

    def replace(self, data: bytes, *, draft: str) -> None:
        """Have it hold other bytes, its owner and rights being kept.

        `draft` is the name of the new file until it is whole. What an attempt left under that name
        goes.

        Raises:
            Edited: somebody changed the list after it was read.
            OSError: the system does not let it be written; it is as it was.
        """
        disk = self.disk
        disk.remove(self.folder, draft)
        new = disk.create(self.folder, draft)
        try:
            disk.write(new, data)
            disk.make_like(new, self.file)
            disk.flush(new)
            if _stamp(disk.status(self.folder, self.name)) != self.stamp:
                raise Edited(CHANGED)
            disk.rename(self.folder, draft, self.name)
        except (OSError, NotWritable):
            disk.remove(self.folder, draft)
            raise
        finally:
            disk.close(new)
        disk.flush(self.folder)

    def forget(self, draft: str) -> None:
        """Remove what an attempt that was ended left behind."""
        self.disk.remove(self.folder, draft)


@contextmanager
def opened(disk: Disk, root: Path, relative: Path, *, to_write: bool) -> Iterator[OpenList]:
    """A list of a folder, by its path from the root without any link in it.

    Whoever only looks is in nobody's way, and may see a list that is about to be replaced.

    Raises:
        NotWritable: it is not there, no ordinary file, too large, or being written.
    """
    try:
        folder = disk.open_folder(str(root), relative.parts[:-1])
    except OSError as error:
        raise NotWritable(_cannot("opened", error)) from error
    try:
        file = _open(disk, folder, relative.name)
        try:
            if to_write and not disk.lock(file):
                raise NotWritable(_BUSY)
            yield _read(disk, folder, file, relative.name)
        finally:
            disk.close(file)
    finally:
        disk.close(folder)


def _open(disk: Disk, folder: int, name: str) -> int:
    try:
        return disk.open(folder, name)
    except OSError as error:
        raise NotWritable(_cannot("opened", error)) from error


def _read(disk: Disk, folder: int, file: int, name: str) -> OpenList:
    try:
        before = disk.status(folder, name)
        # What is no file may be read for ever.
        is_file = stat.S_ISREG(os.fstat(file).st_mode)
        data = disk.read(file, MAX_PLAYLIST_BYTES) if is_file else b""
        status = os.fstat(file)
    except OSError as error:
        raise NotWritable(_cannot("read", error)) from error
    if not is_file or len(data) > MAX_PLAYLIST_BYTES:
        raise NotWritable("The file is not a playlist: it is too large, or no ordinary file.")
    if _stamp(before) != _stamp(status):
        # Another took its place between the two: it is the lock's former owner.
        raise NotWritable(_BUSY)
    return OpenList(disk, folder, file, name, data, _stamp(status))


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _cannot(be: str, error: OSError) -> str:
    return f"The list cannot be {be}: {error.strerror or 'unknown error'}."


def refusal(error: OSError) -> str:
    """What kept a list from being written, for its person."""
    why = error.strerror or "unknown error"
    return f"The list cannot be written: {why}. It is as it was."
