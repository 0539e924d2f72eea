"""Folders as a kind of source: how one is chosen and opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import SourceUnavailable
from ..music_roots import MusicRoots
from .folder import FolderSource
from .location import folder_at, location_of, name_of
from .source import FormField, Installation, Located, MusicSource, SourceRow


@dataclass(frozen=True, slots=True)
class FolderKind:
    """Folders of this machine."""

    name: str = "folder"
    title: str = "A folder"
    has_sound: bool = True

    def open(self, row: SourceRow, installation: Installation) -> MusicSource:
        """The folder of a row.

        Raises:
            SourceUnavailable: a link or the settings have changed since it was chosen, and
                accounts may choose it no longer.
        """
        folder = folder_at(row.location)
        if installation.roots is not None and not installation.roots.holds(folder):
            raise SourceUnavailable(
                f"The music folder {folder} is none of those that accounts may choose from any "
                "more. Choose another one on the page Sources."
            )
        return FolderSource(folder)

    @property
    def fields(self) -> tuple[FormField, ...]:
        """What is to be filled in."""
        return (FormField("folder", "Folder", "Its whole path, such as /srv/music."),)

    def locate(self, values: Mapping[str, str], installation: Installation) -> Located:
        """The folder that a person named by its path.

        Raises:
            FolderRefused: it is none of those that accounts may choose, or cannot be opened.
        """
        roots = installation.roots or MusicRoots((Path("/"),))
        folder = roots.folder(folder_at(values.get("folder", "")))
        return Located(location_of(folder), name_of(folder))


#: Named by the entry point in pyproject.toml.
KIND = FolderKind()
