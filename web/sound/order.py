"""What a maker of sounds is asked for, as it is sent to its process."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from library.sound.store import SoundKey, SoundStore

if TYPE_CHECKING:
    from library.sound.songs import Place
    from library.sources.source import Installation


@dataclass(frozen=True, slots=True)
class SongOrder:
    """A song that its source has to fetch, in values that JSON has. It holds secrets."""

    kind: str
    external_id: str
    source: dict[str, Any]
    installation: dict[str, Any]

    @classmethod
    def of(cls, place: Place, installation: Installation) -> Self:
        """A song of a source."""
        row, roots = place.source, installation.roots
        return cls(
            place.kind,
            place.external_id,
            {
                "id": str(row.id),
                "account_id": str(row.account_id),
                "location": row.location,
                "name": row.name,
                "settings": dict(row.settings),
                "secret": b64encode(row.secret).decode() if row.secret is not None else None,
            },
            {
                "data_dir": str(installation.data_dir),
                "roots": None if roots is None else [str(path) for path in roots.paths],
                "secret_key": installation.secret_key,
                "private_servers": installation.private_servers,
                "sound_cache_bytes": installation.sound_cache_bytes,
            },
        )

    @contextmanager
    def opened(self) -> Iterator[Path]:
        """The song's file, fetched by its source.

        Raises:
            UnreadableFile: it cannot be had.
            SourceUnavailable: the source cannot be opened.
        """
        # Imported late: a maker that is given a file has begun before these are loaded.
        from library.music_roots import MusicRoots
        from library.sources.kinds import kind_of
        from library.sources.source import Installation, SourceRow

        known, said = self.source, self.installation
        row = SourceRow(
            UUID(known["id"]),
            UUID(known["account_id"]),
            known["location"],
            known["name"],
            known["settings"],
            b64decode(known["secret"]) if known["secret"] is not None else None,
        )
        roots = said["roots"]
        there = Installation(
            **{
                **said,
                "data_dir": Path(said["data_dir"]),
                "roots": None if roots is None else MusicRoots(tuple(map(Path, roots))),
            }
        )
        with (
            closing(kind_of(self.kind).open(row, there)) as music,
            music.sound(self.external_id) as path,
        ):
            yield path


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be made, and of what."""

    #: The store's folder and bound.
    folder: str
    most_bytes: int
    account_id: str
    #: Names the MP3; None: only the waveform is wanted.
    sound: str | None
    #: Names the waveform.
    waveform: str
    frames: int | None
    #: Where a clip of the song begins; None: all of it is wanted.
    from_seconds: float | None
    #: The descriptor of the song's file; None: `song` tells how it is fetched.
    file: int | None
    song: SongOrder | None
    #: The descriptor of what is written. Its lock says that this is under way.
    part: int

    def to_json(self) -> str:
        """As it is sent."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """As it came."""
        said = json.loads(text)
        song = said.pop("song")
        return cls(**said, song=None if song is None else SongOrder(**song))

    @property
    def store(self) -> SoundStore:
        """Where it goes."""
        return SoundStore(Path(self.folder), self.most_bytes)

    def key(self, digest: str) -> SoundKey:
        """The key of a digest."""
        return SoundKey(UUID(self.account_id), digest)

    @contextmanager
    def opened(self) -> Iterator[Path]:
        """The song's file, as `SongOrder.opened`."""
        if self.song is None:
            yield Path(f"/dev/fd/{self.file}")
            return
        with self.song.opened() as path:
            yield path
