"""No thread of gunicorn waits for a client, and what a client sends arrives as it was sent."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.certificates import gunicorn_options
from tests.packages import missing, package
from tests.servers import Server, free_port

from .echo_app import (
    LEAST_RATE,
    LONGEST_FORM,
    LONGEST_UPLOAD,
    MOST_UPLOADS,
    PATIENCE_SECONDS,
    digest,
)
from .served import serve

VERSIONS = ["23", "24", "25", "26", "27"]
INSTALLED = VERSIONS[-1]
THREADS = 2
#: For what takes no time, and would never come without the worker.
WAIT_SECONDS = 10.0
HEAD = b"GET /page HTTP/1.1\r\nHost: x\r\n"
PAGE = HEAD + b"\r\n"
POST = b"POST /form HTTP/1.1\r\nHost: x\r\n"


@dataclass(frozen=True)
class Echo:
    """A running gunicorn of one worker and few threads."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path
    is_tls: bool = False

    def connect(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_SECONDS)
        return _context().wrap_socket(client) if self.is_tls else client

    def ask(self, *pieces: bytes, answers: int = 1) -> list[str]:
        """What is said to a connection that sends pieces, each after the one before has gone."""
        with self.connect() as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                client.sendall(piece)
                time.sleep(0.001)
            return [_read_answer(file) for file in [client.makefile("rb")] for _ in range(answers)]

    @property
    def output(self) -> str:
        return (self.folder / "output.txt").read_text()


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _read_answer(file: socket.SocketIO) -> str:
    """Status and text of the next answer."""
    status = file.readline().split(b" ", 2)
    if len(status) < 2:
        return "closed"
    length = 0
    while (line := file.readline()) not in (b"\r\n", b""):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    text = file.read(length).decode() if length < 1000 else f"{len(file.read(length))} bytes"
    return f"{status[1].decode()} {text}".strip()


def said(method: str, path: str, body: bytes = b"") -> str:
    """The answer to a request that arrived as it was sent."""
    return f"200 {method} {path} {len(body)} {digest(body)} 127.0.0.1"


@contextmanager
def echo(
    folder: Path, version: str, *options: str, ready: bytes = PAGE, files: int = 4096
) -> Iterator[Echo]:
    packages = [] if version == INSTALLED else [package("gunicorn", version, alone=True)]
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "tests.integration.web.echo_app:app"]
    command += ["--config=python:tests.integration.web.echo_app"]
    command += [f"--bind=127.0.0.1:{port}", f"--threads={THREADS}", "--log-level=debug"]
    command += ["--worker-class=tests.integration.web.echo_app.Impatient", "--graceful-timeout=30"]
    command += options
    command = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", *command]
    paths = os.pathsep.join(map(str, [*packages, Path.cwd()]))
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            command, env=os.environ | {"PYTHONPATH": paths}, stdout=output, stderr=output
        )
    found = Echo(process, port, folder, is_tls=any("certfile" in option for option in options))
    try:
        deadline = time.monotonic() + 30
        while process.poll() is None and not _answers(found, ready):
            assert time.monotonic() < deadline, found.output
            time.sleep(0.05)
        yield found
    finally:
        process.terminate()
        try:
            process.wait(WAIT_SECONDS)
        finally:
            process.kill()


def _answers(site: Echo, request: bytes) -> bool:
    try:
        return site.ask(request)[0].startswith("200")
    except OSError:
        return False


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Echo]]:
    """One of each version that can be had, started at the same time."""
    starting: dict[str, AbstractContextManager[Echo]] = {
        version: echo(tmp_path_factory.mktemp("echo"), version) for version in VERSIONS
    }
    with ThreadPoolExecutor() as pool, ExitStack() as stack:
        begun = {name: pool.submit(site.__enter__) for name, site in starting.items()}
        found = {}
        for name, site in starting.items():
            with suppress(pytest.skip.Exception):
                found[name] = begun[name].result()
                stack.push(site)
        yield found


@pytest.fixture(params=VERSIONS)
def site(request: pytest.FixtureRequest, sites: dict[str, Echo]) -> Echo:
    if request.param not in sites:
        missing(f"gunicorn {request.param} cannot be had.")
    return sites[request.param]


@contextmanager
def many(site: Echo, *beginnings: bytes, each: int = 4 * THREADS) -> Iterator[list[socket.socket]]:
    """Connections that have sent a beginning, and leave it at that."""
    with ExitStack() as stack:
        clients = [stack.enter_context(site.connect()) for _ in range(each * len(beginnings))]
        for number, client in enumerate(clients):
            client.sendall(beginnings[number % len(beginnings)])
        yield clients


