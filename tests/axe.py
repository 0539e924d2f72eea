"""What axe finds wrong with a page that a browser shows."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.packages import package


def faults(page: Page) -> list[str]:
    """A line for each element that axe has something against."""
    script = package("axe-playwright-python", alone=True) / "axe_playwright_python" / "axe.min.js"
    # Evaluated and not added as an element: the page's policy lets no other script in.
    page.evaluate(script.read_text("utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['html'][:120]} {node.get('failureSummary', '')}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
