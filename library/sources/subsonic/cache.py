"""Files of sound that were fetched, up to a bound of bytes that nothing goes beyond.

Several processes share the folder. A file that is in use is locked, and what was used longest ago
goes first. What is being fetched is a file of its own until it is whole; if its process dies, the
next one goes on where it ended.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ...errors import UnreadableFile

#: Room is taken in steps of this many bytes, and of a small cache in smaller ones.
STEP_BYTES = 1024 * 1024
#: How long one process waits for another that fetches the same file.
WAIT_SECONDS = 300.0
#: What nobody has used for so long goes, though there is room.
KEEP_DAYS = 30
_PART, _ROOM, _LOCK = ".part", ".room", ".lock"
_SUFFIX = re.compile(r"[a-z0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class SoundCache:
    """The folder of fetched files, and how many bytes may be in it."""

    folder: Path
    max_bytes: int

    @contextmanager
    def file(self, *names: str, suffix: str = "", fetch: Callable[[Part], None]) -> Iterator[Path]:
        """A block in which the file of these names is there; `fetch` writes it where it is not.

        Raises:
            UnreadableFile: there is no room for it. What `fetch` raises comes through.
        """
        ending = f".{suffix}" if _SUFFIX.fullmatch(suffix) else ""
        key = hashlib.sha256("\0".join(names).encode()).hexdigest()[:40]
        path = self.folder / f"{key}{ending}"
        with _no_room_said(), closing(self._held(path) or self._fetched(path, fetch)):
            os.utime(path)
            yield path

    def _held(self, path: Path) -> BinaryIO | None:
        """The file, locked against being removed; None where it is not there."""
        with suppress(FileNotFoundError):
            file = path.open("rb")
            fcntl.flock(file, fcntl.LOCK_SH)
            # It may have been removed before it was locked.
            if os.fstat(file.fileno()).st_nlink:
                return file
            file.close()
        return None

    def _fetched(self, path: Path, fetch: Callable[[Part], None]) -> BinaryIO:
        self.folder.mkdir(parents=True, exist_ok=True)
        part = Part(self, path)
        try:
            if not part.lock(path):
                part.close()
                return self._held(path) or self._fetched(path, fetch)
            fetch(part)
            return part.finish(path)
        except BaseException:
            part.close()
            raise

    def make_room(self, room: Path, *, size: int) -> None:
        """Count a part as so many bytes; what was used longest ago makes room for it.

        Raises:
            UnreadableFile: there are too many.
        """
        if size > self.max_bytes:
            raise _too_large(self.max_bytes)
        with (self.folder / _LOCK).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            sizes = self._sizes()
            sizes[room.stem] = (time.time(), size)
            over = sum(found for _, found in sizes.values()) - self.max_bytes
            stale = time.time() - KEEP_DAYS * 24 * 3600
            for name in sorted(sizes, key=lambda name: sizes[name][0]):
                if over <= 0 and sizes[name][0] > stale:
                    break
                if name != room.stem and self._remove(name):
                    over -= sizes[name][1]
            if over > 0:
                raise _too_large(self.max_bytes)
            # A file of holes: its length says how much is taken, and it takes nothing itself.
            room.touch()
            os.truncate(room, size)

    def _sizes(self) -> dict[str, tuple[float, int]]:
        """Names with the time of last use and the bytes; a part's with what it may become."""
        found: dict[str, tuple[float, int]] = {}
        for entry in os.scandir(self.folder):
            if entry.name == _LOCK:
                continue
            with suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                name = entry.name.removesuffix(_ROOM)
                used, size = found.get(name, (0.0, 0))
                found[name] = max(used, status.st_mtime), max(size, status.st_size)
        return found

    def _remove(self, name: str) -> bool:
        """Whether a file could be removed: nobody is at it."""
        path = self.folder / name
        with suppress(FileNotFoundError), path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            path.unlink()
        (self.folder / f"{name}{_ROOM}").unlink(missing_ok=True)
        return True


class Part:
    """A file that is being fetched. It is this process's alone."""

    def __init__(self, cache: SoundCache, path: Path) -> None:
        self._cache = cache
        self._path = path.with_name(path.name + _PART)
        self._room = path.with_name(path.name + _PART + _ROOM)
        self._file = self._path.open("ab")
        self._reserved = 0
        self._is_mine = False
        #: How many bytes have come.
        self.size = 0

    def lock(self, whole: Path) -> bool:
        """Whether this process is to fetch it; not so where another has done so meanwhile."""
        ends_at = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > ends_at:
                    raise UnreadableFile(
                        "Another process fetches this song, and takes too long. Try again."
                    ) from None
                time.sleep(0.1)
        status = os.fstat(self._file.fileno())
        if not status.st_nlink:
            return False
        self.size = status.st_size
        self._is_mine = True
        if whole.exists():
            self._path.unlink(missing_ok=True)
            return False
        return True

    def write(self, data: bytes) -> None:
        """Put bytes at the end.

        Raises:
            UnreadableFile: there is no room for them.
        """
        if self.size + len(data) > self._reserved:
            step = max(len(data), min(STEP_BYTES, self._cache.max_bytes // 64))
            self._reserved = max(
                self.size + len(data), min(self.size + step, self._cache.max_bytes)
            )
            self._cache.make_room(self._room, size=self._reserved)
        self._file.write(data)
        self.size += len(data)

    def begin_again(self) -> None:
        """Forget what there is."""
        self._file.truncate(0)
        self.size = 0

    def finish(self, path: Path) -> BinaryIO:
        """Make it whole: the file, held against being removed."""
        self._file.flush()
        self._path.replace(path)
        self._room.unlink(missing_ok=True)
        fcntl.flock(self._file, fcntl.LOCK_SH)
        return self._file

    def close(self) -> None:
        """Leave it as it is: the next one goes on."""
        if self._is_mine:
            self._room.unlink(missing_ok=True)
        self._file.close()


def _too_large(max_bytes: int) -> UnreadableFile:
    return UnreadableFile(
        f"The song does not fit into the {max_bytes // 1024**2:,} MB that Earmark keeps for "
        "fetched sound (EARMARK_SOUND_CACHE_MB)."
    )


@contextmanager
def _no_room_said() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UnreadableFile("Earmark's disk is full: the song cannot be fetched.") from error
        raise
