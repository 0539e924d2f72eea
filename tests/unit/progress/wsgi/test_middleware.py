"""The middleware lets in plain streams alone; every other request goes to the application."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from progress.hub import Hub
from progress.hub.reader import Reader
from progress.limits import StreamLimits
from progress.log import FeedRef, JobRef, LogRef
from progress.memory import MemoryLog
from progress.testing import FaultyLog, fresh_ref, status
from progress.wsgi import Entrance, StreamMiddleware
from tests.gunicorn_answer import gunicorn_response

LONG_WAY = [b"the application"]


@dataclass
class Gate:
    """The middleware with all that is around it."""

    log: Any = field(default_factory=MemoryLog)
    ref: JobRef = field(default_factory=fresh_ref)
    admits: Callable[[str | None], LogRef | None] | None = None
    takes: bool = True
    prefix: str = ""
    limits: StreamLimits = field(default_factory=StreamLimits)
    #: What is put around the middleware.
    wrap: Callable[[Any], Any] = lambda app: app
    readers: list[Reader] = field(default_factory=list)
    answered: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server, self.client = socket.socketpair()
        self.client.settimeout(5)
        self.hub = Hub(self.log, self.limits)
        self.entrance = Entrance(self.log, self.hub, self._take)
        self.entrance.urls.serve_under(self.prefix)
        self.middleware = StreamMiddleware(
            self._application,
            self.entrance,
            admit=self._admit,
            headers={"X-Frame-Options": "DENY"},
        )

    def _application(self, environ: Any, start_response: Any) -> list[bytes]:
        return LONG_WAY

    def _admit(self, environ: Any, job_id: str | None) -> LogRef | None:
        if self.admits is not None:
            return self.admits(job_id)
        return FeedRef(self.ref.account) if job_id is None else JobRef(self.ref.account, job_id)

    def _take(self, reader: Reader) -> bool:
        if self.takes:
            self.readers.append(reader)
            os.write(reader.fd, reader.request.first)
        return self.takes

    def environ(self, **differs: Any) -> dict[str, Any]:
        return {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": f"/api/jobs/{self.ref.job_id}/progress",
            "QUERY_STRING": "",
            "SCRIPT_NAME": "",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_ACCEPT": "text/event-stream",
            "gunicorn.socket": self.server,
        } | differs

    def ask(self, **differs: Any) -> list[bytes]:
        environ = self.environ(**differs)
        response = gunicorn_response(self.server)
        parts = list(self.wrap(self.middleware)(environ, response.start_response))
        if response.status is not None:
            self.answered.append((response.status, response.headers))
        return parts

    def close(self) -> None:
        self.server.close()
        self.client.close()
        self.hub.close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    gate.log.append(gate.ref, [status("running")], attempt=1)
    yield gate
    gate.close()


def is_alive(gate: Gate) -> bool:
    """Whether the server's socket still reaches the client."""
    try:
        gate.server.sendall(b"alive")
    except BrokenPipeError:
        return False
    return gate.client.recv(5) == b"alive"


def test_a_stream_is_handed_over_with_its_head_and_the_server_keeps_a_dead_socket(
    gate: Gate,
) -> None:
    assert gate.ask(HTTP_LAST_EVENT_ID="7-1") == []
    (reader,) = gate.readers
    assert (reader.request.ref, str(reader.request.cursor)) == (gate.ref, "7-1")
    assert reader.request.authorized_at < float("inf")
    head, _, first = gate.client.recv(4096).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    for line in (
        b"Content-Type: text/event-stream",
        b"X-Frame-Options: DENY",
        b"Connection: close",
    ):
        assert line in head
    assert first.startswith(b"retry: ")
    assert gate.answered[0][0] == "200 OK"
    with pytest.raises(BrokenPipeError):
        gate.server.sendall(b"x")


def test_what_a_server_shuts_down_of_one_stream_is_not_shut_down_of_the_next(gate: Gate) -> None:
    gate.ask()
    gate.server.shutdown(socket.SHUT_RDWR)
    other = Gate(gate.log, gate.ref)
    try:
        assert other.ask() == []
        assert other.client.recv(4096).startswith(b"HTTP/1.1 200 OK")
    finally:
        other.close()


def test_streams_under_a_prefix_are_taken_there_and_nowhere_else() -> None:
    gate = Gate(prefix="/shop")
    gate.log.append(gate.ref, [status("running")], attempt=1)
    try:
        assert gate.ask() == LONG_WAY
        assert gate.ask(PATH_INFO=f"/shop/api/jobs/{gate.ref.job_id}/progress") == []
        assert gate.readers[0].request.ref == gate.ref
    finally:
        gate.close()


def test_without_a_streamer_the_middleware_says_what_it_needs() -> None:
    log = MemoryLog()
    with pytest.raises(ValueError, match="give the blueprint a hand_over"):
        StreamMiddleware(lambda *_: [], Entrance(log, Hub(log)), admit=lambda *_: None)


def test_a_feed_is_taken_too(gate: Gate) -> None:
    assert gate.ask(PATH_INFO="/api/jobs/progress") == []
    assert gate.readers[0].request.ref == FeedRef(gate.ref.account)


