"""Walks a folder: its files, and what of it could not be looked at."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

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
        *(".trash", ".trashes", ".spotlight-v100", ".fseventsd", ".stversions", ".snapshots"),
    )
)
#: Recycle bins of Linux desktops, one for each user.
_HIDDEN_BINS = ".Trash-"


@dataclass(frozen=True, slots=True)
class Unseen:
    """A folder or file that is there and could not be looked at, with all that lies under it."""

    path: Path
    #: A sentence for the person.
    reason: str


class FoundFile(NamedTuple):
    """A file that is there."""

    #: From the root on, as the system has it.
    name: str
    status: os.stat_result


@dataclass(slots=True)
class Walk:
    """One walk through a folder and its sub-folders, links within it included.

    Iterate over it once; the rest is known afterwards.
    """

    root: Path
    #: Where links may lead: the root without links.
    real_root: Path
    #: Called with each folder before it is listed, and with the number of files before it.
    on_folder: Callable[[str, int], None] | None = None
    unseen: list[Unseen] = field(default_factory=list)
    #: Links that lead out of the root, and are not followed.
    links_out: list[Path] = field(default_factory=list)
    #: Folders that were walked under another name, which a link gave them.
    walked_before: list[Path] = field(default_factory=list)
    #: Folders of systems, which are not walked.
    left_out: list[Path] = field(default_factory=list)
    #: The folders directly in the root that were walked, by their names.
    top_folders: dict[str, Identity] = field(default_factory=dict)
    _seen: set[Identity] = field(default_factory=set)
    _files_seen: int = 0

    def __iter__(self) -> Iterator[FoundFile]:
        """Every file. One folder that cannot be listed takes nothing from the others."""
        # A stack and no recursion: folders may lie deeper in each other than calls may.
        open_folders = [self._entries(str(self.root), "")]
        while open_folders:
            found = next(open_folders[-1], None)
            if found is None:
                open_folders.pop()
                continue
            name, entry = found
            look = self._look_at(entry)
            if isinstance(look, os.stat_result):
                self._files_seen += 1
                yield FoundFile(name, look)
            elif look:
                open_folders.append(self._entries(entry.path, name))

    def _entries(self, folder: str, name: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """What is in a folder, with its name from the root on."""
        if self.on_folder is not None:
            self.on_folder(name, self._files_seen)
        try:
            identity = identity_of(Path(folder))
            if identity in self._seen:
                self.walked_before.append(Path(folder))
                return
            # Closed at once: a deep folder holds no descriptor for each one above.
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            # Whatever the error. Its parent has just told of it: if it is gone now, that may be
            # the whole root, which is being unmounted.
            self._leave_out(folder, error, "folder")
            return
        self._seen.add(identity)
        if name and "/" not in name:
            self.top_folders[name] = identity
        for entry in entries:
            if entry.name.lower() in SYSTEM_FOLDERS or entry.name.startswith(_HIDDEN_BINS):
                self.left_out.append(Path(entry.path))
            elif not entry.name.startswith("."):
                yield f"{name}/{entry.name}" if name else entry.name, entry

    def _look_at(self, entry: os.DirEntry[str]) -> os.stat_result | bool:
        """What is known of a file; whether something else is a folder to go into."""
        is_link = entry.is_symlink()
        if is_link and not self._is_inside(entry.path):
            self.links_out.append(Path(entry.path))
            return False
        try:
            # A folder needs no look of its own: the list that it stands in tells that it is one.
            if entry.is_dir(follow_symlinks=is_link):
                return True
            status = entry.stat(follow_symlinks=is_link)
        except OSError as error:
            if not (is_link and error.errno in _LEADS_NOWHERE):
                self._leave_out(entry.path, error, "file")
            return False
        return status if stat.S_ISREG(status.st_mode) else False

    def _is_inside(self, path: str) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(self.real_root)

    def _leave_out(self, path: str, error: OSError, what: str) -> None:
        why = error.strerror or "unknown error"
        self.unseen.append(Unseen(Path(path), f"The {what} cannot be looked at: {why}."))


def identity_of(folder: Path) -> Identity:
    """The identity of a folder: another one that has its name later has another."""
    status = folder.stat()
    return status.st_dev, status.st_ino
