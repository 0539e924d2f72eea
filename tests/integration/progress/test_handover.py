"""The streamer checks each message that comes with a descriptor; one that it refuses leaks none."""

from __future__ import annotations

import array
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from progress.cursor import Cursor
from progress.hub.reader import Reader, StreamRequest
from progress.log import FeedRef, JobRef
from progress.redis import RedisLog
from progress.streamer.protocol import MAX_MESSAGE, StreamerClient, decode, encode
from progress.streamer.supervisor import StreamerSettings, Supervisor
from progress.testing import fresh_ref, status
from tests.servers import Server

from .gunicorns import wait_until

names = st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable())


@settings(deadline=None)
@given(
    names,
    st.none() | names,
    st.none() | st.tuples(st.integers(0, 2**63), st.integers(0, 2**63)),
    st.binary(max_size=200),
    st.floats(0, 1e9) | st.just(inf),
)
def test_a_message_tells_all_of_a_request(account, job, cursor, first, at):
    ref = FeedRef(account) if job is None else JobRef(account, job)
    request = StreamRequest(ref, Cursor(*cursor) if cursor else None, first, at)
    assert decode(encode(request)) == request


def whole(**differs: object) -> bytes:
    said = {"account": "a", "job": "b", "cursor": None, "authorizedAt": None} | differs
    return json.dumps(said).encode() + b"\n"


@pytest.fixture(scope="module")
def supervisor(
    valkey_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Supervisor]:
    path = tmp_path_factory.mktemp("handover") / "s.sock"
    supervisor = Supervisor(StreamerSettings(str(path), valkey_server.tcp_url))
    supervisor.start()
    yield supervisor
    supervisor.stop()


@contextmanager
def connection(supervisor: Supervisor) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as found:
        found.connect(supervisor.settings.path)
        found.settimeout(5)
        yield found


def send(to: socket.socket, data: bytes, *fds: int) -> None:
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    to.sendmsg([data], rights)


def held(supervisor: Supervisor) -> int:
    process = psutil.Process()
    found = next(c for c in process.children() if "progress.streamer" in c.cmdline())
    return found.num_fds()


def serves(supervisor: Supervisor, server: Server) -> bool:
    """Whether a proper reader is served still."""
    log, ref = RedisLog(server.tcp_url), fresh_ref()
    log.append(ref, [status("completed")], attempt=1)
    ours, theirs = socket.socketpair()
    client = StreamerClient(supervisor.settings.path)
    with ours, theirs:
        assert client.send(Reader(theirs.fileno(), StreamRequest(ref, first=b"retry: 1\n\n")))
        theirs.close()
        ours.settimeout(5)
        got = b""
        while data := ours.recv(65_536):
            got += data
    client.close()
    log.close()
    return b'"completed"' in got


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        b"\n",
        b"{}\n",
        b"[]\n",
        b"null\n",
        whole()[:-1],
        whole(account=1),
        whole(account=None),
        whole(job=["b"]),
        whole(cursor=5),
        whole(authorizedAt="soon"),
        whole(authorizedAt={}),
        b"\xff\xfe\n",
        whole() + b"x" * MAX_MESSAGE,
    ],
)
def test_a_message_that_is_none_ends_its_connection_and_keeps_no_descriptor(
    supervisor: Supervisor, valkey_server: Server, data: bytes
) -> None:
    assert serves(supervisor, valkey_server)
    before = held(supervisor)
    ours, theirs = socket.socketpair()
    with ours, theirs, connection(supervisor) as to:
        send(to, data, theirs.fileno())
        assert to.recv(1) == b""
    wait_until(lambda: held(supervisor) <= before)
    assert serves(supervisor, valkey_server)


def test_no_descriptor_or_too_many_or_no_socket_is_refused(
    supervisor: Supervisor, valkey_server: Server, tmp_path: Path
) -> None:
    assert serves(supervisor, valkey_server)
    before = held(supervisor)
    ours, theirs = socket.socketpair()
    file = os.open(tmp_path / "file", os.O_CREAT | os.O_RDWR)
    try:
        for fds in (
            [],
            [theirs.fileno()] * 2,
            [theirs.fileno()] * 4,
            [theirs.fileno()] * 40,
            [file],
        ):
            with connection(supervisor) as to:
                send(to, whole(), *fds)
                assert to.recv(1) == b""
    finally:
        os.close(file)
        ours.close()
        theirs.close()
    wait_until(lambda: held(supervisor) <= before)
    assert serves(supervisor, valkey_server)


def test_many_readers_in_one_go_are_all_served(
    supervisor: Supervisor, valkey_server: Server
) -> None:
    log, ref = RedisLog(valkey_server.tcp_url), fresh_ref()
    log.append(ref, [status("completed")], attempt=1)
    ours: list[socket.socket] = []
    with connection(supervisor) as to:
        for _ in range(20):
            mine, theirs = socket.socketpair()
            mine.settimeout(5)
            ours.append(mine)
            send(to, encode(StreamRequest(ref, first=b"retry: 1\n\n")), theirs.fileno())
            theirs.close()
        for mine in ours:
            got = b""
            while data := mine.recv(65_536):
                got += data
            assert b'"completed"' in got
            mine.close()
    log.close()


def test_a_streamer_writes_its_lines_as_it_is_told(valkey_server, tmp_path):
    lines = tmp_path / "lines"
    handler = {"class": "logging.FileHandler", "filename": str(lines), "formatter": "lines"}
    told = {
        "version": 1,
        "formatters": {"lines": {"format": "%(levelname)s|%(message)s"}},
        "handlers": {"lines": handler},
        "root": {"handlers": ["lines"]},
    }
    settings = StreamerSettings(str(tmp_path / "s.sock"), valkey_server.tcp_url, logging=told)
    supervisor = Supervisor(settings)
    supervisor.start()
    try:
        with connection(supervisor) as worker:
            send(worker, whole())
            assert worker.recv(1) == b""
    finally:
        supervisor.stop()
    assert lines.read_text().startswith("WARNING|A descriptor was refused: ")
