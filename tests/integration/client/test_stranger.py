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
FILES = [ROOT / "progress" / "static" / name for name in ("job-progress.js", "job-run.js")]


@pytest.fixture
def page_of_theirs(pages: Path) -> str:
    """The name of a page with the elements as the document shows them, for the job "one"."""
    blocks = re.findall(r"^```html\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    block = "".join(blocks).replace("/static/", "").replace("7f8f6a0e-…", "one")
    for file in FILES:
        assert f'src="/static/{file.name}"' in "".join(blocks)
        (pages / file.name).write_bytes(file.read_bytes())
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
    expect(page.locator("job-run rect.attempt.completed")).to_have_count(1)
    page.wait_for_timeout(500)
    assert len(loads) == 1
    assert page.evaluate("customElements.get('job-progress').words") is not None
    assert page.title() == "Shop"