@pytest.mark.parametrize(
    "differs",
    [
        {"REQUEST_METHOD": "POST"},
        {"REQUEST_METHOD": "HEAD"},
        {"HTTP_ACCEPT": "application/json"},
        {"HTTP_ACCEPT": "text/event-stream, application/json;q=0.5"},
        {"QUERY_STRING": "lastEventId=1-1"},
        {"SCRIPT_NAME": "/below"},
        {"PATH_INFO": "/api/jobs//progress"},
        {"PATH_INFO": "/api/jobs/a/b/progress"},
        {"PATH_INFO": "/api/jobs/a/progress/"},
        {"PATH_INFO": "/api/jobs/a/progress\n"},
        {"PATH_INFO": "/api/jobs/\xc3\xa9/progress"},
        {"PATH_INFO": "/api/jobs/a"},
        {"HTTP_ORIGIN": "https://other.example"},
        {"gunicorn.socket": None},
        {"HTTP_VERSION": "2"},
    ],
)
def test_what_is_no_plain_stream_goes_the_long_way(gate: Gate, differs: dict[str, Any]) -> None:
    assert gate.ask(**differs) == LONG_WAY
    assert (gate.readers, gate.answered) == ([], [])
    assert is_alive(gate)


def test_without_an_accept_header_a_stream_goes_the_long_way(gate: Gate) -> None:
    assert gate.ask(HTTP_ACCEPT="") == LONG_WAY


def test_a_socket_whose_keys_the_server_holds_is_not_taken(gate: Gate) -> None:
    with ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_socket(
        socket.socket(), server_hostname="localhost"
    ) as secured:
        assert gate.ask(**{"gunicorn.socket": secured}) == LONG_WAY


def test_who_may_not_read_is_refused_by_the_application(gate: Gate) -> None:
    gate.admits = lambda _: None
    assert gate.ask() == LONG_WAY
    assert is_alive(gate)


def test_what_fails_on_the_short_way_is_the_applications_to_tell(gate: Gate) -> None:
    def fail(_: str | None) -> None:
        raise RuntimeError("the database is gone")

    gate.admits = fail
    assert gate.ask() == LONG_WAY
    assert is_alive(gate)


def test_a_log_that_is_gone_goes_the_long_way_where_the_state_is_known_otherwise(
    gate: Gate,
) -> None:
    faulty = FaultyLog(gate.log)
    other = Gate(faulty, gate.ref)
    faulty.fail_next = 1
    try:
        assert other.ask() == LONG_WAY
        assert is_alive(other)
        assert other.ask() == []
    finally:
        other.close()


def test_a_job_without_a_log_goes_the_long_way() -> None:
    gate = Gate()
    try:
        assert gate.ask() == LONG_WAY
        assert is_alive(gate)
    finally:
        gate.close()


def test_who_has_seen_the_end_goes_the_long_way_to_be_told_not_to_come_back(gate: Gate) -> None:
    cursor = gate.log.append(gate.ref, [status("completed")], attempt=1).cursor
    assert gate.ask(HTTP_LAST_EVENT_ID=str(cursor)) == LONG_WAY
    assert gate.ask(HTTP_LAST_EVENT_ID=f"{cursor.epoch}-{cursor.seq - 1}") == []


def test_while_the_streamer_is_gone_the_process_serves_it_itself(gate: Gate) -> None:
    gate.takes = False
    assert gate.ask() == []
    received = b""
    while b'"running"' not in received:
        received += gate.client.recv(4096)
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert gate.hub.streams == 1


def test_where_there_is_no_place_the_client_is_refused_in_words(gate: Gate) -> None:
    limits = StreamLimits(streams_per_account=0, retry_after_seconds=7)
    full = Gate(gate.log, gate.ref, takes=False, limits=limits)
    try:
        assert full.ask() == []
        full.server.close()
        answer = full.client.recv(4096)
    finally:
        full.close()
    assert answer.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert b"Retry-After: 7\r\n" in answer


def test_where_no_descriptor_is_left_the_client_is_told_to_come_back(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> int:
        raise OSError("too many open files")

    gate.ask()  # the dead socket is there
    other = Gate(gate.log, gate.ref, takes=False)
    monkeypatch.setattr(os, "dup", fail)
    try:
        assert other.ask() == []
        assert other.client.recv(4096).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert other.hub.streams == 0
    finally:
        other.close()


def adding(name: str, value: str) -> Callable[[Any], Any]:
    """Middleware that adds a header to each response."""

    def around(app: Any) -> Any:
        def respond(environ: Any, start_response: Any) -> Any:
            def start(status: str, headers: Any, *more: Any) -> Any:
                return start_response(status, [*headers, (name, value)], *more)

            return app(environ, start)

        return respond

    return around


def test_what_middleware_around_it_adds_is_in_the_head_that_is_handed_over(gate: Gate) -> None:
    gate.wrap = adding("Strict-Transport-Security", "max-age=60")
    assert gate.ask() == []
    head = gate.client.recv(4096).partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert b"Strict-Transport-Security: max-age=60" in head
    assert b"X-Frame-Options: DENY" in head
    assert len(gate.readers) == 1


def test_a_stream_that_is_compressed_on_its_way_is_not_handed_over(gate: Gate) -> None:
    gate.wrap = adding("Content-Encoding", "gzip")
    response = gunicorn_response(gate.server)
    gate.takes = True
    body = gate.wrap(gate.middleware)(gate.environ(), response.start_response)
    parts = iter(body)
    received = b""
    while b'"running"' not in received:
        received += next(parts)
    body.close()
    assert gate.readers == []
    assert is_alive(gate)


def test_a_stream_that_somebody_else_writes_is_not_handed_over(gate: Gate) -> None:
    told: list[Any] = []
    body = gate.middleware(gate.environ(), lambda *head: told.append(head))
    assert next(iter(body)).startswith(b"retry: ")
    body.close()
    assert (gate.readers, len(told)) == ([], 1)
    assert is_alive(gate)


def test_a_process_that_ends_takes_no_stream(gate: Gate) -> None:
    gate.hub.drain()
    assert gate.ask() == LONG_WAY
