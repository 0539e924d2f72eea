"""The results of the chaos jobs' work, kept apart from their logs: the counts must equal them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_TABLES = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS results (job_id TEXT, item TEXT, PRIMARY KEY (job_id, item));
CREATE TABLE IF NOT EXISTS troubles (job_id TEXT PRIMARY KEY, times INTEGER);
"""


class Results:
    """Items that were worked on, and how often a job has had its trouble."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            connection.executescript(_TABLES)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=30)) as connection, connection:
            yield connection

    def add(self, job_id: str, item: str) -> None:
        with self._open() as connection:
            connection.execute("INSERT OR IGNORE INTO results VALUES (?, ?)", (job_id, item))

    def of(self, job_id: str) -> set[str]:
        with self._open() as connection:
            rows = connection.execute("SELECT item FROM results WHERE job_id = ?", (job_id,))
            return {row[0] for row in rows}

    def one_more_trouble(self, job_id: str) -> int:
        """How often the job has had its trouble, this time included."""
        with self._open() as connection:
            row = connection.execute(
                "INSERT INTO troubles VALUES (?, 1)"
                " ON CONFLICT (job_id) DO UPDATE SET times = times + 1 RETURNING times",
                (job_id,),
            )
            times: int = row.fetchone()[0]
            return times
