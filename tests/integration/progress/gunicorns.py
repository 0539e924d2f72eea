"""A real gunicorn with a streamer, and readers of its streams."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from progress.cursor import Cursor
from progress.log import JobRef
from progress.redis import RedisLog
from tests.servers import Server, free_port
from tests.sse import Parser

MODULE = "tests.integration.progress.apps.handed"
WAIT_SECONDS = 10

Connect = Callable[[], http.client.HTTPConnection]


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
    connect: Connect
    log: RedisLog
    output: Path
    connections: list[http.client.HTTPConnection] = field(default_factory=list)
    responses: list[http.client.HTTPResponse] = field(default_factory=list)

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        return self.get_over(self.connect(), path, **headers)

    def get_over(
        self, connection: http.client.HTTPConnection, path: str, **headers: str
    ) -> http.client.HTTPResponse:
        self.connections.append(connection)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        self.responses.append(response)
        return response

    def stream(
        self,
        ref: JobRef,
        cursor: str = "",
        over: http.client.HTTPConnection | None = None,
        **more: str,
    ) -> Stream:
        headers = {"X-Account": ref.account, "Accept": "text/event-stream", **more}
        headers |= {"Last-Event-ID": cursor} if cursor else {}
        path = f"/api/jobs/{ref.job_id}/progress"
        response = self.get_over(over or self.connect(), path, **headers)
        assert response.status == 200
        return Stream(response)

    def streamer(self) -> psutil.Process:
        return self.streamers()[0]

    def streamers(self) -> list[psutil.Process]:
        """One, but while another takes its place."""
        return [
            child
            for child in psutil.Process(self.process.pid).children()
            if "progress.streamer" in _command(child)
        ]

    def workers(self) -> set[int]:
        """Their process ids."""
        streamer = self.streamer().pid
        return {
            child.pid
            for child in psutil.Process(self.process.pid).children()
            if child.pid != streamer and _is_running(child)
        }

    def wait_for_others_than(self, workers: set[int]) -> None:
        """Until these have ended and two others are there."""
        wait_until(lambda: not workers & (now := self.workers()) and len(now) >= 2)

    def held(self) -> int:
        """The descriptors that the streamer has."""
        return self.streamer().num_fds()

    def lines(self, ref: JobRef) -> int:
        """How often the access log tells of a job's stream."""
        return self.lines_of(ref, "progress")

    def lines_of(self, ref: JobRef, name: str) -> int:
        """How often the access log tells of a job's stream, or of its events."""
        return self.output.read_text().count(f"GET /api/jobs/{ref.job_id}/{name} 200")


def _is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:  # it has just ended
        return False


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it has just ended
        return []


def wait_until(holds: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def answers(port: int) -> bool:
    """Whether the application is behind a port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/page")
        return connection.getresponse().read() == b"a page"
    except OSError:
        return False
    finally:
        connection.close()


class UnixConnection(http.client.HTTPConnection):
    """To a server on a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=WAIT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def tcp(port: int) -> Connect:
    return lambda: http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS)


def tls(port: int) -> Connect:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return lambda: http.client.HTTPSConnection(
        "127.0.0.1", port, timeout=WAIT_SECONDS, context=context
    )


@contextmanager
def gunicorn(
    folder: Path,
    server: Server,
    worker_class: str,
    *options: str,
    packages: Sequence[Path] = (),
    port: int | None = None,
    connect: Connect | None = None,
) -> Iterator[Site]:
    """A running gunicorn.

    Args:
        options: Of its command line; they go before the settings of the application.
        packages: Folders whose packages go before the installed ones.
        port: Where it listens, unless the options say otherwise.
        connect: How it is connected to, if not in the clear by TCP.
    """
    port, output = port or free_port(), folder / "gunicorn.txt"
    environment = {
        "HANDED_REDIS": server.tcp_url,
        "HANDED_SOCKET": str(folder / "s.sock"),
        "HANDED_BIND": f"127.0.0.1:{port}",
        "HANDED_WORKER": worker_class,
        "PYTHONPATH": os.pathsep.join(map(str, [*packages, Path.cwd()])),
    }
    command = [sys.executable, "-m", "gunicorn", "-c", f"python:{MODULE}", *options]
    with output.open("wb") as file:
        process = subprocess.Popen(
            [*command, f"{MODULE}:create_app()"],
            env=os.environ | environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    log = RedisLog(server.tcp_url)
    site = Site(process, connect or tcp(port), log, output)
    try:
        _wait_until_it_answers(site)
        yield site
    finally:
        log.close()
        # First: it would wait for connections that are kept alive.
        for found in (*site.responses, *site.connections):
            found.close()
        process.terminate()
        process.wait(10)


@contextmanager
def together(managers: Mapping[str, AbstractContextManager[Site]]) -> Iterator[dict[str, Site]]:
    """Several, started and stopped at the same time."""
    with ThreadPoolExecutor(max_workers=len(managers)) as pool:
        starting = {name: pool.submit(found.__enter__) for name, found in managers.items()}
        try:
            yield {name: future.result() for name, future in starting.items()}
        finally:
            stopping = [
                pool.submit(managers[name].__exit__, None, None, None)
                for name, future in starting.items()
                if future.exception() is None
            ]
            for future in stopping:
                future.result()


def _wait_until_it_answers(site: Site) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and site.process.poll() is None:
        try:
            site.get("/page").read()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(site.output.read_text())
