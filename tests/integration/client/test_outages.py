"""A server that goes away under a page in a real browser, and comes back."""

from __future__ import annotations

import time

from playwright.sync_api import BrowserContext, expect

from progress.limits import StreamLimits
from progress.log import JobRef
from progress.memory import MemoryLog
from progress.reports import TotalReport
from progress.testing import item, status
from tests.job_server import job_server
from tests.servers import free_port

LOST = "The connection was lost. Trying again…"


def test_a_page_is_live_within_five_seconds_of_the_servers_return(pages, context: BrowserContext):
    log, port, ref = MemoryLog(), free_port(), JobRef("ada", "one")
    limits = StreamLimits(keep_alive_seconds=0.5)
    with job_server(log=log, limits=limits, pages=pages, port=port) as server:
        server.report(ref, status("running"), TotalReport(3, 0))
        page = context.new_page()
        page.goto(f"{server.url}/pages/element.html?dice=fair&job=one")
        counts = page.locator("job-progress [part=counts]")
        expect(counts).to_have_text("0 of 3")
    expect(page.locator("job-progress [part=connection]")).to_have_text(LOST, timeout=15_000)
    page.wait_for_timeout(6_000)  # some tries fail, and the wait is as long as it gets
    with job_server(log=log, limits=limits, pages=pages, port=port) as server:
        back_at = time.monotonic()
        server.report(ref, item("a", "succeeded"))
        expect(counts).to_have_text("1 of 3", timeout=10_000)
        assert time.monotonic() - back_at < 6  # 5 s, and the time to look
        expect(page.locator("job-progress [part=connection]")).to_be_empty()
        page.close()
