"""The lists of a folder of music, written as files."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from ..errors import UnreadableFile
from ..music_roots import MusicRoots
from ..sources.folder import FolderSource
from ..sources.location import shown
from ..sources.places import SongIndex
from .adding import Addition, add, format_of
from .backups import Backups
from .diff import Line, lines
from .disk import Disk
from .entries import NewSong
from .errors import Edited, NotWritable
from .replacing import CHANGED, CHANGED_SINCE, OpenList, key_of, opened, refusal
from .writer import BeforeWriting, Plan, Preview, Standing

_OFF = (
    "Earmark may not write into this folder: EARMARK_MUSIC_WRITE does not name it. "
    "Download the list instead."
)
_AWAY = "Its file is not where the last sync found it. Sync first."


class FolderWriter:
    """Writes lists of one folder, where the settings allow it, and nowhere else."""

    def __init__(
        self,
        root: Path,
        *,
        index: Callable[[], SongIndex],
        writable: MusicRoots,
        backups: Backups,
        disk: Disk | None = None,
    ) -> None:
        self._folder = FolderSource(root)
        self._root = Path(os.path.realpath(root))
        self._read_index = index
        self._writable = writable
        self._backups = backups
        self._disk = disk or Disk()

    @cached_property
    def _index(self) -> SongIndex:
        """The songs that lists name. What asks how a list stands needs none of them."""
        return self._read_index()

    def preview(self, list_id: str, songs: Sequence[NewSong]) -> Preview:
        """What would be written into a list, and whether it could be."""
        format_of(list_id)
        with self._opened(list_id) as found:
            _require_writable(found)
            new = self._added(found, list_id, songs)
            differing = lines(found.data, new.data, encoding=new.encoding)
            return Preview(found.key, new, differing)

    def write(self, plan: Plan, before_writing: BeforeWriting) -> None:
        """Put a plan's songs into its list."""
        with self._opened(plan.list_id, to_write=True) as found:
            found.forget(_draft(plan))
            if found.key == plan.after_key:
                return
            if found.key != plan.before_key:
                raise Edited(CHANGED)
            _require_writable(found)
            new = self._added(found, plan.list_id, plan.songs)
            if new.added:
                self._backups.keep(plan.id, found.data)
            before_writing(key_of(new.data), new)
            if new.added:
                self._replace(found, new.data, plan)

    def undo(self, plan: Plan) -> None:
        """Put a list back as it was."""
        with self._opened(plan.list_id, to_write=True) as found:
            found.forget(_draft(plan))
            if found.key == plan.before_key:
                return
            if found.key != plan.after_key:
                raise Edited(CHANGED_SINCE)
            _require_writable(found)
            old = self._backups.read(plan.id, content_key=plan.before_key)
            self._replace(found, old, plan)

    def verify(self, plan: Plan) -> Standing:
        """How a list stands to a plan."""
        with self._opened(plan.list_id) as found:
            if found.key == plan.after_key:
                return Standing.AFTER
            return Standing.BEFORE if found.key == plan.before_key else Standing.OTHER

    def settle(self, plan: Plan) -> Standing:
        """How a list stands to a plan, and nothing beside it that an attempt left there."""
        with self._opened(plan.list_id, to_write=True) as found:
            found.forget(_draft(plan))
        return self.verify(plan)

    def since(self, plan: Plan) -> Sequence[Line]:
        """What a list has that it did not have when the plan was carried out, and lacks."""
        old = self._backups.read(plan.id, content_key=plan.before_key)
        written = add(old, name=plan.list_id, index=self._index, songs=plan.songs)
        with self._opened(plan.list_id) as found:
            return lines(written.data, found.data)

    def _added(self, found: OpenList, list_id: str, songs: Sequence[NewSong]) -> Addition:
        """The list with those of the songs whose files are where a sync found them."""
        is_here = {song.external_id: self._folder.is_there(song.external_id) for song in songs}
        here = [song for song in songs if is_here[song.external_id]]
        away = tuple((song, _AWAY) for song in songs if not is_here[song.external_id])
        new = add(found.data, name=list_id, index=self._index, songs=here)
        return replace(new, refused=new.refused + away)

    def _replace(self, found: OpenList, data: bytes, plan: Plan) -> None:
        try:
            found.replace(data, draft=_draft(plan))
        except OSError as error:
            raise NotWritable(refusal(error)) from error

    @contextmanager
    def _opened(self, list_id: str, *, to_write: bool = False) -> Iterator[OpenList]:
        """A list by the way to it that has no link: a link itself is kept, and leads to it."""
        try:
            path = Path(os.path.realpath(self._folder.path(list_id)))
        except UnreadableFile as error:
            raise NotWritable("The list is outside of the music folder.") from error
        if not self._writable.paths or not self._writable.holds(path.parent):
            raise NotWritable(_OFF)
        relative = path.relative_to(self._root)
        with opened(self._disk, self._root, relative, to_write=to_write) as found:
            yield found


def _draft(plan: Plan) -> str:
    """The name of a list's new file until it is whole: hidden, so that no sync reads it."""
    return f".earmark-{plan.id}.tmp"


def _require_writable(found: OpenList) -> None:
    """Look whether a list may be written, and would keep its owner and its other names."""
    status = os.fstat(found.file)
    name = shown(found.name)
    if not status.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) or not os.access(
        found.name, os.W_OK, dir_fd=found.folder, effective_ids=_BY_EFFECTIVE
    ):
        raise NotWritable(f"The file {name} is read-only for Earmark. Allow writing to it first.")
    if not os.access(".", os.W_OK | os.X_OK, dir_fd=found.folder, effective_ids=_BY_EFFECTIVE):
        raise NotWritable(f"Earmark may not make files in the folder of {name}: allow that first.")
    if status.st_nlink > 1:
        raise NotWritable(
            f"The file {name} has {status.st_nlink} names (hard links), which would be parted. "
            "Download the list instead."
        )
    if status.st_uid != os.geteuid() and os.geteuid() != 0:
        raise NotWritable(
            f"The file {name} belongs to another user of the computer, which Earmark could not "
            "keep. Run Earmark as that user, or download the list."
        )


_BY_EFFECTIVE = os.access in os.supports_effective_ids
