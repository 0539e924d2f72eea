"""What axe finds wrong with a page that a browser shows."""

from __future__ import annotations

from collections.abc import Sequence

from playwright.sync_api import Page

from tests import client
from tests.packages import missing

SCRIPT = client.CLIENT / "node_modules" / "axe-core" / "axe.min.js"


def faults(page: Page, *, without: Sequence[str] = ()) -> list[str]:
    """A line for each element that axe has something against, by all rules but some."""
    try:
        client.install()
    except client.ClientUnavailable as error:
        missing(str(error))
    # Evaluated and not added as an element: a page's policy may let no other script in.
    page.evaluate(SCRIPT.read_text("utf-8"))
    rules = {rule: {"enabled": False} for rule in without}
    found = page.evaluate("rules => axe.run({ rules })", rules)
    assert found["passes"]
    return [
        f"{fault['id']}: {node['html'][:200]}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]
