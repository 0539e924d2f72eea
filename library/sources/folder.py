"""A folder of music: audio files with tags, and playlists as M3U files."""

from __future__ import annotations

import codecs
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from ..errors import SourceIncomplete, SourceUnavailable, UnreadableFile
from . import m3u
from .contents import Contents, top_folder
from .records import PlaylistRecord, SongRecord
from .tags import read_tags
from .walk import NOT_THERE, Identity, Walk, identity_of

_SUFFIXES = ".aac .aif .aiff .ape .flac .m4a .mp3 .mp4 .mpc .oga .ogg .opus .wav .wma .wv"
AUDIO_SUFFIXES = frozenset(_SUFFIXES.split(" "))
PLAYLIST_SUFFIXES = frozenset((".m3u", ".m3u8"))

#: Larger than any playlist; what is larger is something else.
MAX_PLAYLIST_BYTES = 8 * 1024 * 1024

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_LIKED_NAMES = frozenset(
    f"{word}{ending}"
    for word in ("favorite", "favourite", "liked", "like", "loved", "starred")
    for ending in ("", "s", " songs", " tracks")
)
_NUMBERED = re.compile(r"^\d{1,3}(?:\s*[-.)_]\s*|\s+)(?=\S)")


class FolderSource:
    r"""A folder, read only. Nothing outside of it is ever opened, whatever links point there.

    Files are named by their path relative to the root, with ``/`` between folders. Bytes of
    a name that are no UTF-8 appear as ``\xNN``, and a backslash as two.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._real_root = Path(os.path.realpath(root))
        #: The root and the folders directly in it, by their names, as they were when scanned.
        self._scanned: dict[str, Identity] = {}

    def scan(self) -> Contents:
        """All songs and playlists in it, and what could not be looked at.

        Raises:
            SourceUnavailable: the folder is not there or may not be read.
        """
        self._scanned = {"": self._open()}
        walk = Walk(self.root, self._real_root)
        songs, playlists = [], []
        for path in walk:
            suffix = path.suffix.lower()
            if suffix in AUDIO_SUFFIXES:
                songs.append(self.external_id(path))
            elif suffix in PLAYLIST_SUFFIXES:
                playlists.append(self.external_id(path))
        self.check()
        self._scanned |= {_escaped(name): identity for name, identity in walk.top_folders.items()}
        return Contents(
            songs=tuple(sorted(songs)),
            playlists=tuple(sorted(playlists)),
            top_folders=frozenset(map(_escaped, walk.top_folders)),
            unseen={self.external_id(part.path): part.reason for part in walk.unseen},
            links_out=frozenset(map(self.external_id, walk.links_out)),
            walked_before=frozenset(map(self.external_id, walk.walked_before)),
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
            raise SourceIncomplete(_went_away(f"The music folder {self.root}"))
        if top not in self._scanned:
            return
        with suppress(OSError):
            if identity_of(self.root / _unescaped(top)) == self._scanned[top]:
                return
        raise SourceIncomplete(_went_away(f"The folder “{_shown(top)}”"))

    def _require_content(self, top: str) -> None:
        """Look for anything in the root, and in one of the folders directly in it."""
        if not any(self.root.iterdir()):
            raise SourceIncomplete(
                f"The music folder {self.root} is empty: its disk may have been disconnected. "
                "Connect it and try again."
            )
        if top and _is_away(self.root / _unescaped(top)):
            raise SourceIncomplete(
                f"The folder “{_shown(top)}” is not there, or empty: its disk may have been "
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
        return _escaped(path.relative_to(self.root).as_posix())

    def path(self, external_id: str) -> Path:
        """The file of a name.

        Raises:
            UnreadableFile: the name leads out of the folder.
        """
        path = self.root / _unescaped(external_id)
        if not Path(os.path.realpath(path)).is_relative_to(self._real_root):
            raise UnreadableFile("The file is outside of the music folder.")
        return path

    def read_song(self, external_id: str) -> SongRecord:
        """A song's tags; what they do not say is told by the file's name.

        Raises:
            UnreadableFile: the file is empty, damaged or may not be read.
        """
        path = self.path(external_id)
        try:
            status = path.stat()
        except OSError as error:
            raise UnreadableFile(f"The file cannot be opened: {error.strerror}.") from error
        if status.st_size == 0:
            raise UnreadableFile("The file is empty.")
        tags = read_tags(path)
        artist, title = _told_by_name(external_id)
        return SongRecord(
            external_id=external_id,
            title=tags.title or title,
            artist=tags.artist or tags.album_artist or (artist if not tags.title else None),
            album=tags.album,
            album_artist=tags.album_artist,
            genre=tags.genre,
            year=tags.year,
            track_number=tags.track_number,
            duration_seconds=tags.duration_seconds,
            size_bytes=status.st_size,
            modified_ns=str(status.st_mtime_ns),
            device=str(status.st_dev),
            inode=str(status.st_ino),
        )

    def read_playlist(
        self, external_id: str, songs: SongIndex, gone: SongIndex | None = None
    ) -> PlaylistRecord:
        """A playlist and what of it is not there.

        An entry that names one of the songs that are `gone` keeps its place, and is missing.

        Raises:
            UnreadableFile: the file is no playlist or may not be read.
        """
        data = self._playlist_data(external_id)
        at = PurePosixPath(external_id).parent
        parsed = m3u.parse(data, lambda entry: songs.find(entry, at, self.root) is not None)
        found: dict[str, None] = {}
        missing = []
        for entry in parsed.entries:
            song = songs.find(entry, at, self.root)
            if song is None:
                missing.append(_shown(entry))
                song = gone.find(entry, at, self.root) if gone is not None else None
            if song is not None:
                found[song] = None
        name = _shown(parsed.name or PurePosixPath(external_id).stem)
        is_liked = name.casefold().strip() in _LIKED_NAMES
        return PlaylistRecord(external_id, name, tuple(found), tuple(missing), is_liked)

    def _playlist_data(self, external_id: str) -> bytes:
        try:
            with self.path(external_id).open("rb") as file:
                data = file.read(MAX_PLAYLIST_BYTES + 1)
        except OSError as error:
            raise UnreadableFile(f"The playlist cannot be opened: {error.strerror}.") from error
        is_binary = b"\0" in data[:64] and not data.startswith(_UTF_16)
        if is_binary or len(data) > MAX_PLAYLIST_BYTES:
            raise UnreadableFile("The file is not a playlist.")
        return data


class SongIndex:
    """Finds the song that a playlist's entry means, among a folder's songs."""

    def __init__(self, songs: Iterable[str]) -> None:
        self._exact = {song: song for song in songs}
        self._alike = {_alike(song): song for song in self._exact}

    def find(self, entry: str, at: PurePosixPath, root: Path) -> str | None:
        """The external id for an entry of a playlist in the folder `at`, or None."""
        for candidate in _candidates(entry, at, root):
            song = self._exact.get(candidate) or self._alike.get(_alike(candidate))
            if song is not None:
                return song
        return None


def _candidates(entry: str, at: PurePosixPath, root: Path) -> Sequence[str]:
    escaped = _escaped(entry)
    if escaped.startswith("/"):
        prefix = root.as_posix().rstrip("/") + "/"
        return (escaped.removeprefix(prefix),) if escaped.startswith(prefix) else ()
    relative = os.path.normpath((at / escaped).as_posix())
    return () if relative == ".." or relative.startswith("../") else (relative,)


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


def _escaped(name: str) -> str:
    """A file's name without what no database takes: undecodable bytes, as Python has them."""
    return "".join(
        f"\\x{ord(char) - 0xDC00:02x}" if 0xDC80 <= ord(char) <= 0xDCFF else char
        for char in name.replace("\\", "\\\\")
    )


def _unescaped(external_id: str) -> str:
    return re.sub(
        r"\\(\\|x[0-9a-f]{2})",
        lambda match: "\\" if match[1] == "\\" else chr(0xDC00 + int(match[1][1:], 16)),
        external_id,
    )


def _alike(name: str) -> str:
    """Names that differ only in case or in how accents are composed are the same file."""
    return unicodedata.normalize("NFC", name).casefold()


def _shown(text: str) -> str:
    """A text that may hold undecodable bytes or NUL, as it can be shown and stored."""
    return (
        text.replace("\0", "\ufffd").encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    )


def _told_by_name(external_id: str) -> tuple[str | None, str]:
    """Artist and title after the file's name, such as ``02 - Robert - City Blues``."""
    stem = PurePosixPath(external_id).stem
    name = _NUMBERED.sub("", stem).replace("_", " ").strip() or stem
    artist, divider, title = name.partition(" - ")
    if divider and artist.strip() and title.strip():
        return artist.strip(), title.strip()
    return None, name
