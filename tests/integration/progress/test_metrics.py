"""A streamer's metrics, over HTTP from a real one: off until a port is named."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from progress.cursor import Cursor
from progress.events import ItemStatus
from progress.hub.reader import Reader, StreamRequest
from progress.log import JobRef
from progress.redis import RedisLog
from progress.reports import ItemReport
from progress.streamer.protocol import StreamerClient
from progress.streamer.supervisor import StreamerSettings, Supervisor
from progress.testing import fresh_ref, item, status
from tests.servers import Server, free_port
from tests.unit.progress.test_metrics import samples

WAIT_SECONDS = 10


@contextmanager
def streamer(folder: Path, server: Server, port: int | None) -> Iterator[StreamerClient]:
    path = str(folder / "s.sock")
    supervisor = Supervisor(StreamerSettings(path, server.tcp_url, metrics_port=port))
    supervisor.start()
    client = StreamerClient(path)
    try:
        yield client
    finally:
        client.close()
        supervisor.stop()


@pytest.fixture
def log(valkey_server: Server) -> Iterator[RedisLog]:
    log = RedisLog(valkey_server.tcp_url)
    yield log
    log.close()


def follow(client: StreamerClient, ref: JobRef, cursor: Cursor | None = None) -> socket.socket:
    ours, theirs = socket.socketpair()
    with theirs:
        assert client.send(
            Reader(theirs.fileno(), StreamRequest(ref, cursor, b"", time.monotonic()))
        )
    ours.settimeout(WAIT_SECONDS)
    return ours


def read_until(browser: socket.socket, text: bytes) -> None:
    got = b""
    while text not in got:
        part = browser.recv(65_536)
        assert part, got
        got += part


def ask(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def test_streams_deliveries_replays_gaps_and_lag_are_counted(
    tmp_path: Path, valkey_server: Server, log: RedisLog
) -> None:
    port, ref = free_port(), fresh_ref()
    first = log.append(ref, [item("a", "succeeded"), status("running")], attempt=1).cursor
    with streamer(tmp_path, valkey_server, port) as client:
        browsers = [
            follow(client, ref),
            follow(client, ref, Cursor(first.epoch, 1)),
            follow(client, ref, Cursor(first.epoch + 1, 1)),
        ]
        for browser in browsers:
            read_until(browser, str(first).encode())
        log.append(ref, [ItemReport("b", "song", ItemStatus.QUEUED, time.time())], attempt=1)
        for browser in browsers:
            read_until(browser, b'"b"')
        code, text = ask(port, "/metrics")
        assert ask(port, "/")[0] == 404
    assert code == 200
    found = samples(text)
    assert found["progress_streams_open", None] == 3
    assert found["progress_streams_opened_total", None] == 3
    assert found["progress_gaps_total", None] == 1
    assert found["progress_replay_events_count", None] == 1
    assert found["progress_deliveries_total", None] >= 3
    assert found["progress_publish_to_write_seconds_count", None] >= 1
    assert found["progress_publish_to_write_seconds_sum", None] < WAIT_SECONDS
    for browser in browsers:
        browser.close()


def test_without_a_port_nothing_listens(tmp_path: Path, valkey_server: Server) -> None:
    assert StreamerSettings("path", "url").metrics_port is None
    with streamer(tmp_path, valkey_server, None):
        children = psutil.Process().children(recursive=True)
        found = [child for child in children if "progress.streamer" in child.cmdline()]
        assert found
        for process in found:
            assert [c for c in process.net_connections("tcp") if c.status == "LISTEN"] == []


def test_a_port_that_is_taken_costs_the_metrics_and_not_the_streams(
    tmp_path: Path, valkey_server: Server, log: RedisLog
) -> None:
    ref = fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with streamer(tmp_path, valkey_server, port) as client:
            browser = follow(client, ref)
            read_until(browser, b'"running"')
            browser.close()
