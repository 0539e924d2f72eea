"""Middleware around the application: what it adds is on streams; what it changes stays here."""

from __future__ import annotations

import http.client
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser, expect

from progress.history import EventPage
from progress.log import JobRef
from progress.testing import fresh_ref, item, status
from tests.servers import Server

from .gunicorns import Site, gunicorn, wait_until


class _Page(BaseHTTPRequestHandler):
    """A page of another origin, which loads the element from the site and shows a job of it."""

    def do_GET(self) -> None:
        site, _, job = self.path.removeprefix("/?").partition("&")
        policy = f"default-src 'none'; script-src {site}; connect-src {site}"
        text = (
            f'<!doctype html><link rel="icon" href="data:,"><title>Shop</title>'
            f'<script type="module" src="{site}/api/jobs/job-progress.js"></script>'
            f'<job-progress job-id="{job}" base="{site}" crossorigin="use-credentials" items>'
            f"</job-progress>"
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", f"{policy}; img-src data:")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def other() -> Iterator[str]:
    """The other origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def site(
    valkey_server: Server, tmp_path_factory: pytest.TempPathFactory, other: str
) -> Iterator[Site]:
    """One with middleware that adds headers, and middleware that only looks."""
    around = ("--env=HANDED_AROUND=headers,watching", f"--env=HANDED_ORIGIN={other}")
    folder = tmp_path_factory.mktemp("around")
    with gunicorn(folder, valkey_server, "gthread", *around) as site:
        yield site


def started(site: Site) -> JobRef:
    ref = fresh_ref()
    site.log.append(ref, [status("running")], attempt=1)
    return ref


@pytest.mark.parametrize("way", ["short", "long"])
def test_a_stream_that_is_handed_over_bears_what_middleware_adds(site: Site, way: str) -> None:
    ref = started(site)
    streams = [site.stream(ref, **{"X-Way": way}) for _ in range(20)]
    for stream in streams:
        stream.read_until(1)
        found = stream.response.headers
        assert found["Strict-Transport-Security"] == "max-age=60"
        assert found["Access-Control-Allow-Credentials"] == "true"
        assert "Origin" in found.get_all("Vary", [])
        assert found["X-Frame-Options"] == "DENY"
        assert (found["X-Way"] == "short") == (way == "short")
        assert found["Connection"] == "close"
    # There are eight threads.
    assert site.get("/page").read() == b"a page"


def test_a_page_that_is_waited_for_bears_it_too(site: Site) -> None:
    ref = started(site)
    path = f"/api/jobs/{ref.job_id}/events"
    headers = {"X-Account": ref.account}
    cursor = EventPage.model_validate_json(site.get(path, **headers).read()).cursor
    connection = site.connect()
    site.connections.append(connection)
    connection.request("GET", f"{path}?after={cursor}&wait=20", headers=headers)
    wait_until(lambda: site.lines_of(ref, "events") == 2)
    site.log.append(ref, [item("a", "succeeded")], attempt=1)
    response = connection.getresponse()
    assert response.headers["Strict-Transport-Security"] == "max-age=60"
    assert EventPage.model_validate_json(response.read()).events


def test_a_stream_that_is_compressed_still_streams(tmp_path: object, valkey_server: Server) -> None:
    around = "--env=HANDED_AROUND=headers,gzip"
    with gunicorn(tmp_path, valkey_server, "gthread", around) as site:  # type: ignore[arg-type]
        for way in ("short", "long"):
            _read_compressed(site, way)


def _read_compressed(site: Site, way: str) -> None:
    ref = started(site)
    stream = site.stream(ref, **{"X-Way": way, "Accept-Encoding": "gzip"})
    assert stream.response.headers["Content-Encoding"] == "gzip"
    assert stream.response.headers["Strict-Transport-Security"] == "max-age=60"
    unpacker = zlib.decompressobj(wbits=31)
    text = _read_until(stream.response, unpacker, b'"running"')
    site.log.append(ref, [item("a", "succeeded")], attempt=1)
    text += _read_until(stream.response, unpacker, b'"succeeded"')
    site.log.append(ref, [status("completed")], attempt=1)
    text += _read_until(stream.response, unpacker, b'"completed"')
    assert text.startswith(b"retry: ")
    assert stream.response.read() is not None  # it ends
    # Who does not accept that gets a stream that is handed over.
    plain = site.stream(ref, **{"X-Way": way})
    assert "Content-Encoding" not in plain.response.headers
    assert plain.response.headers["Connection"] == "close"


def _read_until(response: http.client.HTTPResponse, unpacker: object, text: bytes) -> bytes:
    found = b""
    while text not in found:
        data = response.read1(65_536)
        assert data, found
        found += unpacker.decompress(data)  # type: ignore[attr-defined]
    return found


def test_a_page_of_another_origin_shows_a_job_under_a_strict_policy(
    site: Site, other: str, browser: Browser
) -> None:
    ref = started(site)
    url = f"http://{site.connect().host}:{site.connect().port}"
    problems: list[str] = []
    with browser.new_context() as context:
        context.add_cookies([{"name": "account", "value": ref.account, "url": url}])
        page = context.new_page()
        page.on("console", lambda said: problems.append(said.text))
        page.goto(f"{other}/?{url}&{ref.job_id}")
        element = page.locator("job-progress")
        expect(element).to_have_attribute("data-status", "running")
        site.log.append(ref, [item("a", "succeeded"), status("completed")], attempt=1)
        expect(element).to_have_attribute("data-status", "completed")
    assert problems == []


def test_a_page_of_an_origin_that_is_not_allowed_reads_nothing(
    tmp_path: object, valkey_server: Server, other: str, browser: Browser
) -> None:
    with gunicorn(tmp_path, valkey_server, "gthread") as site:  # type: ignore[arg-type]
        ref = started(site)
        url = f"http://{site.connect().host}:{site.connect().port}"
        with browser.new_context() as context:
            context.add_cookies([{"name": "account", "value": ref.account, "url": url}])
            page = context.new_page()
            page.goto(f"{other}/?{url}&{ref.job_id}")
            wait_until(lambda: site.lines(ref) > 0)
            assert page.locator("job-progress").get_attribute("data-status") is None
