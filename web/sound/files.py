"""A song's file, opened for reading: within its source, whatever links point there."""

from __future__ import annotations

import os
import stat
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from library.errors import UnreadableFile
from library.sound.songs import Place
from library.sources.kinds import kind_of
from library.sources.source import Installation


@dataclass(frozen=True, slots=True)
class SongFile:
    """An open file."""

    descriptor: int
    size_bytes: int
    modified_ns: int
    inode: int

    @property
    def version(self) -> str:
        """What its content is known by."""
        return f"{self.size_bytes:x}-{self.modified_ns:x}-{self.inode:x}"

    def close(self) -> None:
        """Close it."""
        os.close(self.descriptor)


def open_file(place: Place, installation: Installation) -> SongFile | None:
    """The file of a song; None where its source has to fetch it first, from a server.

    Raises:
        UnreadableFile: it is not there, may not be read, or is outside of its source.
        SourceUnavailable: its source cannot be opened.
    """
    with closing(kind_of(place.kind).open(place.source, installation)) as music:
        if music.root is None:
            return None
        with music.sound(place.external_id) as path:
            return open_within(music.root, path)


def open_within(root: Path, path: Path) -> SongFile:
    """A file of a folder.

    Raises:
        UnreadableFile: it is not there, may not be read, or is outside of the folder.
    """
    try:
        # Without waiting: somebody may have put a pipe there.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it has no such name"
        raise UnreadableFile(f"The song's file cannot be opened: {reason}.") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableFile("The song's file is no file.")
        if not _real_path(descriptor, path).is_relative_to(os.path.realpath(root)):
            raise UnreadableFile("The song's file is outside of its source.")
    except UnreadableFile:
        os.close(descriptor)
        raise
    return SongFile(descriptor, status.st_size, status.st_mtime_ns, status.st_ino)


def _real_path(descriptor: int, path: Path) -> Path:
    """Where an open file is, asked after it was opened: a link may have changed before."""
    try:
        return Path(os.readlink(f"/proc/self/fd/{descriptor}"))  # noqa: PTH115 - as bytes allow
    except OSError:
        return Path(os.path.realpath(path))
