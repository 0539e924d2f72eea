"""The other end of a hub's streams, in tests."""

from __future__ import annotations

import json
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field

from progress.cursor import Cursor
from progress.hub import Hub
from progress.hub.reader import Reader, StreamRequest
from progress.log import LogRef
from progress.sse import retry_hint
from tests.sse import Parser

WAIT_SECONDS = 5


@dataclass
class Browser:
    """One end of a stream."""

    socket: socket.socket
    parser: Parser = field(default_factory=Parser)
    closed: bool = False

    def read(self, *, seconds: float = 0.05) -> None:
        self.socket.settimeout(seconds)
        with suppress(TimeoutError):
            while data := self.socket.recv(65536):
                self.parser.feed(data)
            self.closed = True

    def read_first(self) -> list[dict[str, object]]:
        deadline = time.monotonic() + WAIT_SECONDS
        while not self.events:
            assert time.monotonic() < deadline
            self.read()
        return self.events

    def read_until_closed(self) -> list[dict[str, object]]:
        deadline = time.monotonic() + WAIT_SECONDS
        while not self.closed:
            assert time.monotonic() < deadline, self.parser.events
            self.read()
        return self.events

    @property
    def events(self) -> list[dict[str, object]]:
        return [json.loads(text) for _, text in self.parser.events]

    @property
    def ids(self) -> list[str]:
        return [id_ for id_, _ in self.parser.events]


#: Open ones.
browsers: list[Browser] = []


def close_all() -> None:
    """Close what a test has left open."""
    while browsers:
        browsers.pop().socket.close()


def browse(
    hub: Hub,
    ref: LogRef,
    cursor: Cursor | None = None,
    *,
    authorized_at: float = float("inf"),
) -> Browser:
    """A stream that was let in, and its browser."""
    ours, theirs = socket.socketpair()
    hub.admit(ref.account)
    hub.add(Reader(theirs.detach(), StreamRequest(ref, cursor, retry_hint(), authorized_at)))
    browsers.append(Browser(ours))
    return browsers[-1]
