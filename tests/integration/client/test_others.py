"""EventSource and curl, which every machine has, read the same endpoint."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from progress.testing import item, status
from tests.sse import Parser

FOLLOW = """() => {
    globalThis.heard = [];
    globalThis.source = new EventSource("/api/jobs/one/progress");
    source.onmessage = ({ data, lastEventId }) => heard.push([JSON.parse(data).type, lastEventId]);
}"""


def test_a_browsers_own_eventsource_follows_a_job_and_is_told_to_stop(report, server, open_page):
    report("one", status("running"))
    page = open_page()
    page.evaluate(FOLLOW)
    page.wait_for_function("heard.length === 1")
    report("one", item("a", "succeeded"))
    report("one", status("completed"))
    page.wait_for_function("heard.at(-1)[0] === 'status'")
    heard = page.evaluate("heard")
    assert [kind for kind, _ in heard] == ["snapshot", "item", "progress", "progress", "status"]
    # It comes back once, with the last id, and 204 ends it.
    page.wait_for_function("source.readyState === EventSource.CLOSED", timeout=15_000)
    assert server.opened.total() == 1
    assert page.evaluate("heard.length") == len(heard)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl_prints_a_job_to_its_end(report, server):
    report("one", status("running"), item("a", "succeeded"))
    report("one", status("failed", reason="Cut off."))
    url = f"{server.url}/api/jobs/one/progress"
    command = ["curl", "--silent", "--no-buffer", "--header", "account: ada", url]
    done = subprocess.run(command, capture_output=True, timeout=20, check=True)
    parser = Parser()
    parser.feed(done.stdout)
    ((cursor, document),) = parser.events
    assert '"status":"failed"' in document
    assert cursor == str(server.log.snapshot(server.refs["one"])[1])
