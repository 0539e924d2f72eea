"""A folder of music: audio files with tags, and playlists in the formats of any program."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from ..errors import SourceIncomplete, SourceUnavailable, UnreadableFile
from .audio_key import audio_key, content_key
from .beside import AUDIO_SUFFIXES
from .contents import Contents, top_folder
from .liked import is_liked_name
from .lists import Entry, SongList
from .names import escaped, text_of, unescaped
from .places import SongIndex
from .playlist_files import PLAYLIST_SUFFIXES, parse_file
from .records import EntryRecord, PlaylistRecord, SongRecord
from .song_files import SongFiles, print_of
from .tags import opened
from .walk import NOT_THERE, Identity, Walk, identity_of

#: Raise it when more or something else is read of a file, so that all files are read again.
READ_VERSION = 3
#: Longest name of a playlist or an entry, and the longest path of an entry, in letters.
MAX_NAME = 300
MAX_PLACE = 1_000


class FolderSource:
    r"""A folder, read only. Nothing outside of it is ever opened, whatever links point there.

    Files are named by their path relative to the root, with ``/`` between folders. Bytes of
    a name that are no UTF-8 appear as ``\xNN``, and a backslash as two.
    """

    read_version = READ_VERSION

    def __init__(self, root: Path) -> None:
        self.root = root
        self._real_root = Path(os.path.realpath(root))
        #: The root and the folders directly in it, by their names, as they were when scanned.
        self._scanned: dict[str, Identity] = {}
        #: Size, time and inode of the files that the scan found, by their names.
        self._files: dict[str, str] = {}
        self._songs = SongFiles(self.path)
        #: Called with each folder that a scan lists, and the number of files that it found before.
        self.on_folder: Callable[[str, int], None] | None = None

    @property
    def where(self) -> str:
        """What a sentence about it begins with."""
        return f"The music folder {self.root}"

    def scan(self) -> Contents:
        """All songs and playlists in it, and what could not be looked at.

        Raises:
            SourceUnavailable: the folder is not there or may not be read.
        """
        self._scanned = {"": self._open()}
        walk = Walk(self.root, self._real_root, self.on_folder)
        songs, playlists = [], []
        for found in walk:
            name = escaped(found.name)
            _, dot, ending = name.rpartition(".")
            suffix = f"{dot}{ending.lower()}"
            if suffix in AUDIO_SUFFIXES:
                songs.append(name)
            elif suffix in PLAYLIST_SUFFIXES:
                playlists.append(name)
            else:
                continue
            # As one text, which takes a third of the memory of three.
            self._files[name] = " ".join(print_of(found.status))
        self.check()
        self._scanned |= {escaped(name): identity for name, identity in walk.top_folders.items()}
        return Contents(
            songs=tuple(sorted(songs)),
            playlists=tuple(sorted(playlists)),
            top_folders=frozenset(map(escaped, walk.top_folders)),
            unseen={self.external_id(part.path): part.reason for part in walk.unseen},
            links_out=frozenset(map(self.external_id, walk.links_out)),
            walked_before=frozenset(map(self.external_id, walk.walked_before)),
            left_out=tuple(sorted(map(self.external_id, walk.left_out))),
        )

    def check(self, external_id: str = "") -> None:
        """Look whether the folder is still the one that was scanned, and the part of a name, too.

        Raises:
            SourceUnavailable: the folder is not there any more or may not be read.
            SourceIncomplete: another folder is in its place, or in that of a folder in it; or
                neither was scanned, and one is not there or empty, as a mount point is.
        """
        now, top = self._open(), top_folder(external_id)
        if not self._scanned:
            self._require_content(top)
            return
        if now != self._scanned.get("", now):
            raise SourceIncomplete(_went_away(self.where))
        if top not in self._scanned:
            return
        with suppress(OSError):
            if identity_of(self.root / unescaped(top)) == self._scanned[top]:
                return
        raise SourceIncomplete(_went_away(f"The folder “{text_of(top)}”"))

    def _require_content(self, top: str) -> None:
        """Look for anything in the root, and in one of the folders directly in it."""
        if not any(self.root.iterdir()):
            raise SourceIncomplete(
                f"The music folder {self.root} is empty: its disk may have been disconnected. "
                "Connect it and try again."
            )
        if top and _is_away(self.root / unescaped(top)):
            raise SourceIncomplete(
                f"The folder “{text_of(top)}” is not there, or empty: its disk may have been "
                "disconnected. Connect it and try again; if its songs are really gone, sync first."
            )

    def _open(self) -> Identity:
        try:
            os.scandir(self.root).close()
            return identity_of(self.root)
        except OSError as error:
            raise SourceUnavailable(
                f"The music folder {self.root} cannot be read: {error.strerror}. "
                "Check that it exists and that Earmark may read it. Nothing was removed."
            ) from error

    def is_there(self, external_id: str) -> bool:
        """Whether a name is that of something that is there, or that cannot be looked at."""
        try:
            self.path(external_id).stat()
        except UnreadableFile:
            return False
        except OSError as error:
            return error.errno not in NOT_THERE
        return True

    def external_id(self, path: Path) -> str:
        """The name of a file of the folder."""
        return escaped(path.relative_to(self.root).as_posix())

    def path(self, external_id: str) -> Path:
        """The file of a name.

        Raises:
            UnreadableFile: the name leads out of the folder.
        """
        path = self.root / unescaped(external_id)
        if not Path(os.path.realpath(path)).is_relative_to(self._real_root):
            raise UnreadableFile("The file is outside of the music folder.")
        return path

    @contextmanager
    def sound(self, external_id: str) -> Iterator[Path]:
        """A song's sound: its file.

        Raises:
            UnreadableFile: the name leads out of the folder.
        """
        yield self.path(external_id)

    def close(self) -> None:
        """Nothing: it holds nothing open."""

    def fingerprint(self, external_id: str) -> tuple[str, ...] | None:
        """Size, time and inode of a file, by which it is known to be unchanged; None if it is gone.

        As the scan found them, if there was one. The device is not among them: its number changes
        when a disk is mounted again.

        Raises:
            UnreadableFile: the name leads out of the folder.
        """
        if external_id in self._files:
            return tuple(self._files[external_id].split())
        try:
            return print_of(self.path(external_id).stat())
        except OSError:
            return None

    def audio_key(self, external_id: str) -> str | None:
        """What names a song's sound, whatever its tags say; None where it cannot be read."""
        with suppress(UnreadableFile), opened(self.path(external_id)) as file:
            return audio_key(file)
        return None

    def list_key(self, external_id: str) -> str | None:
        """What names the content of a file with playlists; None where it cannot be read."""
        with suppress(UnreadableFile), opened(self.path(external_id)) as file:
            return content_key(file)
        return None

    def read_song(self, external_id: str) -> SongRecord:
        """A song's tags; what they do not say is told by the file's name.

        Raises:
            UnreadableFile: the file is empty, damaged or may not be read.
        """
        record = self._songs.read(external_id)
        # The record tells it better than the scan, and takes it along.
        self._files.pop(external_id, None)
        return record

    def read_playlists(
        self, external_id: str, songs: SongIndex, gone: SongIndex | None = None
    ) -> tuple[PlaylistRecord, ...]:
        """The playlists of a file, each with what of it is not there.

        An entry that names one of the songs that are `gone` keeps its place, and is missing.

        Raises:
            UnreadableFile: the file is no playlist or may not be read.
        """
        at = PurePosixPath(external_id).parent
        path = self.path(external_id)
        lists = parse_file(path, lambda entry: songs.find_place(entry, at) is not None)
        return tuple(
            PlaylistRecord(
                external_id=f"{external_id}/{found.key}" if found.key else external_id,
                name=(name := _name_of(found, external_id)),
                entries=tuple(_resolved(entry, at, songs, gone) for entry in found.entries),
                is_liked=found.is_liked or is_liked_name(name),
            )
            for found in lists
        )


def _name_of(found: SongList, external_id: str) -> str:
    return text_of(found.name or PurePosixPath(external_id).stem)[:MAX_NAME]


def _resolved(
    entry: Entry, at: PurePosixPath, songs: SongIndex, gone: SongIndex | None
) -> EntryRecord:
    song = songs.find(entry, at)
    is_missing = song is None
    if song is None and gone is not None:
        song = gone.find(entry, at)
    place = text_of(entry.places[0]) if entry.places else ""
    label = text_of(entry.label or "") or place.replace("\\", "/").rpartition("/")[2]
    return EntryRecord(song, is_missing, (label or "No name")[:MAX_NAME], place[:MAX_PLACE])


def _is_away(folder: Path) -> bool:
    """Whether there is no such folder, or nothing in it."""
    try:
        return not any(folder.iterdir())
    except OSError as error:
        return error.errno in NOT_THERE


def _went_away(what: str) -> str:
    return (
        f"{what} went away while this was at work: its disk may have been disconnected. "
        "Nothing was removed. Try again."
    )
