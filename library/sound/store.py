"""The store: what was made of songs' sound, in a folder, to a bound."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from .content import is_locked

_FOLDER = "played"
#: What was not asked for as long is deleted.
KEEP_DAYS = 7
#: A song of which nothing could be made is tried again after so long.
_FAILED_SECONDS = 24 * 3600
#: After a maker died in the middle, the next try waits: the song may have been the cause.
_AFTER_DEATH_SECONDS = 60


@dataclass(frozen=True, slots=True)
class SoundKey:
    """Names what is made of one version of one song."""

    account_id: UUID
    digest: str

    @classmethod
    def of(cls, account_id: UUID, song_id: UUID, *parts: object) -> SoundKey:
        """The key of a song, whose content and form the other parts tell."""
        text = "\0".join(map(str, (account_id, song_id, *parts)))
        return cls(account_id, hashlib.sha256(text.encode(errors="replace")).hexdigest()[:40])


@dataclass(frozen=True, slots=True)
class SoundStore:
    """The folder, and how much it may hold."""

    folder: Path
    most_bytes: int

    @classmethod
    def within(cls, data_dir: Path, *, most_bytes: int = 0) -> SoundStore:
        """The folder of an installation."""
        return cls(data_dir / _FOLDER, most_bytes)

    def whole(self, key: SoundKey) -> Path:
        """Where a sound is once it is whole."""
        return self._path(key, "mp3")

    def part(self, key: SoundKey) -> Path:
        """Where it is while it is made."""
        return self._path(key, "part")

    def waveform(self, key: SoundKey) -> Path:
        """Where a song's waveform is."""
        return self._path(key, "waveform")

    def failure(self, key: SoundKey) -> Path:
        """Where it stands that nothing can be made of a song."""
        return self._path(key, "failed")

    def _path(self, key: SoundKey, kind: str) -> Path:
        return self.folder / str(key.account_id) / f"{key.digest}.{kind}"

    def prepare(self, key: SoundKey) -> None:
        """Make the folders.

        Raises:
            OSError: they cannot be made.
        """
        self.whole(key).parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def open_whole(self, path: Path) -> int | None:
        """The descriptor of a file that is whole, which is marked as used; None: there is none."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        with suppress(OSError):
            os.utime(path, ns=(time.time_ns(), os.fstat(descriptor).st_mtime_ns))
        return descriptor

    def reason(self, key: SoundKey) -> str | None:
        """Why nothing can be made of a song, in a sentence, where that is known."""
        path = self.failure(key)
        try:
            if time.time() - path.stat().st_mtime < _FAILED_SECONDS:
                return path.read_text()
        except OSError:
            return None
        return None

    def fail(self, key: SoundKey, reason: str, *, for_seconds: float = _FAILED_SECONDS) -> None:
        """Remember for a time why nothing can be made of a song."""
        self.write(self.failure(key), reason.encode())
        since = time.time() - (_FAILED_SECONDS - for_seconds)
        os.utime(self.failure(key), (since, since))

    def write(self, path: Path, data: bytes) -> None:
        """Put a small file in its place."""
        new = path.with_name(f"{path.name}.{os.getpid()}.new")
        new.write_bytes(data)
        new.replace(path)

    def has_just_died(self, part: Path) -> bool:
        """Whether a maker left a part a moment ago without an end of its own."""
        try:
            status = part.stat()
        except OSError:
            return False
        return status.st_size > 0 and time.time() - status.st_mtime < _AFTER_DEATH_SECONDS

    def is_under_way(self, key: SoundKey) -> bool:
        """Whether a maker is at work on it."""
        return _is_being_made(self.part(key))

    def forget(self, account_id: UUID) -> None:
        """Delete all of an account."""
        shutil.rmtree(self.folder / str(account_id), ignore_errors=True)

    def prune(self) -> None:
        """Delete what was not asked for for long, and then what was asked for longest ago."""
        kept = sorted(self._files(), key=lambda found: found[0], reverse=True)
        oldest, room = time.time() - KEEP_DAYS * 86_400, self.most_bytes
        for used, size, path in kept:
            room -= size
            if (used < oldest or room < 0) and not _is_being_made(path):
                with suppress(OSError):
                    path.unlink()

    def _files(self) -> list[tuple[float, int, Path]]:
        found = []
        for path in self.folder.glob("*/*.*"):
            with suppress(OSError):
                status = path.stat()
                found.append((max(status.st_atime, status.st_mtime), status.st_size, path))
        return found


def _is_being_made(path: Path) -> bool:
    if path.suffix != ".part":
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return is_locked(descriptor)
    finally:
        os.close(descriptor)


def take_lock(descriptor: int) -> bool:
    """Take the lock of a file, which is held until all its descriptors are closed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file still has a name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False
