"""Songs as their files have them: tags, and what names of files and folders tell besides."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..errors import UnreadableFile
from .audio_key import audio_key
from .beside import Beside
from .names_of_files import Told, told_by_name
from .records import SongRecord
from .tags import Tags, opened, tags_of


def print_of(status: os.stat_result) -> tuple[str, ...]:
    """Size, time and inode of a file, by which it is known to be unchanged."""
    return str(status.st_size), str(status.st_mtime_ns), str(status.st_ino)


class SongFiles:
    """The songs of a folder. `path_of` finds the file of a name, and lets none lead out of it."""

    def __init__(self, path_of: Callable[[str], Path]) -> None:
        self._path_of = path_of
        self._beside = Beside()

    def read(self, external_id: str) -> SongRecord:
        """A song's tags; what they do not say is told by the file's name.

        Raises:
            UnreadableFile: the file is empty, damaged or may not be read.
        """
        path = self._path_of(external_id)
        with opened(path) as file:
            # Of the file that is read, whatever has its name by now.
            status = os.fstat(file.fileno())
            if status.st_size == 0:
                raise UnreadableFile("The file is empty.")
            tags, key = tags_of(file, path.name), audio_key(file)
        if tags.doubtful:
            tags = tags.mended(self._beside.encoding(path.parent))
        told = self._told_by_name(external_id, path, tags)
        size, modified_ns, inode = print_of(status)
        return SongRecord(
            external_id=external_id,
            title=tags.title or told.title,
            artist=tags.artist or tags.album_artist or told.artist,
            artists=tags.artists,
            album=tags.album or told.album,
            album_artist=tags.album_artist,
            genre=tags.genre,
            year=tags.year or told.year,
            track_number=tags.track_number or told.track_number,
            rating_stars=tags.rating_stars,
            isrc=tags.isrc,
            recording_mbid=tags.recording_mbid,
            duration_seconds=tags.duration_seconds,
            size_bytes=int(size),
            modified_ns=modified_ns,
            device=str(status.st_dev),
            inode=inode,
            audio_key=key,
        )

    def _told_by_name(self, external_id: str, path: Path, tags: Tags) -> Told:
        if tags.title and tags.artist and tags.album:
            return Told(tags.title)
        told = told_by_name(external_id, self._beside.names(path.parent))
        # The name of a file whose title says something else is not read as artist and title.
        is_other = tags.title is not None and tags.title.casefold() != told.title.casefold()
        return replace(told, artist=told.folder_artist) if is_other else told
