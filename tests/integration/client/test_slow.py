"""Real browsers behind proxies that hold streams back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Request, expect

from progress.reports import TotalReport
from progress.testing import item, status
from tests.holding_proxy import holding_proxy
from tests.job_server import JobServer
from tests.nginx import nginx

#: Buffering that the server's own headers cannot turn off. Without compression nginx passes on what
#: it has whenever the server pauses; what it compresses it keeps until there is much of it.
FORCED = """
    proxy_http_version 1.1;
    proxy_buffering on;
    proxy_ignore_headers X-Accel-Buffering;
    proxy_buffer_size 64k;
    proxy_buffers 16 64k;
    gzip on;
    gzip_proxied any;
    gzip_types text/event-stream application/json;
    gzip_buffers 16 64k;
    postpone_output 65536;
"""
SLOWLY = "Updates are slow here"


@dataclass
class Proxy:
    """Pages behind a proxy, and the requests for jobs that they made."""

    url: str
    context: BrowserContext
    #: When each was sent, and its address.
    asked: list[tuple[float, str]] = field(default_factory=list)

    def open(self, **query: object) -> Page:
        page = self.context.new_page()
        page.on("request", self._note)
        page.goto(f"{self.url}/pages/element.html?{urlencode(query, doseq=True)}")
        return page

    def _note(self, request: Request) -> None:
        if "/api/" in request.url:
            self.asked.append((time.monotonic(), request.url.removeprefix(self.url)))


@pytest.fixture
def proxies(server: JobServer, context: BrowserContext, tmp_path: Path) -> Iterator[list[Proxy]]:
    """An nginx that buffers, and a proxy that holds the head of an answer until its end."""
    upstream = server.url.removeprefix("http://")
    with nginx(tmp_path, upstream, settings=FORCED) as one, holding_proxy(upstream) as other:
        yield [Proxy(f"http://127.0.0.1:{port}", context) for port in (one, other)]
        for page in context.pages:
            page.close()


def test_a_page_shows_the_first_state_within_25_s_the_end_within_5_and_says_why(
    report, proxies: list[Proxy]
) -> None:
    report("one", status("running"), TotalReport(4, 0), item("a", "succeeded"))
    began_at = time.monotonic()
    pages = [proxy.open(job="one") for proxy in proxies]
    for page in pages:
        expect(counts_of(page)).to_have_text("1 of 4", timeout=25_000)
        assert time.monotonic() - began_at > 15  # or nothing was held back here
        expect(page.locator("job-progress [part=connection]")).to_contain_text(SLOWLY)
    report("one", item("b", "succeeded"))
    for page in pages:
        expect(counts_of(page)).to_have_text("2 of 4", timeout=5_000)
    report("one", status("completed"))
    for page in pages:
        element = page.locator("job-progress")
        expect(element).to_have_attribute("data-status", "completed", timeout=5_000)
    assert time.monotonic() - began_at < 35


def test_twenty_tabs_together_ask_at_most_once_in_three_seconds(
    report, proxies: list[Proxy]
) -> None:
    _, proxy = proxies
    jobs = ["one", "two", "three", "four"]
    for job in jobs:
        report(job, status("running"), TotalReport(100, 0))
    tabs = [proxy.open(job=jobs[at % 4], items=jobs[at % 2], mute=1_000) for at in range(20)]
    for tab in tabs:
        expect(counts_of(tab)).to_have_text("0 of 100", timeout=25_000)
    proxy.asked.clear()
    for number in range(12):
        for job in jobs:
            report(job, item(str(number), "succeeded"))
        tabs[0].wait_for_timeout(1_000)
    for job in jobs:
        report(job, status("completed"))
    told_at = time.monotonic()
    for tab in tabs:
        element = tab.locator("job-progress")
        expect(element).to_have_attribute("data-status", "completed", timeout=5_000)
    assert time.monotonic() - told_at < 6  # twenty pages are looked at, one after the other
    times = [at for at, _ in proxy.asked]
    assert len(times) >= 4
    # The browser tells of a request some milliseconds early or late.
    assert min(later - at for at, later in pairwise(times)) > 2.7, proxy.asked


def counts_of(page: Page) -> Locator:
    return page.locator("job-progress [part=counts]")