STALLED = {
    "silent": b"",
    "half a line": b"GET /pa",
    "half a head": HEAD,
    "a head without its end": PAGE[:-1],
    "a body in drops": POST + b"Content-Length: 1000\r\n\r\nx",
    "a body that is not sent": POST + b"Content-Length: 1000\r\n\r\n",
    "a chunk in drops": POST + b"Transfer-Encoding: chunked\r\n\r\nff\r\nx",
    "no last chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
    "a body that is asked for": POST + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 1000\r\n\r\nx",
    "a length and chunks": POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n",
    "no length": POST + b"Content-Length: many\r\n\r\nx",
    "a length without end": POST + b"Content-Length: " + b"9" * 300 + b"\r\n\r\nx",
    "half a request behind one": PAGE + HEAD,
    "an upload": b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx",
}


@pytest.mark.parametrize("name", STALLED)
def test_more_connections_than_threads_that_stall_keep_no_page_waiting(
    site: Echo, name: str
) -> None:
    with many(site, STALLED[name]):
        assert site.ask(PAGE) == [said("GET", "/page")]


def test_connections_that_are_kept_alive_or_not_closed_hold_no_thread(site: Echo) -> None:
    # After "close" gunicorn waits for the client to close, too.
    with many(site, PAGE, HEAD + b"Connection: close\r\n\r\n") as clients:
        for client in clients:
            assert client.recv(65_536).startswith(b"HTTP/1.1 200")
        assert site.ask(PAGE) == [said("GET", "/page")]


def test_clients_that_read_nothing_hold_no_thread(site: Echo) -> None:
    with ExitStack() as stack:
        for _ in range(4 * THREADS):
            client = stack.enter_context(closing(socket.socket()))
            # As over a network, where the system takes less at once than on one machine.
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", site.port))
            client.sendall(PAGE.replace(b"/page", b"/long"))
        assert site.ask(PAGE) == [said("GET", "/page")]


def test_a_request_that_takes_long_holds_up_no_other(site: Echo, tmp_path: Path) -> None:
    go = tmp_path / "go"
    with site.connect() as slow:
        slow.sendall(PAGE.replace(b"/page", f"/until{go}".encode()))
        assert site.ask(*[PAGE] * 8, answers=8) == [said("GET", "/page")] * 8
        go.touch()
        assert b"200 OK" in slow.recv(65_536)


def test_a_request_that_does_not_come_to_its_end_is_ended(site: Echo) -> None:
    names = ["silent", "half a head", "a body in drops", "no last chunk", "an upload"]
    beginnings = [STALLED[name] for name in names]
    began = time.monotonic()
    with many(site, *beginnings, each=2) as clients:
        for number, client in enumerate(clients):
            answer = b""
            while piece := client.recv(65_536):
                answer += piece
            # Not before its time; within WAIT_SECONDS, or recv has failed.
            assert time.monotonic() - began > PATIENCE_SECONDS / 2
            beginning = beginnings[number % len(beginnings)]
            assert answer[:12] == (b"HTTP/1.1 408" if beginning else b"")


def test_drops_do_not_lengthen_the_time_of_a_head_or_a_form(site: Echo) -> None:
    for beginning in (HEAD + b"X: ", POST + b"Content-Length: 60000\r\n\r\n"):
        with site.connect() as client:
            client.sendall(beginning)
            client.settimeout(0.05)
            deadline, answer = time.monotonic() + WAIT_SECONDS, b""
            while not answer:
                assert time.monotonic() < deadline
                client.sendall(b"x")
                with suppress(TimeoutError):
                    answer = client.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 408")


BODY = b"a=b&c=" + bytes(range(256)) * 3 + b"\r\n\r\nGET / HTTP/1.1\r\n\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def chunks(body: bytes, size: int) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%X\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


