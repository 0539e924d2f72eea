"""A thousand clients after their server was away: all are back within seconds of its return."""

from __future__ import annotations

import random
import re
import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from progress.log import JobRef
from progress.testing import fresh_ref, status
from tests.servers import Server, free_port

from .gunicorns import gunicorn

CLIENTS = 1_000
AWAY_SECONDS = 1.0
#: As the client of web/client does it: `LONGEST_WAIT_MS`.
LONGEST_WAIT_SECONDS = 5.0
#: How soon 95 of 100 are to be live again.
LIVE_SECONDS = 5.0


@dataclass(eq=False)
class Client:
    """One browser: it comes back after a random part of the hint, doubled with each failure."""

    address: tuple[str, int]
    request: bytes
    socket: socket.socket | None = None
    received: bytes = b""
    hint_seconds: float = 3.0
    failures: int = 0
    next_at: float = 0.0
    asked_at: float = 0.0
    live_at: float | None = None

    def connect(self) -> socket.socket:
        self.socket, self.received, self.live_at = socket.socket(), b"", None
        self.socket.setblocking(False)
        self.socket.connect_ex(self.address)
        self.asked_at = time.monotonic()
        return self.socket

    def fail(self) -> None:
        """The connection is over."""
        assert self.socket is not None
        self.socket.close()
        for hint in re.findall(rb"^retry: (\d+)$", self.received, re.MULTILINE):
            self.hint_seconds = int(hint) / 1000
        self.failures = 0 if self.live_at is not None else self.failures + 1
        self.socket, self.live_at = None, None
        doubled = self.hint_seconds * 2 ** max(0, self.failures - 1)
        self.next_at = time.monotonic() + random.random() * min(doubled, LONGEST_WAIT_SECONDS)

    def take(self) -> None:
        """Read what came; the first frame makes it live."""
        assert self.socket is not None
        try:
            data = self.socket.recv(65_536)
        except ConnectionError:
            data = b""
        if not data:
            self.fail()
            return
        self.received += data
        if self.live_at is None and b"data: " in self.received and data.endswith(b"\n\n"):
            self.live_at = time.monotonic()


@dataclass
class Crowd:
    """All of them, in one thread."""

    clients: list[Client]
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def run_until(self, is_over: Callable[[], bool], *, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not is_over():
            assert time.monotonic() < deadline, f"{self.live()} of {len(self.clients)} are live"
            now = time.monotonic()
            for client in self.clients:
                if client.socket is None and client.next_at <= now:
                    self.selector.register(client.connect(), selectors.EVENT_WRITE, client)
            for key, _ in self.selector.select(0.02):
                self._serve(key.data, key)

    def _serve(self, client: Client, key: selectors.SelectorKey) -> None:
        found = client.socket
        assert found is not None
        if key.events == selectors.EVENT_WRITE:
            if found.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self.selector.unregister(found)
                client.fail()
                return
            with suppress(ConnectionError):
                found.sendall(client.request)
            self.selector.modify(found, selectors.EVENT_READ, client)
            return
        self.selector.unregister(found)
        client.take()
        if client.socket is not None:
            self.selector.register(found, selectors.EVENT_READ, client)

    def live(self) -> int:
        return sum(client.live_at is not None for client in self.clients)

    def close(self) -> None:
        for client in self.clients:
            if client.socket is not None:
                client.socket.close()
        self.selector.close()


def browsers(ref: JobRef, port: int) -> list[Client]:
    lines = [
        f"GET /api/jobs/{ref.job_id}/progress HTTP/1.1",
        "Host: localhost",
        f"X-Account: {ref.account}",
        "X-Way: short",
        "Accept: text/event-stream",
    ]
    request = "\r\n".join([*lines, "", ""]).encode()
    return [Client(("127.0.0.1", port), request) for _ in range(CLIENTS)]


def test_a_thousand_clients_are_live_again_within_seconds_of_their_servers_return(
    tmp_path: Path, valkey_server: Server
) -> None:
    ref, port = fresh_ref(), free_port()
    crowd = Crowd(browsers(ref, port))
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    with gunicorn(folders[0], valkey_server, "gthread", port=port) as site:
        site.log.append(ref, [status("running")], attempt=1)
        for number, client in enumerate(crowd.clients):
            client.next_at = time.monotonic() + number / CLIENTS
        crowd.run_until(lambda: crowd.live() == CLIENTS, seconds=60)
        site.process.terminate()
        crowd.run_until(lambda: crowd.live() == 0, seconds=20)
    left_at = time.monotonic()
    crowd.run_until(lambda: time.monotonic() - left_at > AWAY_SECONDS, seconds=60)
    second = gunicorn(folders[1], valkey_server, "gthread", port=port)
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(second.__enter__)
        crowd.run_until(starting.done, seconds=30)
        returned_at = time.monotonic()
        try:
            crowd.run_until(lambda: crowd.live() == CLIENTS, seconds=60)
        finally:
            crowd.close()
            pool.submit(second.__exit__, None, None, None).result()
    took = sorted((client.live_at or 0) - returned_at for client in crowd.clients)
    assert took[int(0.95 * CLIENTS)] < LIVE_SECONDS
    # They came over seconds, and not in one.
    asked = Counter(int((client.asked_at - returned_at) // 0.5) for client in crowd.clients)
    assert max(asked.values()) < 0.4 * CLIENTS
