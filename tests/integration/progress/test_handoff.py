"""A stock gunicorn whose streams cost it no thread: they live in a process of their own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from progress.cursor import Cursor
from progress.log import JobRef
from progress.redis import RedisLog
from progress.testing import entries_of, fresh_ref, item, status
from tests.servers import Server, free_port
from tests.sse import Parser

MODULE = "tests.integration.progress.apps.handed"
WAIT_SECONDS = 10


@dataclass
class Stream:
    """One browser's connection."""

    response: http.client.HTTPResponse
    parser: Parser = field(default_factory=Parser)
    closed: bool = False

    def read_until(self, seq: int) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not self.closed and (not self.ids or self.ids[-1] < seq):
            assert time.monotonic() < deadline, self.ids
            self.read()

    def read(self) -> None:
        data = self.response.read1(65536)
        self.parser.feed(data)
        self.closed = not data

    def read_to_the_end(self) -> None:
        while not self.closed:
            self.read()

    @property
    def ids(self) -> list[int]:
        return [Cursor.parse(id_).seq for id_, _ in self.parser.events]


@dataclass
class Site:
    process: subprocess.Popen[bytes]
    port: int
    log: RedisLog
    output: Path
    connections: list[http.client.HTTPConnection] = field(default_factory=list)
    responses: list[http.client.HTTPResponse] = field(default_factory=list)

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_SECONDS)
        self.connections.append(connection)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        self.responses.append(response)
        return response

    def stream(self, ref: JobRef, cursor: str = "") -> Stream:
        headers = {"X-Account": ref.account} | ({"Last-Event-ID": cursor} if cursor else {})
        response = self.get(f"/api/jobs/{ref.job_id}/progress", **headers)
        assert response.status == 200
        return Stream(response)

    def streamer(self) -> psutil.Process:
        found = [
            child
            for child in psutil.Process(self.process.pid).children()
            if "progress.streamer" in child.cmdline()
        ]
        return found[0]


@contextmanager
def gunicorn(folder: Path, server: Server, worker_class: str) -> Iterator[Site]:
    port, output = free_port(), folder / "gunicorn.txt"
    environment = {
        "HANDED_REDIS": server.tcp_url,
        "HANDED_SOCKET": str(folder / "s.sock"),
        "HANDED_BIND": f"127.0.0.1:{port}",
        "HANDED_WORKER": worker_class,
        "PYTHONPATH": str(Path.cwd()),
    }
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", f"python:{MODULE}", f"{MODULE}:create_app()"],
            env=os.environ | environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    log = RedisLog(server.tcp_url)
    site = Site(process, port, log, output)
    try:
        _wait_until_it_answers(site)
        yield site
    finally:
        log.close()
        process.terminate()
        process.wait(10)
        for found in (*site.responses, *site.connections):
            found.close()


def _wait_until_it_answers(site: Site) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            site.get("/page").read()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(site.output.read_text())


WORKERS = ["sync", "gthread", "gevent"]


@pytest.fixture(scope="module", params=WORKERS)
def site(
    request: pytest.FixtureRequest, valkey_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with gunicorn(tmp_path_factory.mktemp("handed"), valkey_server, request.param) as site:
        yield site


def test_far_more_streams_than_threads_are_served_by_one_process_and_two_connections(
    site: Site, valkey_server: Server
) -> None:
    ref = fresh_ref()
    site.log.append(ref, [status("running")], attempt=1)
    streams = [site.stream(ref) for _ in range(60)]
    for stream in streams:
        stream.read_until(1)
    assert site.get("/page").read() == b"a page"
    for number in range(20):
        site.log.append(ref, [item(str(number), "succeeded")], attempt=1)
    site.log.append(ref, [status("completed")], attempt=1)
    last = entries_of(site.log, ref)[-1].cursor.seq
    for stream in streams:
        stream.read_to_the_end()
        assert stream.ids == list(range(1, last + 1))
        assert stream.parser.retry_ms is not None
    assert len(site.streamer().net_connections("tcp")) <= 2
    lines = site.output.read_text().count(f"GET /api/jobs/{ref.job_id}/progress 200")
    assert lines == 60


def test_the_response_bears_the_headers_of_the_application(site: Site) -> None:
    ref = fresh_ref()
    site.log.append(ref, [status("completed")], attempt=1)
    response = site.stream(ref).response
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert response.headers["X-Accel-Buffering"] == "no"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Connection"] == "close"


def test_a_reload_of_all_workers_closes_no_stream(site: Site) -> None:
    ref = fresh_ref()
    site.log.append(ref, [status("running")], attempt=1)
    stream = site.stream(ref)
    stream.read_until(1)
    before = {child.pid for child in psutil.Process(site.process.pid).children()}
    site.process.send_signal(signal.SIGHUP)
    streamer = site.streamer().pid
    deadline = time.monotonic() + WAIT_SECONDS
    while before & {c.pid for c in psutil.Process(site.process.pid).children()} != {streamer}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    site.log.append(ref, [status("completed")], attempt=1)
    stream.read_to_the_end()
    assert json.loads(stream.parser.events[-1][1])["status"] == "completed"


def test_a_streamer_that_is_killed_comes_back_and_its_readers_lose_nothing(site: Site) -> None:
    ref = fresh_ref()
    site.log.append(ref, [item("a", "succeeded")], attempt=1)
    stream = site.stream(ref)
    stream.read_until(1)
    site.streamer().kill()
    with suppress(ConnectionError):
        stream.read_to_the_end()
    site.log.append(ref, [item("b", "succeeded"), status("completed")], attempt=1)
    again = site.stream(ref, stream.parser.last_event_id)
    again.read_to_the_end()
    last = entries_of(site.log, ref)[-1].cursor.seq
    assert stream.ids + again.ids == list(range(stream.ids[0], last + 1))


@pytest.mark.parametrize("worker_class", WORKERS)
def test_sigterm_ends_every_stream_with_a_hint_and_leaves_no_process(
    tmp_path: Path, valkey_server: Server, worker_class: str
) -> None:
    with gunicorn(tmp_path, valkey_server, worker_class) as site:
        _end_by_sigterm(site)


def _end_by_sigterm(site: Site) -> None:
    ref = fresh_ref()
    site.log.append(ref, [status("running")], attempt=1)
    streams = [site.stream(ref) for _ in range(30)]
    for stream in streams:
        stream.read_until(1)
        stream.parser.retry_ms = None
    family = psutil.Process(site.process.pid).children(recursive=True)
    site.process.terminate()
    site.process.wait(10)
    for stream in streams:
        stream.read_to_the_end()
        assert stream.parser.retry_ms is not None
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
