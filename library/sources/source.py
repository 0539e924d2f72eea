"""The contract of a source: whatever holds music gives the same songs and playlists.

A folder, a server and an export are read by one sync, through this alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from ..music_roots import MusicRoots
from .contents import Contents
from .places import SongIndex
from .records import PlaylistRecord, SongRecord


class MusicSource(Protocol):
    """A source that is open for reading. Names are external ids: its own names for what it has.

    A name may have parts, divided by ``/`` as in folders; a loss is told by the first part.
    """

    @property
    def read_version(self) -> int:
        """The rules by which it is read: with another number, all songs are read again."""

    @property
    def where(self) -> str:
        """What a sentence about it begins with, such as ``The music folder /srv/music``."""

    @property
    def root(self) -> Path | None:
        """The folder that its names are paths in; None where they are none."""

    def scan(self) -> Contents:
        """All songs and playlists in it, and what could not be looked at.

        Raises:
            SourceUnavailable: it cannot be read at all.
        """

    def check(self, external_id: str = "") -> None:
        """Look whether it, and the part of a name, is still what was scanned.

        Called after every song that could not be read, so that no song fails for its source.

        Raises:
            SourceUnavailable: it cannot be read any more.
            SourceIncomplete: it can be read, and is not what it was.
        """

    def is_there(self, external_id: str) -> bool:
        """Whether a name is that of something that is there, or that cannot be looked at."""

    def fingerprint(self, external_id: str) -> tuple[str, ...] | None:
        """Size, time and inode, by which a song is known to be unchanged; None if it is gone.

        Three texts, equal to those of the song's `SongRecord` (`size_bytes`, `modified_ns` and
        `inode`). A source that has others of them gives a hash or a date in their place.
        """

    def read_song(self, external_id: str) -> SongRecord:
        """A song as the source has it.

        Raises:
            UnreadableFile: it cannot be used, in a sentence for the person.
        """

    def read_playlists(
        self, external_id: str, songs: SongIndex, gone: SongIndex | None = None
    ) -> tuple[PlaylistRecord, ...]:
        """The playlists that stand under a name of `Contents.playlists`.

        ``name in songs`` tells whether a song is known; one of those that are `gone` may be named,
        and is missing.

        Raises:
            UnreadableFile: they cannot be read, in a sentence for the person.
        """

    def sound(self, external_id: str) -> AbstractContextManager[Path]:
        """A block in which a song's sound is a file to decode.

        Raises:
            NoSound: the source has none for it.
            UnreadableFile: it cannot be had, in a sentence for the person.
        """

    def close(self) -> None:
        """Let go of what it holds, such as connections."""


@runtime_checkable
class TellsWhatItLists(Protocol):
    """An ability of a source whose scan takes a while."""

    #: Called with each folder that a scan lists, and the number of files that it found before. A
    #: source without folders calls it with an empty name, now and then.
    on_folder: Callable[[str, int], None] | None


@runtime_checkable
class GivesIds(Protocol):
    """A source that may give all of its songs new names, as a server does that was set up anew.

    Its fingerprints are of all that it tells of a song but the name: two songs with the same one
    are the same song.
    """

    gives_ids: bool


@runtime_checkable
class SourceOfFiles(TellsWhatItLists, Protocol):
    """What a source of files can besides: its songs and lists are found under other names, too."""

    def audio_key(self, external_id: str) -> str | None:
        """What names a song's sound, whatever its tags say; None where it cannot be read."""

    def list_key(self, external_id: str) -> str | None:
        """What names the content of a file with playlists; None where it cannot be read."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """What is kept of a source: what its kind opens it by."""

    id: UUID
    account_id: UUID
    #: What its kind finds it by: of a folder, the absolute path.
    location: str
    #: As people see it.
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    #: What its kind needs to be let in, sealed as it was kept.
    secret: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Installation:
    """What kinds of sources may know of the installation they are opened in."""

    #: The folder for all that Earmark writes. A kind keeps what it caches in a folder below it.
    data_dir: Path
    #: The folders that accounts may choose from; None: every folder of the machine.
    roots: MusicRoots | None = None
    #: What secrets are sealed with, if the installation has such a key.
    secret_key: str | None = field(default=None, repr=False)
    #: Whether people may name servers of the private network.
    private_servers: bool = False
    #: How many bytes of sound that was fetched from servers are kept.
    sound_cache_bytes: int = 2_000 * 1024**2


@dataclass(frozen=True, slots=True)
class FormField:
    """What a person fills in to add a source, as one line of text."""

    #: In forms and in JSON; neither ``kind`` nor ``name``.
    name: str
    label: str
    #: A sentence below the field.
    hint: str = ""
    is_required: bool = True
    #: Whether nobody may see it, such as a password: it is never shown again.
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Located:
    """Where a source is, made of what a person filled in."""

    #: What its kind finds it by: the same place is always the same text.
    location: str
    #: As people see it.
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    #: Sealed.
    secret: bytes | None = field(default=None, repr=False)


class SourceKind(Protocol):
    """A kind of source, such as folders. Found by its entry point, and registered under its name.

    One object serves all threads.
    """

    @property
    def name(self) -> str:
        """As rows have it: at most 20 letters, the same as its entry point's."""

    @property
    def title(self) -> str:
        """As people read it, such as ``A folder``."""

    @property
    def has_sound(self) -> bool:
        """Whether its songs can be heard, as a rule; each song's record says it of the song."""

    def open(self, row: SourceRow, installation: Installation) -> MusicSource:
        """The source of a row. It need not be looked at before it is scanned or checked.

        Raises:
            SourceUnavailable: it may not or cannot be opened, in a sentence for the person.
        """


@runtime_checkable
class KeepsFiles(Protocol):
    """An ability of a kind: it keeps files of a source beside its rows."""

    def forget(self, row: SourceRow, installation: Installation) -> None:
        """Delete them, since the source was removed. It may be called again."""


@runtime_checkable
class SupportsForm(Protocol):
    """An ability of a kind: sources are added by a form, and by JSON with the same fields."""

    @property
    def fields(self) -> Sequence[FormField]:
        """What is to be filled in."""

    def locate(self, values: Mapping[str, str], installation: Installation) -> Located:
        """Where the source is that a person described. Values are stripped, and may be empty.

        Raises:
            SourceRefused: it cannot be had, in a sentence for the person.
        """
