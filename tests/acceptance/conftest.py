"""Fixtures of acceptance tests: Earmark's real processes, and a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.acceptance.installation import Installation, installation


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.acceptance)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Installation]:
    """An installation without music, for one test that starts and ends it itself."""
    music = tmp_path / "music"
    music.mkdir()
    # One process of the site is enough to be stopped, and starts sooner.
    with installation(tmp_path, MUSIC=str(music), WEB_CONCURRENCY="1") as installed:
        yield installed


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running Earmark with its demo library, for all tests that leave it running."""
    with installation(tmp_path_factory.mktemp("earmark")) as installed:
        installed.start()
        installed.wait_until_ready()
        yield installed
        assert installed.stop() == 0, installed.output
        assert installed.processes() == []


@pytest.fixture(scope="session")
def earmark(running: Installation) -> str:
    """Where the running Earmark answers.

    EMAIL and PASSWORD of tests.acceptance.installation sign in.
    """
    return running.address


@pytest.fixture
def page(browser: Browser, earmark: str) -> Iterator[Page]:
    """A page of a new visitor; its relative addresses are Earmark's."""
    with browser.new_context(base_url=earmark) as context:
        yield context.new_page()
