"""Exports: reading files as large as may be, and the syncs of one of 20,000 songs.

``read``: seconds of a processor, and the most memory above that of the imports, in a process of its
own. ``look`` is what an upload waits for. ``empty lists`` and ``one text`` are made to be hard.
``sync``: the first of an export beside the songs of another source that has half of them, and the
second; ``rows`` is what each writes of music.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import plistlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import event

from library import account_sources, song_batches
from library.database import Database
from library.sources.exports.parts import ExportFile
from library.sources.exports.reading import look, read
from library.sources.exports.source import FILES
from library.sources.exports.storage import ExportStore, Upload
from library.sources.records import SongRecord
from tests.integration.tasks.shelf import Shelf, a_shelf
from tests.servers import valkey

from ._table import tell

Row = dict[str, object]
_MB = 1024 * 1024
_TARGET_BYTES = 63 * _MB
#: Rows of one statement.
_BATCH = 500


def main() -> None:
    """Run what is chosen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, default=20_000)
    parser.add_argument("--lists", type=int, default=200, help="of 300 songs each")
    parser.add_argument("--others", type=int, default=50_000, help="songs of the other source")
    parser.add_argument("--only", choices=["read", "sync"])
    asked = parser.parse_args()
    if asked.only != "sync":
        tell("Files as large as may be", list(reading()))
    if asked.only != "read":
        tell("Syncs of an export", _apart(syncs, asked.songs, asked.lists, asked.others))


def reading() -> Iterator[Row]:
    """A row for each kind of file."""
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as name:
        for case, make in MADE.items():
            path = Path(name) / case.replace(" ", "_")
            make(path)
            for act in (read, look):
                yield _apart(_read, path, act.__name__) | {"case": case}


def _read(path: Path, act: str) -> Row:
    before, began = _peak_mb(), time.process_time()
    found = {"read": read, "look": look}[act]([ExportFile(f"{path.name}.json", path)])
    return {
        "bench": "exports",
        "case": "",
        "act": act,
        "mb": path.stat().st_size / _MB,
        "songs": len(found.tracks),
        "cpu_s": time.process_time() - began,
        "peak_mb": _peak_mb() - before,
    }


def _apart(act: Callable[..., Any], *args: object) -> Any:
    """What a function gives in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(act, args)


def _peak_mb() -> float:
    """The most memory that this process has had; `getrusage` may tell its parent's."""
    said = Path("/proc/self/status").read_text()
    return int(said.partition("VmHWM:")[2].split()[0]) / 1024


def _spotify(songs: int, lists: int) -> dict[str, object]:
    return {
        "playlists": [
            {
                "name": f"List {number}",
                "lastModifiedDate": "2024-05-06",
                "items": [_item((number * 97 + at) % songs) for at in range(300)],
            }
            for number in range(lists)
        ],
        "tracks": [
            {
                "artist": _artist(n),
                "album": f"Album {n // 11}",
                "track": f"Song {n}",
                "uri": _uri(n),
            }
            for n in range(songs)
        ],
    }


def _item(number: int) -> dict[str, object]:
    track = {
        "trackName": f"Song {number}",
        "artistName": _artist(number),
        "albumName": f"Album {number // 11}",
        "trackUri": _uri(number),
    }
    others = {"episode": None, "audiobook": None, "localTrack": None}
    return {"track": track, **others, "addedDate": "2024-05-06"}


def _artist(number: int) -> str:
    return f"Artist {number // 33}"


def _uri(number: int) -> str:
    return f"spotify:track:{number:022}"


def _make_spotify(path: Path) -> None:
    lists = 1
    text = json.dumps(_spotify(20_000, lists), indent=2)
    each = len(json.dumps(_spotify(20_000, lists + 10), indent=2)) - len(text)
    lists += (_TARGET_BYTES - len(text)) * 10 // each
    path.write_text(json.dumps(_spotify(20_000, lists), indent=2))