SENT = {
    "a page": (PAGE, [said("GET", "/page")]),
    "a form": (
        POST + b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY),
        [said("POST", "/form", BODY)],
    ),
    "an empty form": (POST + b"Content-Length: 0\r\n\r\n", [said("POST", "/form")]),
    "chunks": (CHUNKED + chunks(BODY, 100), [said("POST", "/form", BODY)]),
    "small chunks with an extension": (
        CHUNKED + b"1;x=y\r\na\r\n" + chunks(b"bc", 1),
        [said("POST", "/form", b"abc")],
    ),
    "three at once": (
        PAGE + POST + b"Content-Length: 3\r\n\r\nabc" + PAGE,
        [said("GET", "/page"), said("POST", "/form", b"abc"), said("GET", "/page")],
    ),
    "one behind chunks": (
        CHUNKED + chunks(b"abc", 2) + PAGE,
        [said("POST", "/form", b"abc"), said("GET", "/page")],
    ),
    "HTTP/1.0": (b"GET /page HTTP/1.0\r\n\r\n", [said("GET", "/page"), "closed"]),
    "HTTP/1.0, kept alive": (
        b"GET /page HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /page HTTP/1.0\r\n\r\n",
        [said("GET", "/page"), said("GET", "/page"), "closed"],
    ),
    "the longest form": (
        POST + b"Content-Length: %d\r\n\r\n%b" % (LONGEST_FORM, b"x" * LONGEST_FORM),
        [said("POST", "/form", b"x" * LONGEST_FORM)],
    ),
}
SENT["one behind a body that nobody reads"] = (
    POST.replace(b"/form", b"/unread") + b"Content-Length: 9\r\n\r\n123456789" + PAGE,
    [said("POST", "/unread"), said("GET", "/page")],
)


@pytest.mark.parametrize("name", SENT)
def test_a_request_arrives_as_it_was_sent_in_one_piece_or_in_many(site: Echo, name: str) -> None:
    sent, answers = SENT[name]
    assert site.ask(sent, answers=len(answers)) == answers
    size = 1 if len(sent) < 200 else len(sent) // 50 + 1
    pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
    assert site.ask(*pieces, answers=len(answers)) == answers


def test_a_client_that_waits_for_a_word_before_its_body_is_told_once_to_go_on(site: Echo) -> None:
    asking = POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    with site.connect() as client, client.makefile("rb") as file:
        client.sendall(asking)
        assert _read_answer(file) == "100"
        client.sendall(b"abc")
        assert _read_answer(file) == said("POST", "/form", b"abc")
        # Who has not waited is not told.
        client.sendall(asking + b"abc")
        assert _read_answer(file) == said("POST", "/form", b"abc")


def test_a_body_that_is_too_long_is_not_waited_for_and_is_no_other_request(site: Echo) -> None:
    with site.connect() as client, client.makefile("rb") as file:
        client.sendall(POST + b"Content-Length: %d\r\n\r\n" % (LONGEST_FORM + 1))
        assert _read_answer(file).startswith("200 POST /form 0 ")
        with suppress(ConnectionError):
            client.sendall(PAGE)
            assert _read_answer(file) == "closed"


# gunicorn 23 closes in a thread, which cannot wait for a client.
@pytest.mark.parametrize("site", VERSIONS[1:], indirect=True)
def test_a_client_can_read_why_its_body_was_refused_while_it_still_sends(site: Echo) -> None:
    with site.connect() as client, client.makefile("rb") as file:
        client.sendall(POST + b"Content-Length: 500000\r\n\r\n")
        for _ in range(20):
            client.sendall(bytes(10_000))
            time.sleep(0.01)
        assert _read_answer(file).startswith("200 POST /form ")


def test_an_upload_has_its_own_length_and_as_much_time_as_its_rate_gives_it(site: Echo) -> None:
    body = os.urandom(LONGEST_UPLOAD)
    upload = b"PUT /upload/1 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert site.ask(upload + body + PAGE, answers=2) == [
        said("PUT", "/upload/1", body),
        said("GET", "/page"),
    ]
    with site.connect() as client, client.makefile("rb") as file:
        client.sendall(upload)
        began = time.monotonic()
        client.sendall(body[:LEAST_RATE])
        # It has the time of a form, and the second that it has earned.
        assert _read_answer(file) == "408"
        assert time.monotonic() - began > PATIENCE_SECONDS + 0.5


def test_so_many_large_uploads_come_at_once_and_the_next_is_told_to_wait(site: Echo) -> None:
    head = b"PUT /upload/1 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % LONGEST_UPLOAD
    part = bytes(2 * LONGEST_FORM)
    with ExitStack() as stack:
        for _ in range(MOST_UPLOADS):
            stack.enter_context(site.connect()).sendall(head + part)
        time.sleep(0.2)
        # What is no larger than a form takes no file, and none of their places.
        small = b"PUT /upload/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
        assert site.ask(small) == [said("PUT", "/upload/1", b"abc")]
        with site.connect() as client, client.makefile("rb") as file:
            client.sendall(head + part)
            assert _read_answer(file) == "503"
    time.sleep(0.2)
    whole = head + bytes(LONGEST_UPLOAD)
    assert site.ask(whole) == [said("PUT", "/upload/1", bytes(LONGEST_UPLOAD))]


