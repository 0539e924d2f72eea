"""The database: its engine, its sessions, its migrations."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Select, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from .schema import Schema, migrate, read_revision, read_schema

#: The option of a connection to SQLite by which its transactions begin without the write lock.
_BEGINS = "earmark_begins"

#: `Database.row` keeps this many connections open: a web process has four threads. SQLAlchemy's
#: pool gives out up to fifteen.
_MOST_KEPT = 4

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
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        #: Kept between rows: to check a connection out of the pool costs more than a row does.
        self._kept: list[Connection] = []
        self._inherited: list[list[Connection]] = []
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
        """The first row that one SELECT finds, without a session or a transaction of its own."""
        self._leave_inherited_connections()
        try:
            connection = self._kept.pop()
        except IndexError:
            return self._read(self._autocommit.connect(), statement, values)
        try:
            return self._read(connection, statement, values)
        except DBAPIError as error:
            # The server may have gone since the connection was last used, and come back.
            if not error.connection_invalidated:
                raise
            return self._read(self._autocommit.connect(), statement, values)

    def _read(
        self,
        connection: Connection,
        statement: Select[*tuple[Any, ...]],
        values: dict[str, object],
    ) -> Any | None:
        try:
            found = connection.execute(statement, values).first()
        except BaseException:
            connection.close()
            raise
        if len(self._kept) < _MOST_KEPT:
            self._kept.append(connection)
        else:
            connection.close()
        return found

    def migrate(self) -> Schema:
        """Bring the tables to this code's revision; see `library.schema.migrate`."""
        with self.engine.connect() as connection:
            schema = migrate(connection)
            connection.commit()
        return schema

    def revision(self) -> str | None:
        """The revision the tables are at, by one small question."""
        with self.reading() as session:
            return read_revision(session.connection())

    def schema(self) -> Schema:
        """How the tables stand to this code."""
        with self.reading() as session:
            return read_schema(session.connection())

    def close(self) -> None:
        """Close all connections; the next session opens new ones."""
        while self._kept:
            self._kept.pop().close()
        self.engine.dispose()

    def _leave_inherited_connections(self) -> None:
        # A connection opened before a fork belongs to the parent: leave it alone, unclosed.
        if self._pid != os.getpid():
            # Python would close a connection that nothing refers to.
            self._inherited.append(self._kept)
            self._kept = []
            self.engine.dispose(close=False)
            self._pid = os.getpid()


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)
    # Parameters are people's: an error tells none of them, and neither does a log.
    engine = create_engine(
        url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}, hide_parameters=True
    )
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transaction control is off: it begins too late, and a transaction that
    # reads first and writes later then fails with "database is locked" at once.
    connection.isolation_level = None
    # SQLite's own `lower` knows the letters of ASCII alone: a search for "über" would miss "Über".
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
    options = connection.get_execution_options()
    if options.get("isolation_level") == "AUTOCOMMIT":
        return
    # A transaction that writes takes the write lock at its start and waits its turn for it.
    connection.exec_driver_sql(options.get(_BEGINS, "BEGIN IMMEDIATE"))


def _refuse_to_write(session: Session, *_: Any) -> None:
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("This session only reads: use Database.session to write.")
