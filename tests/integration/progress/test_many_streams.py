"""A streamer that ends with as many streams as a machine is meant to have."""

from __future__ import annotations

import json
import os
import resource
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from progress.hub.reader import Reader, StreamRequest
from progress.limits import StreamLimits
from progress.log import JobRef
from progress.redis import RedisLog
from progress.streamer.protocol import StreamerClient
from progress.streamer.supervisor import StreamerSettings
from progress.testing import fresh_ref, status
from tests.servers import Server

from .gunicorns import wait_until

WANTED = 10_000
JOBS = 100
#: What this process has open besides.
RESERVED = 500


@pytest.fixture
def number(capsys: pytest.CaptureFixture[str]) -> Iterator[int]:
    """How many streams can be opened: this process and the streamer hold one end each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    number = min(WANTED, hard - RESERVED)
    if number < WANTED:
        with capsys.disabled():
            sys.stdout.write(f"Only {number:,} streams: the limit here is {hard:,} descriptors.\n")
    yield number
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def streamer(tmp_path: Path, valkey_server: Server) -> Iterator[subprocess.Popen[bytes]]:
    """One started as gunicorn's master does, but nobody starts it again."""
    limits = StreamLimits(streams_per_account=WANTED)
    settings = StreamerSettings(str(tmp_path / "s.sock"), valkey_server.url, limits=limits)
    command = [sys.executable, "-m", "progress.streamer"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(settings)).encode() + b"\n")
        process.stdin.flush()
        wait_until((tmp_path / "s.sock").exists)
        yield process
        process.kill()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[StreamerClient]:
    client = StreamerClient(str(tmp_path / "s.sock"))
    yield client
    client.close()


def open_stream(client: StreamerClient, ref: JobRef) -> socket.socket:
    ours, theirs = socket.socketpair()
    with theirs:
        reader = Reader(theirs.fileno(), StreamRequest(ref, first=b"retry: 1\n\n"))
        # A queue that is full for a moment is no fault here.
        wait_until(lambda: client.send(reader))
    ours.setblocking(False)
    return ours


def read_all(streams: list[socket.socket], seconds: float) -> list[bytes]:
    """What has come on each, once that is two frames."""
    poll, got = select.poll(), {stream.fileno(): b"" for stream in streams}
    for fd in got:
        poll.register(fd, select.POLLIN)
    deadline, waiting = time.monotonic() + seconds, len(streams)
    while waiting:
        assert time.monotonic() < deadline, f"{waiting} of {len(streams)} have not begun"
        for fd, _ in poll.poll(100):
            got[fd] += os.read(fd, 65536)
            if got[fd].count(b"\n\n") >= 2:
                poll.unregister(fd)
                waiting -= 1
    return list(got.values())


def rest_of(stream: socket.socket) -> bytes:
    parts = []
    while data := stream.recv(65536):
        parts.append(data)
    return b"".join(parts)


def test_ten_thousand_streams_end_within_two_seconds_of_sigterm_each_with_a_hint(
    streamer: subprocess.Popen[bytes], client: StreamerClient, number: int, valkey_server: Server
) -> None:
    log = RedisLog(valkey_server.url)
    refs = [fresh_ref() for _ in range(JOBS)]
    for ref in refs:
        log.append(ref, [status("running")], attempt=1)
    opened = [open_stream(client, refs[index % JOBS]) for index in range(number)]
    try:
        assert all(b'"running"' in data for data in read_all(opened, 30))
        asked_at = time.monotonic()
        streamer.terminate()
        assert streamer.wait(10) == 0
        assert time.monotonic() - asked_at < 2
        for stream in opened:
            assert rest_of(stream).startswith(b"retry: ")
    finally:
        log.close()
        for stream in opened:
            stream.close()


def test_a_streamer_that_waits_for_descriptors_hears_sigterm_at_once(
    streamer: subprocess.Popen[bytes], client: StreamerClient
) -> None:
    with open_stream(client, fresh_ref()):  # it has just begun to wait again
        wait_until(lambda: psutil.Process(streamer.pid).num_threads() > 1)
        asked_at = time.monotonic()
        streamer.terminate()
        assert streamer.wait(10) == 0
        assert time.monotonic() - asked_at < 0.8
