"""Reads an export, whatever wrote it: each file is known by what is in it, not by its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from ...errors import UnreadableFile
from . import apple, beets, listenbrainz, spotify, table
from .apple import AppleReader
from .bounds import TooLarge
from .listenbrainz import Feedback, ListenBrainzReader
from .parts import ExportFile, Part, SeenEnough, parts_of
from .spotify import SpotifyReader
from .tracks import Collected, Export
from .values import Routes, found, json_events, json_lines, plist_events

#: What a file may be, of what is looked for in JSON.
_JSON: Routes = {
    **listenbrainz.ROUTES,
    "tracks": spotify.LOVED,
    "playlists": {"*": {**spotify.PLAYLIST, **listenbrainz.SEVERAL}},
}
#: A look at an export is over when so many songs were found, or so much of it was read.
LOOK_TRACKS = 2_000
LOOK_BYTES = 8 * 1024 * 1024
NOTHING_KNOWN = (
    "There is no export in it that Earmark knows: Spotify's data download, Exportify's tables, "
    "Library.xml of Apple Music or iTunes, library.db of beets, or playlists and feedback of "
    "ListenBrainz."
)


def read(files: Sequence[ExportFile]) -> Export:
    """All that the files of an export tell.

    Raises:
        UnreadableFile: there is none in them, one is damaged, or they hold too much.
    """
    return _Reading(is_look=False).read(files)


def look(files: Sequence[ExportFile]) -> Export:
    """As `read`, but no more than the beginning of a large export.

    Raises:
        UnreadableFile: there is none in them, or the beginning is damaged.
    """
    return _Reading(is_look=True).read(files)


class _Reading:
    """One reading of an export."""

    def __init__(self, *, is_look: bool) -> None:
        self._is_look = is_look
        self._into = Collected()
        self._feedback = Feedback(self._into)

    def read(self, files: Sequence[ExportFile]) -> Export:
        look_bytes = LOOK_BYTES if self._is_look else None
        with parts_of(files, look_bytes=look_bytes) as parts:
            with suppress(SeenEnough):
                for part in parts:
                    self._read_part(part)
                self._name(parts)
            self._feedback.close()
            if not self._into.written_by:
                raise UnreadableFile(_why_nothing(parts))
        return self._into.export()

    def _read_part(self, part: Part) -> None:
        reader = self._reader_of(part)
        try:
            if reader is not None:
                reader(part)
        except TooLarge:
            raise
        except UnreadableFile as error:
            raise UnreadableFile(f"{part.name}: {error.reason}") from error

    def _reader_of(self, part: Part) -> Callable[[Part], None] | None:
        """What reads a file; None for one that is no part of an export."""
        head = part.head(table.HEAD_BYTES)
        if head.startswith(beets.HEAD):
            return self._read_beets
        if b"<plist" in head:
            return self._read_apple
        if part.suffix == ".jsonl":
            return self._read_feedback if part.stem == "feedback" else None
        if head.lstrip()[:1] in (b"{", b"["):
            return self._read_json
        return self._read_table if table.is_table(head) else None

    def _check(self) -> None:
        if self._is_look and self._into.track_count >= LOOK_TRACKS:
            raise SeenEnough

    def _read_beets(self, part: Part) -> None:
        if part.path is None:
            raise UnreadableFile("A database in a zip is not read: unpack it and add library.db.")
        self._into.written_by = beets.WRITTEN_BY
        beets.read_beets(part.path, self._into)

    def _read_apple(self, part: Part) -> None:
        reader = AppleReader(self._into)
        with part.raw() as file:  # XML says its encoding itself
            for route, value in found(plist_events(file), apple.ROUTES):
                self._into.written_by = apple.WRITTEN_BY
                reader.take(route, value)
                self._check()
        reader.close()

    def _read_json(self, part: Part) -> None:
        of_lists = ListenBrainzReader(self._into, called=part.stem)
        of_spotify = SpotifyReader(self._into)
        with part.utf8() as file:
            for route, value in found(json_events(file), _JSON):
                reader = of_spotify if route.startswith("spotify") else of_lists
                reader.take(route, value)
                self._check()

    def _read_feedback(self, part: Part) -> None:
        self._into.written_by = listenbrainz.WRITTEN_BY
        with part.utf8() as file:
            for said in json_lines(file):
                self._feedback.take(said)
                self._check()

    def _read_table(self, part: Part) -> None:
        self._into.written_by = table.WRITTEN_BY
        name = part.stem if " " in part.stem else part.stem.replace("_", " ")
        with part.utf8() as file:
            table.read_table(file, self._into, name=name)
        self._check()

    def _name(self, parts: Sequence[Part]) -> None:
        """Look for the names of loved recordings among the listens of the same download."""
        for part in parts:
            if self._feedback.is_waiting and part.suffix == ".jsonl" and part.stem != "feedback":
                with part.utf8() as file:
                    self._feedback.name(json_lines(file))


def _why_nothing(parts: Sequence[Part]) -> str:
    if any(part.suffix == ".zip" for part in parts):
        return "The zip holds another zip: unpack it once, and add the one that lies in it."
    return NOTHING_KNOWN
