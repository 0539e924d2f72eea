"""The database of beets, ``library.db``: read, never written, and not trusted."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from ...errors import UnreadableFile
from ..recordings import isrc_of, mbid_of
from .bounds import MAX_PLACE, count_of, number_of, seconds_of, text_of, year_of
from .tracks import Collected, Track

WRITTEN_BY = "beets"
HEAD = b"SQLite format 3\0"
#: Columns of beets 1.6 and 2; those that a database lacks are empty. 2 has several genres in one.
_COLUMNS = (
    *("id", "path", "title", "artist", "artists", "album", "albumartist", "genre", "genres"),
    *("year", "original_year", "track", "length", "isrc", "mb_trackid"),
)
#: Flexible fields by which people rate and love songs.
_RATINGS, _LOVED = frozenset({"rating", "stars"}), frozenset({"loved", "love", "favorite"})
#: Several values of one field, as beets 2 writes them.
_BETWEEN = "\\␀"
_SECONDS = 20.0
_MAX_VALUE_BYTES = 64 * 1024
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_TRANSACTION})
_NOT_BEETS = "The file is a database, but not that of beets: it has no table of songs."
_BROKEN = "The database is damaged, or was not loaded to its end: copy it again while beets rests."


def read_beets(path: Path, into: Collected) -> None:
    """Take the songs of a database, and which of them are loved.

    Raises:
        UnreadableFile: it is no database, not that of beets, damaged, or takes too long.
    """
    try:
        # Immutable: no journal beside it is looked for, and nothing is locked or written.
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            _guard(database)
            _read(database, into)
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        raise UnreadableFile(_BROKEN) from error


def _guard(database: sqlite3.Connection) -> None:
    """Have a database that somebody made up do no more than give rows, and not for ever."""
    database.text_factory = lambda data: data.decode("utf-8", "replace")
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_BYTES)
    for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0"):
        database.execute(f"PRAGMA {pragma}")
    end = time.monotonic() + _SECONDS
    database.set_progress_handler(lambda: time.monotonic() > end, 10_000)
    database.set_authorizer(_allow)


def _allow(action: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _read(database: sqlite3.Connection, into: Collected) -> None:
    columns = _columns_of(database, "items")
    if not {"id", "title"} <= columns:
        raise UnreadableFile(_NOT_BEETS)
    said = _attributes(database)
    wanted = [name for name in _COLUMNS if name in columns]
    query = f"SELECT {', '.join(wanted)} FROM items ORDER BY id"  # noqa: S608 - names of ours
    for values in database.execute(query):
        row = dict(zip(wanted, values, strict=True))
        stars, is_loved = said.get(row["id"], (None, False))
        track = _track(row, stars)
        if track is None:
            into.left_out["songs without a title"] += 1
        elif is_loved:
            into.love(track)
        else:
            into.track(track)


def _columns_of(database: sqlite3.Connection, table: str) -> set[str]:
    """The columns of a table; none where there is no such table. A view is none."""
    known = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    if database.execute(known, (table,)).fetchone() is None:
        return set()
    nothing = database.execute(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608 - a name of ours
    return {column[0] for column in nothing.description}


def _attributes(database: sqlite3.Connection) -> dict[int, tuple[float | None, bool]]:
    """Stars and love by a song's number."""
    if not {"entity_id", "key", "value"} <= _columns_of(database, "item_attributes"):
        return {}
    found: dict[int, tuple[float | None, bool]] = {}
    for key, name, value in _flexible(database):
        stars, is_loved = found.get(key, (None, False))
        if name in _RATINGS:
            stars = _stars(value)
        else:
            is_loved = str(value).strip().casefold() in ("1", "1.0", "true", "yes")
        found[key] = stars, is_loved
    return found


def _flexible(database: sqlite3.Connection) -> Iterator[tuple[int, str, Any]]:
    names = sorted(_RATINGS | _LOVED)
    marks = ", ".join("?" * len(names))
    yield from database.execute(
        f"SELECT entity_id, key, value FROM item_attributes WHERE key IN ({marks})",  # noqa: S608
        names,
    )


def _stars(value: object) -> float | None:
    """Stars of a rating of 1, of 5, of 10 or of 100: nobody says which of them it is."""
    number = number_of(value)
    if number is None or number <= 0:
        return None
    if number <= 1:
        return number * 5
    if number <= 5:
        return number
    return min(5.0, number / (2 if number <= 10 else 20))


def _track(row: dict[str, Any], stars: float | None) -> Track | None:
    title = text_of(row.get("title"))
    place = _place(row.get("path"))
    if title is None and place is not None:
        title = text_of(place.rpartition("/")[2].rpartition(".")[0])
    if title is None:
        return None
    artists = tuple(_several(row.get("artists")))
    genres = list(_several(row.get("genres")))
    return Track(
        title,
        artist=text_of(row.get("artist")) or text_of(row.get("albumartist")),
        artists=artists,
        album=text_of(row.get("album")),
        album_artist=text_of(row.get("albumartist")),
        genre=genres[0] if genres else text_of(row.get("genre")),
        # beets writes 0 for what it does not know.
        year=year_of(row.get("original_year")) or year_of(row.get("year")),
        track_number=count_of(row.get("track")),
        duration_seconds=seconds_of(row.get("length")),
        rating_stars=stars,
        isrc=isrc_of(row.get("isrc")),
        recording_mbid=mbid_of(row.get("mb_trackid")),
        place=place,
    )


def _several(value: object) -> Iterator[str]:
    text = value if isinstance(value, str) else ""
    for part in text.replace(_BETWEEN, "\0").split("\0")[:12]:
        name = text_of(part)
        if name:
            yield name


def _place(value: object) -> str | None:
    """The path, which beets keeps as bytes."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return text_of(text, MAX_PLACE + 1)
