"""The file for other applications, on a page of theirs as the document has it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from progress.testing import item, status
from tests.job_server import JobServer

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "client.md").read_text("utf-8")
FILE = ROOT / "progress" / "static" / "job-progress.js"


@pytest.fixture
def page_of_theirs(pages: Path) -> str:
    """The name of a page with the element as the document shows it, for the job "one"."""
    (block,) = re.findall(r"^```html\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert 'src="/static/job-progress.js"' in block
    block = block.replace("/static/", "").replace("7f8f6a0e-…", "one")
    (pages / FILE.name).write_bytes(FILE.read_bytes())
    (pages / "theirs.html").write_text(f"<!doctype html><title>Shop</title>{block}", "utf-8")
    return "theirs.html"


@pytest.mark.parametrize("is_over_before", [False, True], ids=["live", "over"])
def test_a_page_shows_a_job_and_stays_as_it_is_when_the_job_ends(
    report, server: JobServer, context: BrowserContext, page_of_theirs: str, is_over_before: bool
) -> None:
    report("one", status("running"), item("a", "succeeded"))
    if is_over_before:
        report("one", status("completed"))
    page = context.new_page()
    loads: list[str] = []
    page.on("load", lambda shown: loads.append(shown.url))
    page.goto(f"{server.url}/pages/{page_of_theirs}")
    expect(page.locator("job-progress")).to_have_attribute("data-status", re.compile("."))
    if not is_over_before:
        report("one", status("completed"))
    expect(page.locator("job-progress")).to_have_attribute("data-status", "completed")
    page.wait_for_timeout(500)
    assert len(loads) == 1
    assert page.evaluate("customElements.get('job-progress').words") is not None
    assert page.title() == "Shop"
