"""Waiting for events as JSON: no thread of a stock gunicorn is held, and curl follows a job."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from progress.cursor import Cursor
from progress.history import EventPage
from progress.log import JobRef
from progress.testing import entries_of, fresh_ref, item, status
from tests.job_server import job_server
from tests.packages import missing
from tests.servers import Server

from .gunicorns import Site, gunicorn, wait_until

DOCUMENT = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text("utf-8")
READERS = 50


@pytest.fixture(scope="module")
def site(valkey_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two workers of four threads."""
    with gunicorn(tmp_path_factory.mktemp("waiting"), valkey_server, "gthread") as site:
        yield site


def started(site: Site) -> tuple[JobRef, Cursor]:
    """A job, and where its log stands."""
    ref = fresh_ref()
    return ref, site.log.append(ref, [status("running")], attempt=1).cursor


def ask(site: Site, ref: JobRef, query: str, **headers: str) -> http.client.HTTPConnection:
    """A request whose answer is yet to be read."""
    connection = site.connect()
    site.connections.append(connection)
    path = f"/api/jobs/{ref.job_id}/events?{query}"
    connection.request("GET", path, headers={"X-Account": ref.account, **headers})
    return connection


def page(connection: http.client.HTTPConnection) -> EventPage:
    with connection.getresponse() as response:
        assert response.status == 200
        return EventPage.model_validate_json(response.read())


def test_fifty_who_wait_hold_no_thread_and_are_all_told(site: Site) -> None:
    ref, cursor = started(site)
    for _ in range(
        4
    ):  # each worker has its way to the streamer, and the streamer its own to the log
        assert page(ask(site, ref, f"after={cursor}&wait=1")).events == ()
    held, told_before = site.held(), site.lines_of(ref, "events")
    waiting = [ask(site, ref, f"after={cursor}&wait=20") for _ in range(READERS)]
    wait_until(lambda: site.lines_of(ref, "events") == told_before + READERS)
    assert site.held() >= held + READERS
    # All have left their workers, which have 8 threads together.
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _: site.get("/page").read(), range(40)))
    assert pages == [b"a page"] * 40
    asked_at = time.monotonic()
    site.log.append(ref, [item("a", "succeeded")], attempt=1)
    for connection in waiting:
        told = page(connection)
        assert told.events[0].id == str(cursor.next())
        assert (told.ended, told.snapshot) == (False, None)
    assert time.monotonic() - asked_at < 5
    wait_until(lambda: site.held() <= held + 2)


def test_who_waits_in_vain_is_told_in_time_and_by_the_etag(site: Site) -> None:
    ref, cursor = started(site)
    began = time.monotonic()
    with ask(site, ref, f"after={cursor}&wait=1").getresponse() as response:
        assert (response.status, response.headers["X-Frame-Options"]) == (200, "DENY")
        etag, body = response.headers["ETag"], json.loads(response.read())
    assert (body["cursor"], body["events"]) == (str(cursor), [])
    assert 0.9 < time.monotonic() - began < 6
    named = {"If-None-Match": etag}
    with ask(site, ref, f"after={cursor}&wait=1", **named).getresponse() as response:
        assert (response.status, response.read()) == (304, b"")
        assert response.headers["ETag"] == etag


def test_a_compressed_page_comes_to_who_waits(site: Site) -> None:
    ref, cursor = started(site)
    connection = ask(site, ref, f"after={cursor}&wait=20", **{"Accept-Encoding": "gzip"})
    wait_until(lambda: site.lines_of(ref, "events") == 1)
    site.log.append(ref, [status("completed")], attempt=1)
    with connection.getresponse() as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["ETag"].endswith('-end"')
        assert "Link" not in response.headers
        assert response.headers["X-Frame-Options"] == "DENY"


