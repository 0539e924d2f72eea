"""A folder of music: audio files with tags, and playlists as M3U files."""

from __future__ import annotations

import codecs
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import SourceUnavailable, UnreadableFile
from . import m3u
from .records import PlaylistRecord, SongRecord
from .tags import read_tags

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


@dataclass(frozen=True, slots=True)
class Contents:
    """What a folder holds, as external ids, sorted."""

    songs: tuple[str, ...]
    playlists: tuple[str, ...]


class FolderSource:
    r"""A folder, read only. Nothing outside of it is ever opened, whatever links point there.

    Files are named by their path relative to the root, with ``/`` between folders. Bytes of
    a name that are no UTF-8 appear as ``\xNN``, and a backslash as two.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._real_root = Path(os.path.realpath(root))

    def scan(self) -> Contents:
        """All songs and playlists in it.

        Raises:
            SourceUnavailable: the folder is not there or may not be read.
        """
        try:
            os.scandir(self.root).close()
        except OSError as error:
            raise SourceUnavailable(
                f"The music folder {self.root} cannot be read: {error.strerror}. "
                "Check that it exists and that Earmark may read it."
            ) from error
        songs, playlists = [], []
        for path in self._walk(self.root, set()):
            suffix = path.suffix.lower()
            if suffix in AUDIO_SUFFIXES:
                songs.append(self.external_id(path))
            elif suffix in PLAYLIST_SUFFIXES:
                playlists.append(self.external_id(path))
        return Contents(tuple(sorted(songs)), tuple(sorted(playlists)))

    def _walk(self, folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
        try:
            status = folder.stat()
            identity = (status.st_dev, status.st_ino)
            if identity in seen:
                return  # a link back to a folder that was walked
            seen.add(identity)
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            return  # one folder that may not be read takes nothing from the others
        for entry in entries:
            if entry.name.startswith(".") or not self._is_inside(entry):
                continue
            path = Path(entry.path)
            # Not the entry's own tests, which raise for a link that leads back to itself.
            if path.is_dir():
                yield from self._walk(path, seen)
            elif path.is_file():
                yield path

    def _is_inside(self, entry: os.DirEntry[str]) -> bool:
        if not entry.is_symlink():
            return True
        return Path(os.path.realpath(entry.path)).is_relative_to(self._real_root)

    def external_id(self, path: Path) -> str:
        """The name of a file of the folder."""
        return _escaped(path.relative_to(self.root).as_posix())

    def path(self, external_id: str) -> Path:
        """The file of a name.

        Raises:
            UnreadableFile: the name leads out of the folder.
        """
        name = re.sub(
            r"\\(\\|x[0-9a-f]{2})",
            lambda match: "\\" if match[1] == "\\" else chr(0xDC00 + int(match[1][1:], 16)),
            external_id,
        )
        path = self.root / name
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
        )

    def read_playlist(self, external_id: str, songs: SongIndex) -> PlaylistRecord:
        """A playlist and what of it is not there.

        Raises:
            UnreadableFile: the file is no playlist or may not be read.
        """
        path = self.path(external_id)
        try:
            with path.open("rb") as file:
                data = file.read(MAX_PLAYLIST_BYTES + 1)
        except OSError as error:
            raise UnreadableFile(f"The playlist cannot be opened: {error.strerror}.") from error
        is_binary = b"\0" in data[:64] and not data.startswith(_UTF_16)
        if is_binary or len(data) > MAX_PLAYLIST_BYTES:
            raise UnreadableFile("The file is not a playlist.")
        at = PurePosixPath(external_id).parent
        parsed = m3u.parse(data, lambda entry: songs.find(entry, at, self.root) is not None)
        found: dict[str, None] = {}
        missing = []
        for entry in parsed.entries:
            song = songs.find(entry, at, self.root)
            if song is None:
                missing.append(_shown(entry))
            else:
                found[song] = None
        name = _shown(parsed.name or PurePosixPath(external_id).stem)
        is_liked = name.casefold().strip() in _LIKED_NAMES
        return PlaylistRecord(external_id, name, tuple(found), tuple(missing), is_liked)


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


def _escaped(name: str) -> str:
    """A file's name without what no database takes: undecodable bytes, as Python has them."""
    return "".join(
        f"\\x{ord(char) - 0xDC00:02x}" if 0xDC80 <= ord(char) <= 0xDCFF else char
        for char in name.replace("\\", "\\\\")
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
