"""Playlists as CSV, as Exportify and its relatives write them: one file for each playlist. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import BinaryIO

from ...errors import UnreadableFile
from ..recordings import isrc_of
from .bounds import count_of, seconds_of, text_of, year_of
from .tracks import Collected, Track

WRITTEN_BY = "Exportify"
#: What the programs call each column, in small letters, the best first.
_COLUMNS = {
    "title": ("track name", "track title", "title", "name", "track", "song", "song name"),
    "artist": ("artist name(s)", "artist name", "artist names", "artist(s)", "artists", "artist"),
    "artist_ids": ("artist uri(s)", "artist ids", "artist id(s)", "artist ids(s)"),
    "album": ("album name", "album title", "album"),
    "album_artist": ("album artist name(s)", "album artist", "album artist name"),
    "genre": ("genres", "artist genres", "genre"),
    "uri": ("track uri", "spotify uri", "spotify track uri", "uri"),
    "id": ("spotify id", "track id", "spotify track id", "spotify - id"),
    "isrc": ("isrc", "track isrc"),
    "released": ("release date", "album release date", "year", "release year", "album date"),
    "number": ("track number",),
    "milliseconds": ("duration (ms)", "track duration (ms)", "duration_ms", "duration ms"),
    "clock": ("duration", "track duration", "time", "length"),
}
_MAX_COLUMNS = 200
#: The line with the names of the columns ends within so many bytes.
HEAD_BYTES = 16 * 1024
_CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):(\d{2})")
_SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")
#: A comma that is part of a name was written with a backslash before it.
_COMMA = re.compile(r"\s*(?<!\\),\s*")


def is_table(head: bytes) -> bool:
    """Whether a file that begins so is a table of songs."""
    columns = _columns(_header(head.decode("utf-8", "replace")))
    return "title" in columns and ("artist" in columns or "uri" in columns)


def read_table(file: BinaryIO, into: Collected, *, name: str) -> None:
    """Take the playlist in a file. Its name is the file's.

    Raises:
        UnreadableFile: a cell is longer than any text, or the file ends within one.
    """
    with io.TextIOWrapper(file, encoding=_encoding(file), errors="replace", newline="") as text:
        try:
            into.playlist(name, _keys(text, into))
        except csv.Error as error:
            raise UnreadableFile(
                f"The file “{name}” is no table of songs, or is damaged: download it again."
            ) from error


def _keys(text: io.TextIOWrapper, into: Collected) -> Iterator[str]:
    head = text.readline(HEAD_BYTES)
    delimiter = _delimiter(head)
    columns = _columns(next(csv.reader([head], delimiter=delimiter), []))
    # Strict: a quotation mark that is never closed is a file that was cut.
    for row in csv.reader(text, delimiter=delimiter, strict=True):
        if not any(row):
            continue
        cells = {
            name: cell
            for name, at in columns.items()
            if at < len(row) and (cell := row[at].strip())
        }
        track = _track(cells)
        if track is None:
            into.left_out["songs without a title"] += 1
        else:
            yield into.track(track)


def _track(cells: dict[str, str]) -> Track | None:
    title = text_of(cells.get("title"))
    if title is None:
        return None
    artists = _artists(cells)
    return Track(
        title,
        artist=text_of(", ".join(artists)),
        artists=tuple(name for one in artists if (name := text_of(one))) if artists[1:] else (),
        album=text_of(cells.get("album")),
        album_artist=text_of(cells.get("album_artist")),
        genre=text_of(re.split(r"[,;]", cells.get("genre", ""))[0]),
        year=year_of(cells.get("released")),
        track_number=count_of(cells.get("number")),
        duration_seconds=_seconds(cells),
        isrc=isrc_of(cells.get("isrc")),
        uri=_uri(cells),
    )


def _artists(cells: dict[str, str]) -> list[str]:
    """Each artist by itself.

    A comma divides them only where there are as many addresses: it may be part of a name.
    """
    said = cells.get("artist", "")
    if ";" in said:
        parts = [part.strip() for part in said.split(";")]
    else:
        parts = _COMMA.split(said)
        ids = [part for part in re.split(r"[,;]", cells.get("artist_ids", "")) if part.strip()]
        if len(parts) != len(ids) and r"\," not in said:
            parts = [said]
    return [part.replace(r"\,", ",") for part in parts if part][:12]


def _uri(cells: dict[str, str]) -> str | None:
    uri = text_of(cells.get("uri"))
    if uri is not None:
        return uri
    key = cells.get("id", "")
    return f"spotify:track:{key}" if _SPOTIFY_ID.fullmatch(key) else None


def _seconds(cells: dict[str, str]) -> float | None:
    seconds = seconds_of(cells.get("milliseconds"), per_second=1_000)
    clock = _CLOCK.fullmatch(cells.get("clock", ""))
    if seconds is not None or clock is None:
        return seconds
    hours, minutes, rest = (int(part or 0) for part in clock.groups())
    return seconds_of(hours * 3_600 + minutes * 60 + rest)


def _columns(header: list[str]) -> dict[str, int]:
    """Where each column stands."""
    named = {name.strip().strip("\ufeff").casefold(): at for at, name in enumerate(header)}
    found = {
        column: next((named[name] for name in names if name in named), None)
        for column, names in _COLUMNS.items()
    }
    return {column: at for column, at in found.items() if at is not None}


def _header(text: str) -> list[str]:
    line = text.replace("\r\n", "\n").replace("\r", "\n").partition("\n")[0]
    try:
        return next(csv.reader([line], delimiter=_delimiter(line)), [])[:_MAX_COLUMNS]
    except csv.Error:
        return []


def _delimiter(head: str) -> str:
    # Excel writes semicolons in many countries.
    return max(",;\t", key=head.count)


def _encoding(file: BinaryIO) -> str:
    """UTF-8, or that of the West where the beginning is none: what Excel writes."""
    head = file.peek(1)  # type: ignore[attr-defined]
    try:
        # A letter may be cut in two at the end of what was looked at.
        head[: max(0, len(head) - 4)].decode()
    except UnicodeDecodeError as error:
        return "utf-8" if error.start >= len(head) - 8 else "cp1252"
    return "utf-8"
