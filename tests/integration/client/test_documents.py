"""The documents' examples, each as a page, opened before, during and after its job."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from progress.reports import TotalReport
from progress.testing import item, status
from tests import client
from tests.job_server import JobServer

ROOT = client.CLIENT.parents[1]
SOURCE = client.CLIENT / "src"

#: A component around the hooks of an example, and a page around the component.
COMPONENT = """
import {{ QueryClient, QueryClientProvider }} from "@tanstack/react-query";
import {{ createRoot }} from "react-dom/client";
import {{ useJobFeed, useJobProgress }} from "job-progress/react";

function Example({{ jobId }}: {{ jobId: string }}) {{
  {body}
  return <p data-status={{status}}>{{progress?.done}}</p>;
}}
createRoot(document.getElementById("root")!).render(
  <QueryClientProvider client={{new QueryClient()}}><Example jobId="one" /></QueryClientProvider>,
);
"""
#: What an example of the core knows, as the page's status.
SHOWN = """
const jobId = "one";
{body}
setInterval(() => {{ document.body.dataset.status = state?.status ?? "unknown"; }}, 50);
"""


def blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text("utf-8")
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block.replace("7f8f6a0e-…", "one") for block in found]


def bundled(name: str, text: str, pages: Path) -> None:
    """A page that loads a script, made by a bundler that knows the package."""
    entry = pages / f"{name}.tsx"
    entry.write_text(text, "utf-8")
    names = ("element", "client", "react", "notice")
    aliases = [f"--alias:job-progress/{each}={SOURCE / each}.ts" for each in names]
    packages = client.CLIENT / "node_modules"
    found = ("react", "react-dom", "@tanstack/react-query")
    client.bundle(
        str(entry),
        pages,
        *aliases,
        f"--alias:job-progress={SOURCE / 'index.ts'}",
        *(f"--alias:{each}={packages / each}" for each in found),
        '--define:process.env.NODE_ENV="development"',
        name=name,
    )


def element_page(pages: Path, server: JobServer) -> str:
    live, _, went = blocks("docs/client.md", "html")
    assert 'src="/api/jobs/job-progress.js"' in live
    assert 'src="/api/jobs/job-run.js"' in went
    return plain_page(pages, live + went)


def page_of_another_site(pages: Path, server: JobServer) -> str:
    _, block, _ = blocks("docs/client.md", "html")
    assert 'src="https://music.example/api/jobs/' in block
    return plain_page(pages, block.replace("https://music.example", server.url))


def plain_page(pages: Path, block: str) -> str:
    (pages / "example.html").write_text(f"<!doctype html><title>Shop</title>{block}", "utf-8")
    return "example.html"


def element_of_the_package(pages: Path, server: JobServer) -> str:
    (block,) = blocks("web/client/README.md", "html")
    (script,) = re.findall(r"<script type=.module.>(.*?)</script>", block, re.DOTALL)
    bundled("imported", script, pages)
    return plain_page(pages, block.replace(script, "import './imported.js'"))


def hooks(pages: Path, server: JobServer) -> str:
    (block,) = blocks("docs/client.md", "tsx")
    bundled("example-hooks", COMPONENT.format(body=block), pages)
    return "example-hooks.html"


def hooks_of_the_package(pages: Path, server: JobServer) -> str:
    (block,) = blocks("web/client/README.md", "tsx")
    imports = re.compile(r"^import .*\n", re.MULTILINE)
    bundled("example-package", COMPONENT.format(body=imports.sub("", block)), pages)
    return "example-package.html"


def core(pages: Path, server: JobServer) -> str:
    (block,) = blocks("docs/client.md", "js")
    bundled("example-core", SHOWN.format(body=block), pages)
    return "example-core.html"


EXAMPLES: list[Callable[[Path, JobServer], str]] = [
    element_page,
    page_of_another_site,
    element_of_the_package,
    hooks,
    hooks_of_the_package,
    core,
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.__name__)
def test_a_page_that_is_opened_before_during_or_after_its_job_shows_its_end_and_is_loaded_once(
    report, server: JobServer, pages: Path, context: BrowserContext, example
) -> None:
    name = example(pages, server)
    loads: list[str] = []
    context.on("page", lambda page: page.on("load", lambda shown: loads.append(shown.url)))

    def opened():
        page = context.new_page()
        page.goto(f"{server.url}/pages/{name}")
        return page

    before = opened()
    report("one", status("running"), TotalReport(2, 0))
    expect(before.locator("[data-status=running]")).to_be_attached(timeout=8_000)
    during = opened()
    expect(during.locator("[data-status=running]")).to_be_attached()
    report("one", item("a", "succeeded"))
    report("one", item("b", "succeeded"), status("completed"))
    after = opened()
    for page in (before, during, after):
        expect(page.locator("[data-status=completed]")).to_be_attached()
        if example is element_page:
            expect(page.locator("job-run rect.attempt.completed")).to_have_count(1)
    before.wait_for_timeout(300)
    assert len(loads) == 3
