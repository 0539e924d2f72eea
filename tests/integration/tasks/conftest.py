"""Fixtures of the tests of the pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from library import demo
from tests.integration.databases import MakeUrl
from tests.integration.tasks.shelf import Shelf, a_shelf
from tests.servers import Server


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo library; tests that change it copy it."""
    folder = tmp_path_factory.mktemp("music")
    demo.generate(folder)
    return folder


@pytest.fixture
def sqlite_shelf(make_sqlite: MakeUrl, valkey_server: Server, tmp_path: Path) -> Iterator[Shelf]:
    """An account with an empty folder, where one database is as good as the other."""
    log = f"{valkey_server.tcp_url.removesuffix('/0')}/2"
    with a_shelf(make_sqlite(True), log, tmp_path / "data") as found:
        yield found


@pytest.fixture
def shelf(make_url: MakeUrl, valkey_server: Server, tmp_path: Path) -> Iterator[Shelf]:
    """An account with an empty folder, on both databases."""
    log = f"{valkey_server.tcp_url.removesuffix('/0')}/2"
    with a_shelf(make_url(True), log, tmp_path / "data") as found:
        yield found
