"""`examples/react/`: a page of someone else's, beside a running Earmark."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import client
from tests.acceptance.installation import free_port, wait_for
from tests.acceptance.test_main_job import sign_in

EXAMPLE = Path(__file__).parents[2] / "examples" / "react"

# In a fresh clone npm installs the client's packages and the example's first.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def built() -> None:
    """The example, built as its README says."""
    try:
        client.install()
        client.install(EXAMPLE)
    except client.ClientUnavailable as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    client.run(["npm", "run", "--silent", "build"], seconds=60)
    client.run(["npm", "run", "--silent", "build"], folder=EXAMPLE, seconds=60)


@pytest.fixture
def example(built: None, earmark: str) -> Iterator[str]:
    """Where the example answers, before a running Earmark."""
    port = free_port()
    process = subprocess.Popen(
        ["node", "node_modules/vite/bin/vite.js", "preview", "--strictPort", f"--port={port}"],
        cwd=EXAMPLE,
        env=os.environ | {"EARMARK": earmark},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        wait_for("the example answers", lambda: "Local" in process.stdout.readline(), seconds=20)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_example_shows_a_job_of_earmark_live(page: Page, earmark: str, example: str) -> None:
    other = page.context.new_page()
    other.goto(example)
    expect(other.get_by_role("alert")).to_contain_text("Sign in to Earmark first")
    sign_in(page)
    other.reload()
    expect(other.get_by_text("No job is running.")).to_be_visible()
    page.get_by_role("button", name="Sync").click()
    page.wait_for_url("**/jobs/*")
    other.reload()
    other.get_by_label("All jobs").get_by_role("button", name="sync").first.click()
    job = other.get_by_label("Job", exact=True)
    expect(job.locator("strong")).to_have_text("completed", timeout=60_000)
    expect(job.get_by_role("progressbar")).to_have_attribute("value", "1")
    newest = other.get_by_label("All jobs").get_by_role("listitem").first
    expect(newest).to_contain_text("completed")
