"""What lies beside a song in its folder: it tells what the song's own file does not."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UnreadableFile
from .mending import encoding_of
from .tags import read_tags

_SUFFIXES = ".aac .aif .aiff .ape .flac .m4a .mp3 .mp4 .mpc .oga .ogg .opus .wav .wma .wv"
AUDIO_SUFFIXES = frozenset(_SUFFIXES.split(" "))
#: Tags of so many files tell an album's encoding.
_FILES_ASKED = 40


@dataclass(slots=True)
class Beside:
    """The folder that was asked for last: songs are read folder by folder."""

    _folder: Path | None = None
    _names: tuple[str, ...] = ()
    _encodings: dict[Path, str | None] = field(default_factory=dict)

    def names(self, folder: Path) -> tuple[str, ...]:
        """The names of the songs in a folder, sorted; none where it cannot be listed."""
        if folder != self._folder:
            with suppress(OSError):
                names = os.listdir(folder)  # noqa: PTH208 - names alone are wanted
                self._names = tuple(
                    sorted(n for n in names if Path(n).suffix.lower() in AUDIO_SUFFIXES)
                )
                self._folder = folder
        return self._names if folder == self._folder else ()

    def encoding(self, folder: Path) -> str | None:
        """The encoding of the doubtful tags in a folder, where it is certain."""
        if folder not in self._encodings:
            # Few folders are asked for at a time.
            self._encodings = {folder: encoding_of(self._doubtful(folder))}
        return self._encodings[folder]

    def _doubtful(self, folder: Path) -> list[str]:
        found: list[str] = []
        for name in self.names(folder)[:_FILES_ASKED]:
            # Links that lead out of the root are files of others.
            with suppress(UnreadableFile):
                if not (folder / name).is_symlink():
                    found += sorted(read_tags(folder / name).doubtful)
        return found
