"""A stock gunicorn whose streams cost it no thread: they live in a process of their own."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from progress.log import JobRef
from progress.testing import entries_of, fresh_ref, item, status
from tests.servers import Server

from .gunicorns import WAIT_SECONDS, Site, Stream, gunicorn, wait_until

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
    assert site.lines(ref) == 60


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
    before = site.workers()
    site.process.send_signal(signal.SIGHUP)
    site.wait_for_others_than(before)
    site.log.append(ref, [status("completed")], attempt=1)
    stream.read_to_the_end()
    assert json.loads(stream.parser.events[-1][1])["status"] == "completed"


def test_a_streamer_that_is_killed_comes_back_and_its_readers_lose_nothing(site: Site) -> None:
    ref = fresh_ref()
    site.log.append(ref, [item("a", "succeeded")], attempt=1)
    stream = site.stream(ref)
    stream.read_until(1)
    killed = site.streamer()
    killed.kill()
    with suppress(ConnectionError):
        stream.read_to_the_end()
    site.log.append(ref, [item("b", "succeeded"), status("completed")], attempt=1)
    again = _resumed(site, ref, stream.parser.last_event_id)
    again.read_to_the_end()
    last = entries_of(site.log, ref)[-1].cursor.seq
    assert stream.ids + again.ids == list(range(stream.ids[0], last + 1))
    wait_until(lambda: site.streamers() not in ([], [killed]))


def _resumed(site: Site, ref: JobRef, cursor: str) -> Stream:
    """Connected again as a browser does it: also after an answer that did not come.

    A worker may hand a descriptor to a process that is being killed at that moment.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return site.stream(ref, cursor)
        except ConnectionError:
            assert time.monotonic() < deadline


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


@pytest.mark.parametrize("worker_class", ["sync", "gthread"])
def test_sigterm_ends_streams_while_a_request_is_in_flight_that_is_answered_all_the_same(
    tmp_path: Path, valkey_server: Server, worker_class: str
) -> None:
    with gunicorn(tmp_path, valkey_server, worker_class, "--graceful-timeout=30") as site:
        ref = fresh_ref()
        site.log.append(ref, [status("running")], attempt=1)
        streams = [site.stream(ref) for _ in range(5)]
        for stream in streams:
            stream.read_until(1)
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(lambda: site.get("/slow").read())
            wait_until((tmp_path / "begun").exists)
            site.process.terminate()
            try:
                for stream in streams:
                    stream.read_to_the_end()
                    assert stream.parser.retry_ms is not None
                assert not slow.done()
            finally:
                (tmp_path / "go").touch()
            assert slow.result() == b"at last"
