"""Pages of the client's own, in a real browser, on a real server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from progress.limits import StreamLimits
from progress.log import JobRef
from progress.reports import Report
from tests import client
from tests.job_server import JobServer, job_server

ACCOUNT = "ada"


@pytest.fixture(scope="session")
def tools() -> None:
    """The client's tools; without them its tests are skipped, and fail under CI."""
    try:
        client.install()
    except client.ClientUnavailable as missing:
        without_tools(str(missing))


def without_tools(missing: str) -> NoReturn:
    """Skips a test for what is missing here, or fails it under CI."""
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def pages(tools: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the test pages."""
    folder = tmp_path_factory.mktemp("pages")
    client.bundle("test/pages/element.ts", folder)
    development = '--define:process.env.NODE_ENV="development"'
    client.bundle("test/pages/hooks.tsx", folder, development, name="react-19")
    older = ("--alias:react=react-18", "--alias:react-dom=react-dom-18")
    client.bundle("test/pages/hooks.tsx", folder, development, *older, name="react-18")
    return folder


@pytest.fixture
def server(pages: Path) -> Iterator[JobServer]:
    """A server that serves them, and pings each half second."""
    limits = StreamLimits(keep_alive_seconds=0.5, streams_per_account=100)
    with job_server(pages=pages, limits=limits) as running:
        yield running


@pytest.fixture
def report(server: JobServer) -> Callable[..., None]:
    """Tells a job of the account something."""

    def tell(job_id: str, *reports: Report, attempt: int = 1) -> None:
        server.report(JobRef(ACCOUNT, job_id), *reports, attempt=attempt)

    return tell


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of its own: its tabs share what tabs share. An error of a page fails the test."""
    problems: list[str] = []
    with browser.new_context() as context:
        context.on("weberror", lambda error: problems.append(str(error.error)))
        yield context
    assert problems == []


Open = Callable[..., Page]


@pytest.fixture
def open_page(context: BrowserContext, server: JobServer) -> Open:
    """Opens a test page with a query."""

    def open_one(name: str = "element", **query: object) -> Page:
        page = context.new_page()
        page.goto(f"{server.url}/pages/{name}.html?{urlencode(query, doseq=True)}")
        return page

    return open_one