def test_who_is_far_behind_pages_the_events_and_then_streams(site: Site) -> None:
    ref, cursor = started(site)
    for number in range(300):
        site.log.append(ref, [item(str(number), "succeeded")], attempt=1)
    told: list[str] = []
    path: str | None = f"/api/jobs/{ref.job_id}/events?after={cursor.epoch}-0&limit=250"
    stream = ""
    while path is not None:
        with site.get(path, **{"X-Account": ref.account}) as response:
            found = EventPage.model_validate_json(response.read())
            link = response.headers["Link"]
        told += [entry.id for entry in found.events]
        stream = re.findall(r'<([^>]+)>; rel="alternate"', link)[0]
        path = re.findall(r'<([^>]+)>; rel="next"', link)[0] if found.events else None
    site.log.append(ref, [status("completed")], attempt=1)
    headers = {"X-Account": ref.account, "Accept": "text/event-stream"}
    with site.get(stream, **headers) as response:
        streamed = re.findall(r"^id: (.*)$", response.read().decode(), re.MULTILINE)
    assert told + streamed == [str(entry.cursor) for entry in entries_of(site.log, ref)]


def script() -> str:
    """The document's own."""
    found = re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL)
    (block,) = [block for block in found if "rel=" in block]
    return str(block)


def followed(url: str, ref: JobRef, header: str, folder: Path) -> subprocess.Popen[str]:
    if shutil.which("curl") is None:
        missing("curl (apt install curl)")
    told = {"SITE": url, "JOB": ref.job_id, "AUTH": header, "PATH": "/usr/bin:/bin"}
    text = script().replace("/tmp/head", str(folder / "head"))
    return subprocess.Popen(["sh", "-eu", "-c", text], env=told, stdout=subprocess.PIPE, text=True)


def pages_of(text: str) -> list[EventPage]:
    return [EventPage.model_validate_json(line) for line in text.splitlines()]


def check_followed(pages: list[EventPage], log: object, ref: JobRef) -> None:
    first, *rest = pages
    assert first.snapshot is not None
    assert first.cursor is not None
    told = [entry.id for found in rest for entry in found.events]
    everything = [str(entry.cursor) for entry in entries_of(log, ref)]  # type: ignore[arg-type]
    assert told == everything[everything.index(first.cursor) + 1 :]
    assert [found.ended for found in pages] == [False] * (len(pages) - 1) + [True]


def test_curl_alone_follows_a_job_to_its_end(site: Site, tmp_path: Path) -> None:
    ref, _ = started(site)
    connection = site.connect()
    url = f"http://{connection.host}:{connection.port}"
    with followed(url, ref, f"X-Account: {ref.account}", tmp_path) as curl:
        wait_until(lambda: site.lines_of(ref, "events") >= 2)
        for number in range(5):
            site.log.append(ref, [item(str(number), "succeeded")], attempt=1)
            time.sleep(0.05)
        site.log.append(ref, [status("completed")], attempt=1)
        text, _ = curl.communicate(timeout=30)
    assert curl.returncode == 0
    check_followed(pages_of(text), site.log, ref)


def test_curl_follows_a_job_on_a_server_that_keeps_its_sockets(tmp_path: Path) -> None:
    ref = JobRef("ada", "one")
    with job_server() as server:
        server.report(ref, status("running"))
        with followed(server.url, ref, "account: ada", tmp_path) as curl:
            reports = threading.Timer(0.5, lambda: server.report(ref, status("completed")))
            reports.start()
            text, _ = curl.communicate(timeout=30)
            reports.join()
        assert curl.returncode == 0
        check_followed(pages_of(text), server.log, ref)


@pytest.mark.parametrize("worker_class", ["sync", "gevent"])
def test_under_other_workers_they_wait_elsewhere_too_and_are_answered_when_it_ends(
    tmp_path: Path, valkey_server: Server, worker_class: str
) -> None:
    with gunicorn(tmp_path, valkey_server, worker_class) as site:
        ref, cursor = started(site)
        waiting = [ask(site, ref, f"after={cursor}&wait=20") for _ in range(10)]
        wait_until(lambda: site.lines_of(ref, "events") == len(waiting))
        assert site.get("/page").read() == b"a page"
        site.log.append(ref, [item("a", "succeeded")], attempt=1)
        assert all(page(connection).events for connection in waiting)
        last = site.log.position(ref)
        assert last is not None
        again = [ask(site, ref, f"after={last.cursor}&wait=20") for _ in range(10)]
        wait_until(lambda: site.lines_of(ref, "events") == 2 * len(waiting))
        site.process.terminate()
        assert [page(connection).events for connection in again] == [()] * len(again)
