"""The database: its engine, its sessions, its migrations."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, Select, create_engine, event
from sqlalchemy.orm import Session, sessionmaker

from .rows import RowReader

#: How a transaction begins on SQLite, where it does not write.
_BEGINS = "earmark_begins"

#: How long a SQLite writer waits for another one.
BUSY_TIMEOUT_MS = 30_000


def normal_url(url: str) -> str:
    """The URL with its driver named; hosts hand out ``postgres://``."""
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


class Database:
    """One database. May be shared by a parent and its forked children."""

    def __init__(self, url: str) -> None:
        self.url = normal_url(url)
        self._pid = os.getpid()
        self.engine = _engine(self.url)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        reading = self.engine.execution_options(**{_BEGINS: "BEGIN"})
        self._rows = RowReader(self.engine)
        self._readers = sessionmaker(reading, expire_on_commit=False)
        event.listen(self._readers, "before_flush", _refuse_to_write)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session that is committed at the end of the block, or rolled back on an error."""
        self._leave_inherited_connections()
        with self._sessions.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads: one view of the data, and it waits for no writer.

        Raises:
            RuntimeError: something was changed in it.
        """
        self._leave_inherited_connections()
        with self._readers.begin() as session:
            yield session

    def row(self, statement: Select[*tuple[Any, ...]], **values: object) -> Any | None:
        """The first row of one statement that reads: no session, and no transaction around it."""
        self._leave_inherited_connections()
        return self._rows.first(statement, values)

    def migrate(self) -> None:
        """Bring the tables to the newest revision."""
        with self.engine.connect() as connection:
            config = Config()
            config.set_main_option(
                "script_location", str(resources.files("library").joinpath("migrations"))
            )
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()

    def close(self) -> None:
        """Close all connections; the next session opens new ones."""
        self._rows.close()
        self.engine.dispose()

    def _leave_inherited_connections(self) -> None:
        # A connection opened before a fork belongs to the parent: leave it alone, unclosed.
        if self._pid != os.getpid():
            self._rows.leave_inherited()
            self.engine.dispose(close=False)
            self._pid = os.getpid()


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transaction control is off: it begins too late, and a transaction that
    # reads first and writes later then fails with "database is locked" at once.
    connection.isolation_level = None
    # SQLite's own knows the letters of ASCII alone: a search for "über" would miss "Über".
    connection.create_function("lower", 1, _lower, deterministic=True)
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _lower(text: str | None) -> str | None:
    return None if text is None else str(text).lower()


def _begin_sqlite(connection: Any) -> None:
    # One that writes takes the write lock at its start and waits its turn for it.
    begins = connection.get_execution_options().get(_BEGINS, "BEGIN IMMEDIATE")
    connection.exec_driver_sql(begins)


def _refuse_to_write(session: Session, *_: Any) -> None:
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("This session only reads: use Database.session to write.")
