"""Reads a log as a browser does: through a hub, from any cursor to the end."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ..cursor import Cursor, parse_cursor
from ..events import Snapshot, StatusEvent, StreamEvent, parse_stream_event
from ..hub import Hub
from ..hub.reader import Reader, StreamRequest
from ..log import JobRef, Log, LogRef


@dataclass(frozen=True, slots=True)
class Shown:
    """One frame of a stream."""

    event: StreamEvent
    #: None where it has no position in the log.
    cursor: Cursor | None


def watch(
    log: Log, ref: LogRef, *, cursor: Cursor | None = None, seconds: float = 60.0
) -> Iterator[Shown]:
    """The frames that a browser is sent, to the job's end; it comes back where a stream ends early.

    Raises:
        TimeoutError: the job did not end within `seconds`.
    """
    until = time.monotonic() + seconds
    hub = Hub(log)
    try:
        while True:
            for shown in _stream(hub, ref, cursor, until):
                cursor = shown.cursor or cursor
                yield shown
                if isinstance(ref, JobRef) and _is_end(shown.event):
                    return
    finally:
        hub.close()


def _is_end(event: StreamEvent) -> bool:
    return isinstance(event, Snapshot | StatusEvent) and event.status.is_terminal


def _stream(hub: Hub, ref: LogRef, cursor: Cursor | None, until: float) -> Iterator[Shown]:
    hub.admit(ref.account)
    ours, theirs = socket.socketpair()
    with ours, ours.makefile("rb") as lines:
        hub.add(Reader(theirs.detach(), StreamRequest(ref, cursor)))
        while True:
            ours.settimeout(max(0.001, until - time.monotonic()))
            fields: dict[bytes, bytes] = {}
            while (line := lines.readline().rstrip(b"\n")) != b"":
                name, _, value = line.partition(b": ")
                fields[name] = value
            if b"data" in fields:
                event = parse_stream_event(fields[b"data"])
                yield Shown(event, parse_cursor(fields.get(b"id", b"").decode()))
            elif not fields:
                return
