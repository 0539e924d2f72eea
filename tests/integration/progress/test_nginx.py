"""An nginx that is told only where to pass requests on does not hold a stream back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from progress.testing import entries_of, fresh_ref, item, status
from tests.nginx import nginx
from tests.servers import Server, free_port

from .gunicorns import Site, gunicorn, tcp, wait_until


@pytest.fixture(scope="module", params=["TCP", "a Unix socket"])
def behind(
    request: pytest.FixtureRequest, valkey_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A gunicorn that is read from through an nginx."""
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    # One worker, so that its connection to the streamer is counted once and for all.
    options = ["--workers=1", f"--bind=127.0.0.1:{port}", f"--bind=unix:{folder}/g.sock"]
    upstream = f"127.0.0.1:{port}" if request.param == "TCP" else f"unix:{folder}/g.sock:"
    with (
        gunicorn(folder, valkey_server, "gthread", *options, port=port) as site,
        nginx(folder, upstream) as outside,
    ):
        through = replace(site, connect=tcp(outside), connections=[], responses=[])
        ref = fresh_ref()
        site.log.append(ref, [status("completed")], attempt=1)
        through.stream(ref).read_to_the_end()  # the streamer connects to its log with the first
        yield through
        for found in (*through.responses, *through.connections):
            found.close()


def test_events_come_through_at_once_and_the_stream_ends_with_its_job(behind: Site) -> None:
    ref, before = fresh_ref(), behind.held()
    behind.log.append(ref, [status("running")], attempt=1)
    asked_at = time.monotonic()
    streams = [behind.stream(ref) for _ in range(20)]
    for stream in streams:
        stream.read_until(1)
    assert time.monotonic() - asked_at < 2
    assert behind.held() >= before + 20
    assert streams[0].response.headers["Content-Type"].startswith("text/event-stream")
    for number in range(3):
        written_at = time.monotonic()
        behind.log.append(ref, [item(str(number), "succeeded")], attempt=1)
        last = entries_of(behind.log, ref)[-1].cursor.seq
        for stream in streams:
            stream.read_until(last)
        assert time.monotonic() - written_at < 1
    behind.log.append(ref, [status("completed")], attempt=1)
    last = entries_of(behind.log, ref)[-1].cursor.seq
    for stream in streams:
        stream.read_to_the_end()
        assert stream.ids == list(range(1, last + 1))
    wait_until(lambda: behind.held() <= before)


def test_a_client_that_leaves_nginx_gives_its_stream_back(behind: Site) -> None:
    ref, before = fresh_ref(), behind.held()
    behind.log.append(ref, [status("running")], attempt=1)
    connection = behind.connect()
    stream = behind.stream(ref, over=connection)
    stream.read_until(1)
    assert behind.held() > before
    stream.response.close()
    connection.close()
    wait_until(lambda: behind.held() <= before)
