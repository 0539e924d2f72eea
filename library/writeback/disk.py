"""The steps by which a file is looked at and replaced, each one call to the system.

All go by the folder's descriptor and follow no link: what somebody puts in a folder's place while
this is at work is never written to.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Sequence
from contextlib import suppress

#: Errors by which a file system says that it has no locks.
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Disk:
    """The system's files. Tests put another in its place, whose power fails."""

    def open_folder(self, root: str, names: Sequence[str]) -> int:
        """The descriptor of a folder below a root, none of whose parts is a link."""
        folder = os.open(root, _FOLDER)
        for name in names:
            try:
                inner = os.open(name, _FOLDER, dir_fd=folder)
            finally:
                os.close(folder)
            folder = inner
        return folder

    def make_folder(self, folder: int, name: str) -> None:
        """Make a folder that only this user may look into, where it is not there."""
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=folder)

    def open(self, folder: int, name: str) -> int:
        """The descriptor of a file, for reading."""
        return os.open(name, _READ, dir_fd=folder)

    def lock(self, file: int) -> bool:
        """Whether nobody else of Earmark's is at a file: until it is closed, nobody will be."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            # Somebody else's writing is noticed by what it writes, too.
            if error.errno not in _NO_LOCKS:
                raise
        return True

    def read(self, file: int, most_bytes: int) -> bytes:
        """What a file holds, up to a bound and one byte more."""
        parts, left = [], most_bytes + 1
        while left and (part := os.read(file, left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def status(self, folder: int, name: str) -> os.stat_result:
        """What the system says of a name, a link itself being one."""
        return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def create(self, folder: int, name: str) -> int:
        """The descriptor of a new file, for writing, that nobody else may read yet."""
        return os.open(name, _CREATE, 0o600, dir_fd=folder)

    def write(self, file: int, data: bytes) -> None:
        """Write all of it."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]

    def make_like(self, file: int, other: int) -> None:
        """Give a file the owner, the rights and the attributes of another."""
        wanted, mine = os.fstat(other), os.fstat(file)
        if (mine.st_uid, mine.st_gid) != (wanted.st_uid, wanted.st_gid):
            os.fchown(file, wanted.st_uid, wanted.st_gid)
        os.fchmod(file, stat.S_IMODE(wanted.st_mode))
        if hasattr(os, "listxattr"):
            with suppress(OSError):  # a file system without any
                for name in os.listxattr(other):
                    os.setxattr(file, name, os.getxattr(other, name))

    def flush(self, file: int) -> None:
        """Have a file, or a folder's names, survive a loss of power."""
        os.fsync(file)

    def rename(self, folder: int, old: str, new: str) -> None:
        """Have a file take another's place, in one step."""
        os.rename(old, new, src_dir_fd=folder, dst_dir_fd=folder)

    def remove(self, folder: int, name: str) -> None:
        """Remove a file, if it is there."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)

    def close(self, descriptor: int) -> None:
        """Close a file or a folder."""
        os.close(descriptor)