def _make_apple(path: Path) -> None:
    tracks = {
        str(n): {
            "Track ID": n,
            "Name": f"Song {n}",
            "Artist": _artist(n),
            "Album": f"Album {n}",
            "Genre": "Pop",
            "Kind": "MPEG audio file",
            "Size": 5_000_000,
            "Total Time": 181_000,
            "Year": 1999,
            "Bit Rate": 256,
            "Sample Rate": 44_100,
            "Persistent ID": f"{n:016X}",
            "Location": f"file:///Users/ann/Music/iTunes/iTunes%20Media/{_artist(n)}/{n}.mp3",
        }
        for n in range(90_000)
    }
    path.write_bytes(plistlib.dumps({"Tracks": tracks, "Playlists": []}))


def _make_empty_lists(path: Path) -> None:
    path.write_bytes(b'{"tracks": [{"track": "Rain"}' + b",[]" * (_TARGET_BYTES // 3) + b"]}")


def _make_one_text(path: Path) -> None:
    begin = b'{"tracks": [{"track": "Rain"}, {"track": "'
    path.write_bytes(begin + b"x" * _TARGET_BYTES + b'"}]}')


MADE: dict[str, Callable[[Path], None]] = {
    "spotify": _make_spotify,
    "apple": _make_apple,
    "empty lists": _make_empty_lists,
    "one text": _make_one_text,
}


def syncs(songs: int, lists: int, others: int) -> list[Row]:
    """The first and the second sync of an export, on SQLite."""
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as name, valkey() as server:
        url = f"sqlite:///{name}/earmark.db"
        Database(url).migrate()
        with a_shelf(url, server.tcp_url, Path(name)) as shelf:
            _fill(shelf, songs, others)
            _upload(shelf, json.dumps(_spotify(songs, lists)).encode())
            return [_sync(shelf, case) for case in ("first sync", "second sync")]


def _fill(shelf: Shelf, songs: int, others: int) -> None:
    """Have another source hold half of the songs, and many more."""
    mine = {"account_id": shelf.account_id}
    with shelf.runtime.database.session() as session:
        key: UUID = account_sources.of_account(session, **mine)[0].id
    for begin in range(songs // 2, songs // 2 + others, _BATCH):
        records = [
            SongRecord(f"{n}.mp3", f"Song {n}", _artist(n), album=f"Album {n // 11}")
            for n in range(begin, begin + _BATCH)
        ]
        with shelf.runtime.database.session() as session:
            song_batches.save_all(session, **mine, source_id=key, records=records)


def _upload(shelf: Shelf, content: bytes) -> None:
    store, mine = ExportStore(shelf.runtime.settings.data_dir), {"account_id": shelf.account_id}
    place = uuid4()
    with shelf.runtime.database.session() as session, store.incoming(shelf.account_id) as incoming:
        source = account_sources.add(
            session,
            **mine,
            location=str(place),
            name="Spotify",
            kind="export",
            settings={FILES: ["x.json"]},
        )
        incoming.add("x.json", io.BytesIO(content))
        store.keep(incoming, Upload(shelf.account_id, source.id, place))


def _sync(shelf: Shelf, case: str) -> Row:
    # The most memory is told from here on: that of the whole process, imports and all.
    Path("/proc/self/clear_refs").write_text("5")
    before = _peak_mb()
    began, wall = time.process_time(), time.perf_counter()
    with shelf.runtime.database.reading() as session:
        found = account_sources.of_account(session, account_id=shelf.account_id)
        (key,) = [source.id for source in found if source.kind == "export"]
    with _counted(shelf.runtime.database) as rows:
        job = shelf.sync(source=str(key))
    return {
        "bench": "exports",
        "case": case,
        "status": job.status,
        "songs": job.succeeded,
        "s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - began,
        "before_mb": before,
        "peak_mb": _peak_mb(),
        "rows": rows[0],
    }


@contextmanager
def _counted(database: Database) -> Iterator[list[int]]:
    """How many rows of music are written meanwhile."""
    rows = [0]

    def count(_connection: object, cursor: object, statement: str, *_: object) -> None:
        words = statement.split()
        tables = {"songs", "playlists", "playlist_entries", "liked_songs", "missing_entries"}
        if words[0] in ("INSERT", "UPDATE", "DELETE") and tables & set(words[1:4]):
            rows[0] += max(0, getattr(cursor, "rowcount", 0))

    engine = database.engine
    event.listen(engine, "after_cursor_execute", count)
    try:
        yield rows
    finally:
        event.remove(engine, "after_cursor_execute", count)


if __name__ == "__main__":
    main()
