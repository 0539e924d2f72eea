"""An uploaded export as a source of music: songs without sound, playlists, and what is loved."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from ...errors import NoSound, SourceUnavailable, UnreadableFile
from ..contents import Contents
from ..lists import called
from ..places import SongIndex
from ..records import EntryRecord, PlaylistRecord, SongRecord
from ..source import Installation, MusicSource, SourceRow
from .parts import ExportFile
from .reading import read
from .storage import ExportStore, Upload
from .tracks import Export, Track, TrackList

NAME = "export"
#: Raise it when more or something else is read of exports.
READ_VERSION = 1
#: The list of what is loved, and what it is called for people.
LOVED, LOVED_NAME = "loved", "Liked songs"
#: In the settings of a source: the names of its files, who wrote them, and what a look at them has
#: left out, in words.
FILES, WRITTEN_BY, LEFT_OUT = "files", "written_by", "left_out"
#: As long as a time is at most: 20 letters.
_HASH_LETTERS = 16


class ExportSource:
    """An export, read whole when it is scanned. It never changes: a newer upload is another one."""

    read_version = READ_VERSION
    root = None

    def __init__(self, files: Sequence[ExportFile], *, name: str) -> None:
        self._files, self._name = files, name
        self._export: Export | None = None
        self._lists: dict[str, TrackList] = {}

    @property
    def where(self) -> str:
        """What a sentence about it begins with."""
        return f"The export “{self._name}”"

    def scan(self) -> Contents:
        """All songs and playlists in it.

        Raises:
            SourceUnavailable: its files are not there any more, or damaged.
        """
        self.check()
        try:
            self._export = read(self._files)
        except (OSError, UnreadableFile) as error:
            why = error.reason if isinstance(error, UnreadableFile) else str(error.strerror)
            raise SourceUnavailable(f"{self.where} cannot be read. {why}") from error
        found = self._export
        self._lists = {one.key: one for one in found.playlists}
        lists = [*self._lists, LOVED] if found.loved else [*self._lists]
        labels = {one.key: one.name for one in found.playlists} | {LOVED: LOVED_NAME}
        for key, track in found.tracks.items():
            labels[key] = called(track.artist, track.title) or track.title
        return Contents(
            songs=tuple(sorted(found.tracks)), playlists=tuple(sorted(lists)), labels=labels
        )

    def check(self, external_id: str = "") -> None:
        """Look whether its files are there.

        Raises:
            SourceUnavailable: they are not.
        """
        del external_id
        if not self._files or not all(file.path.is_file() for file in self._files):
            raise SourceUnavailable(
                f"The files of {self.where[0].lower()}{self.where[1:]} are not kept here any more. "
                "Add it again: what is known of it stays."
            )

    def is_there(self, external_id: str) -> bool:
        """Whether a name is that of something in it."""
        return external_id in self._known.tracks or external_id == LOVED

    def fingerprint(self, external_id: str) -> tuple[str, ...] | None:
        """What stands for size, time and inode: nothing, a hash of all that is said, and a word."""
        track = self._known.tracks.get(external_id)
        return None if track is None else ("0", _hash(track), NAME)

    def read_song(self, external_id: str) -> SongRecord:
        """A song as it was when the export was scanned.

        Raises:
            UnreadableFile: there is no such song.
        """
        track = self._known.tracks.get(external_id)
        if track is None:
            raise UnreadableFile("The export does not name this song any more.")
        said = asdict(track)
        del said["uri"], said["place"]
        return SongRecord(
            external_id=external_id,
            **said,
            size_bytes=0,
            modified_ns=_hash(track),
            inode=NAME,
            has_sound=False,
        )

    def read_playlists(
        self, external_id: str, songs: SongIndex, gone: SongIndex | None = None
    ) -> tuple[PlaylistRecord, ...]:
        """A playlist, or the list of loved songs. What it names is in the export.

        Raises:
            UnreadableFile: there is no such list.
        """
        del songs, gone
        if external_id == LOVED:
            return (self._record(LOVED, LOVED_NAME, self._known.loved, is_liked=True),)
        found = self._lists.get(external_id)
        if found is None:
            raise UnreadableFile("The export does not have this playlist any more.")
        return (self._record(found.key, found.name, found.tracks),)

    def _record(
        self, key: str, name: str, tracks: Sequence[str], *, is_liked: bool = False
    ) -> PlaylistRecord:
        return PlaylistRecord(key, name, tuple(map(EntryRecord, tracks)), is_liked=is_liked)

    @contextmanager
    def sound(self, external_id: str) -> Iterator[Path]:
        """Nothing: exports have no sound.

        Raises:
            NoSound: always.
        """
        del external_id
        raise NoSound("An export has no sound: add the folder or the server that has the song.")
        yield Path()  # for the type of a generator

    def close(self) -> None:
        """Let go of what was read."""
        self._export = None

    @property
    def _known(self) -> Export:
        if self._export is None:
            self.scan()
        assert self._export is not None  # noqa: S101 - for the type checker
        return self._export


def _hash(track: Track) -> str:
    said = "\0".join(f"{name}={value}" for name, value in asdict(track).items())
    return hashlib.sha256(said.encode()).hexdigest()[:_HASH_LETTERS]


@dataclass(frozen=True, slots=True)
class ExportKind:
    """Exports that a person uploaded."""

    name: str = NAME
    title: str = "An export"
    has_sound: bool = False

    def open(self, row: SourceRow, installation: Installation) -> MusicSource:
        """The export of a row."""
        names = row.settings.get(FILES)
        files: list[ExportFile] = []
        if isinstance(names, list):
            folder = ExportStore(installation.data_dir).folder(upload_of(row))
            files = [ExportFile(str(name), folder / str(at)) for at, name in enumerate(names)]
        return ExportSource(files, name=row.name)

    def forget(self, row: SourceRow, installation: Installation) -> None:
        """Delete what is kept of a removed source beside its rows."""
        store = ExportStore(installation.data_dir)
        store.forget(account_id=row.account_id, source_id=row.id)


def upload_of(row: SourceRow) -> Upload:
    """The upload that a source's row names.

    Raises:
        SourceUnavailable: it names none.
    """
    try:
        return Upload(row.account_id, row.id, UUID(row.location))
    except ValueError as error:
        raise SourceUnavailable(f"The export “{row.name}” has no files here.") from error


KIND = ExportKind()
