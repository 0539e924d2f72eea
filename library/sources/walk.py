"""Walks a folder: its files, and what of it could not be looked at."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

#: The errors by which the system says that a file or folder is not there.
NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR})
#: The errors by which the system says that a link leads to nothing, or back to itself.
_LEADS_NOWHERE = NOT_THERE | {errno.ELOOP}

Identity = tuple[int, int]

#: Folders that systems make for themselves: recycle bins, indexes, previews. In small letters.
SYSTEM_FOLDERS = frozenset(
    (
        *("$recycle.bin", "recycler", "#recycle", "@recycle", "@eadir", "#snapshot"),
        *("system volume information", "lost+found", "__macosx"),
    )
)


@dataclass(frozen=True, slots=True)
class Unseen:
    """A folder or file that is there and could not be looked at, with all that lies under it."""

    path: Path
    #: A sentence for the person.
    reason: str


@dataclass(slots=True)
class Walk:
    """One walk through a folder and its sub-folders, links within it included.

    Iterate over it once; the rest is known afterwards.
    """

    root: Path
    #: Where links may lead: the root without links.
    real_root: Path
    unseen: list[Unseen] = field(default_factory=list)
    #: Links that lead out of the root, and are not followed.
    links_out: list[Path] = field(default_factory=list)
    #: Folders that were walked under another name, which a link gave them.
    walked_before: list[Path] = field(default_factory=list)
    #: The folders directly in the root that were walked, by their names.
    top_folders: dict[str, Identity] = field(default_factory=dict)
    _seen: set[Identity] = field(default_factory=set)

    def __iter__(self) -> Iterator[Path]:
        """Every file. One folder that cannot be listed takes nothing from the others."""
        return self._files(self.root)

    def _files(self, folder: Path) -> Iterator[Path]:
        try:
            identity = identity_of(folder)
            if identity in self._seen:
                self.walked_before.append(folder)
                return
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            # Whatever the error. Its parent has just told of it: if it is gone now, that may be
            # the whole root, which is being unmounted.
            self._leave_out(folder, error, "folder")
            return
        self._seen.add(identity)
        if folder.parent == self.root and folder != self.root:
            self.top_folders[folder.name] = identity
        for entry in entries:
            if not entry.name.startswith(".") and entry.name.lower() not in SYSTEM_FOLDERS:
                yield from self._of_entry(entry)

    def _of_entry(self, entry: os.DirEntry[str]) -> Iterator[Path]:
        path = Path(entry.path)
        if entry.is_symlink() and not self._is_inside(path):
            self.links_out.append(path)
            return
        try:
            mode = path.stat().st_mode
        except OSError as error:
            if not (entry.is_symlink() and error.errno in _LEADS_NOWHERE):
                self._leave_out(path, error, "file")
            return
        if stat.S_ISDIR(mode):
            yield from self._files(path)
        elif stat.S_ISREG(mode):
            yield path

    def _is_inside(self, path: Path) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(self.real_root)

    def _leave_out(self, path: Path, error: OSError, what: str) -> None:
        why = error.strerror or "unknown error"
        self.unseen.append(Unseen(path, f"The {what} cannot be looked at: {why}."))


def identity_of(folder: Path) -> Identity:
    """The identity of a folder: another one that has its name later has another."""
    status = folder.stat()
    return status.st_dev, status.st_ino
