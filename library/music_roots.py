"""The folders that accounts may choose their music from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from .errors import FolderRefused
from .sources.location import shown


@dataclass(frozen=True, slots=True)
class MusicRoots:
    """Some folders, and all that is below them in fact: links that lead out of them are not."""

    paths: tuple[Path, ...]

    def existing(self) -> list[Path]:
        """Those that can be opened now, each once; a disk may be away."""
        return list(dict.fromkeys(_real(path) for path in self.paths if _is_open(path)))

    def missing(self) -> list[Path]:
        """Those that cannot be opened now."""
        return [path for path in self.paths if not _is_open(path)]

    def holds(self, folder: Path) -> bool:
        """Whether a folder, or what it links to, is one of these or below one."""
        real = _real(folder)
        return any(real.is_relative_to(_real(root)) for root in self.paths)

    def folder(self, wanted: Path) -> Path:
        """The folder that a path leads to, its links resolved.

        Raises:
            FolderRefused: it is outside, or cannot be opened. What is outside is refused alike
                whether it is there or not.
        """
        if not wanted.is_absolute() or ".." in wanted.parts or "\0" in str(wanted):
            raise FolderRefused("Name a folder by its whole path, without two dots in it.")
        if not self.holds(wanted):
            raise FolderRefused(
                f"The folder {shown(str(wanted))} is none of those that accounts may choose from: "
                "EARMARK_MUSIC_ROOTS names them."
            )
        real = _real(wanted)
        if not _is_open(real):
            raise FolderRefused(
                f"The folder {shown(str(wanted))} cannot be opened: check that it is there and "
                "that Earmark may read it."
            )
        return real

    def below(self, folder: Path) -> list[Path]:
        """The folders right in a folder that can be chosen or opened, by name.

        Raises:
            FolderRefused: as `folder` does.
        """
        with os.scandir(self.folder(folder)) as entries:
            found = [Path(e.path) for e in entries if not e.name.startswith(".") and _is_folder(e)]
        return sorted(path for path in found if not path.is_symlink() or self.holds(path))

    def above(self, folder: Path) -> list[Path]:
        """A folder and those it is in, from its root on."""
        roots = {_real(path) for path in self.paths}
        chain = [folder, *folder.parents]
        tops = [at for at, path in enumerate(chain) if path in roots]
        return chain[: max(tops) + 1][::-1] if tops else [folder]


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads back to itself
        return False


def _is_open(path: Path) -> bool:
    try:
        os.scandir(path).close()
    except (OSError, ValueError):
        return False
    return True