def test_many_requests_at_the_same_time_are_all_answered(site: Echo) -> None:
    def ask(number: int) -> list[str]:
        body = os.urandom(number * 37)
        sent = POST + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        return [a == said("POST", "/form", body) for a in site.ask(sent * 5, answers=5)]

    with ThreadPoolExecutor(16) as pool:
        assert all(all(found) for found in pool.map(ask, range(200)))
    assert "Traceback" not in site.output


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("connections", "files"), [(20, 4096), (1000, 128)])
def test_where_there_are_too_many_connections_those_that_waited_longest_make_way(
    tmp_path: Path, version: str, connections: int, files: int
) -> None:
    few = f"--worker-connections={connections}"
    with echo(tmp_path, version, few, files=files) as site, many(site, HEAD, b"", each=100):
        for _ in range(3):
            assert site.ask(PAGE) == [said("GET", "/page")]


def test_by_earmarks_own_settings_its_pages_come_too(tmp_path: Path, valkey_server: Server) -> None:
    with serve(valkey_server, tmp_path) as site, ExitStack() as stack:
        for beginning in STALLED.values():
            for _ in range(10):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", site.port)))
                client.sendall(beginning)
        assert site.get("/sign-in").status == 200


@pytest.mark.parametrize("version", VERSIONS)
def test_a_worker_that_stops_answers_what_is_in_flight_and_waits_for_nobody_else(
    tmp_path: Path, version: str
) -> None:
    go = tmp_path / "go"
    with (
        # Whose patience outlasts the test.
        echo(tmp_path, version, "--worker-class=web.worker.Worker") as site,
        many(site, b"", HEAD, POST + b"Content-Length: 9\r\n\r\n", each=20),
        site.connect() as slow,
    ):
        slow.sendall(PAGE.replace(b"/page", f"/until{go}".encode()))
        deadline = time.monotonic() + WAIT_SECONDS
        while not go.with_suffix(".begun").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        site.process.send_signal(signal.SIGTERM)
        go.touch()
        assert b"200 OK" in slow.recv(65_536)
        slow.close()
        # It would have 30 seconds.
        assert site.process.wait(WAIT_SECONDS) == 0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return gunicorn_options(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize("version", [VERSIONS[0], INSTALLED])
def test_with_tls_no_thread_waits_and_every_byte_arrives(
    tmp_path: Path, version: str, certificate: tuple[str, str]
) -> None:
    with echo(tmp_path, version, *certificate) as site, ExitStack() as stack:
        for beginning in (b"", b"\x16\x03\x01\x02\x00\x01"):
            for _ in range(THREADS):
                address = ("127.0.0.1", site.port)
                client = stack.enter_context(socket.create_connection(address))
                client.sendall(beginning)
        stack.enter_context(many(site, b"", HEAD, POST + b"Content-Length: 9\r\n\r\nx"))
        assert site.ask(*[PAGE] * 3, answers=3) == [said("GET", "/page")] * 3
        body = os.urandom(LONGEST_UPLOAD)  # in more records than are read at once
        sent = POST.replace(b"/form", b"/upload") + b"Content-Length: %d\r\n\r\n" % len(body)
        for pieces in ([sent + body + PAGE], [sent, body[:20_000], body[20_000:] + PAGE]):
            assert site.ask(*pieces, answers=2) == [
                said("POST", "/upload", body),
                said("GET", "/page"),
            ]


PROXY = b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n"
PROXY_2 = (
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"
    + socket.inet_aton("192.0.2.1")
    + socket.inet_aton("192.0.2.2")
    + b"\r\n\r\n"  # its ports
)


@pytest.mark.parametrize(
    ("version", "head"),
    [("23", PROXY), (INSTALLED, PROXY), (INSTALLED, PROXY_2)],
    ids=["23-v1", "27-v1", "27-v2"],
)
def test_the_address_that_a_proxy_tells_before_the_request_arrives(
    tmp_path: Path, version: str, head: bytes
) -> None:
    option = "--proxy-protocol=v2" if head is PROXY_2 else "--proxy-protocol"
    with echo(tmp_path, version, option, ready=head + PAGE) as site:
        told = said("POST", "/form", b"abc").replace("127.0.0.1", "192.0.2.1")
        sent = head + POST + b"Content-Length: 3\r\n\r\nabc"
        assert site.ask(sent) == [told]
        assert site.ask(*(sent[at : at + 1] for at in range(len(sent)))) == [told]
        with many(site, b"", head[:5], head, head + HEAD):
            assert site.ask(sent) == [told]
