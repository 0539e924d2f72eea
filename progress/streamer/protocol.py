"""Handing a stream from a web process to its machine's streamer: a descriptor and a message.

A message is a line of JSON with the stream's account, job and cursor, followed by the bytes that
the streamer is to write first, or for a page that is waited for, those that it writes where nothing
comes. Only processes of the same user reach the socket; the streamer bounds and checks every
message all the same.
"""

from __future__ import annotations

import array
import os
import socket
import threading
from dataclasses import astuple, dataclass
from math import inf
from typing import Any

import orjson

from ..aliases import SumRef
from ..cursor import parse_cursor
from ..history import Links, PageForm
from ..hub.reader import PageWait, Reader, StreamRequest
from ..log import FeedRef, JobRef

#: The longest message that the streamer takes.
MAX_MESSAGE = 32 * 1024
#: How long a worker waits for the streamer to take a descriptor.
_SEND_SECONDS = 0.2


def encode(request: StreamRequest) -> bytes:
    """The message of a stream request. The descriptor goes beside it."""
    ref = request.ref
    said = {
        "account": ref.account,
        "job": ref.job_id if isinstance(ref, JobRef) else None,
        "isSum": isinstance(ref, SumRef),
        "cursor": str(request.cursor) if request.cursor else None,
        # JSON has no infinity.
        "authorizedAt": request.authorized_at if request.authorized_at < inf else None,
        "wait": _wait_said(request.wait) if request.wait is not None else None,
    }
    first = request.first if request.wait is None else request.wait.nothing
    return orjson.dumps(said) + b"\n" + first


def decode(data: bytes) -> StreamRequest:
    """The stream request of a message.

    Raises:
        ValueError, TypeError, KeyError: it is no such message.
    """
    line, end, first = data.partition(b"\n")
    if not end:
        raise ValueError("a message has a line that says whose stream it is")
    said = orjson.loads(line)
    account, job, cursor = said["account"], said["job"], said["cursor"]
    for text in (account, *(given for given in (job, cursor) if given is not None)):
        if not isinstance(text, str):
            raise TypeError("a message tells an account, a job and a cursor")
    # A worker of an earlier version, which is still to be restarted, tells nothing of sums.
    of_job = SumRef if said.get("isSum") else JobRef
    ref = FeedRef(account) if job is None else of_job(account, job)
    asked_at = said["authorizedAt"]
    authorized_at = inf if asked_at is None else float(asked_at)
    if said["wait"] is None:
        return StreamRequest(ref, parse_cursor(cursor), first, authorized_at)
    wait = _wait_of(said["wait"], first)
    return StreamRequest(ref, parse_cursor(cursor), b"", authorized_at, wait)


def _wait_said(wait: PageWait) -> dict[str, object]:
    form = {"links": astuple(wait.form.links), "gzip": wait.form.gzip}
    return {"until": wait.until, "limit": wait.limit, "headers": wait.headers, **form}


def _wait_of(said: dict[str, Any], nothing: bytes) -> PageWait:
    stream, events, query = (str(part) for part in said["links"])
    form = PageForm(Links(stream, events, query), gzip=bool(said["gzip"]))
    headers = tuple((str(name), str(value)) for name, value in said["headers"])
    return PageWait(float(said["until"]), int(said["limit"]), form, headers, nothing)


@dataclass
class StreamerClient:
    """The connection of a web process to its machine's streamer, made when it is first needed."""

    path: str

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._socket: socket.socket | None = None

    def send(self, reader: Reader) -> bool:
        """Send a reader; returns whether that was possible. The caller's descriptor stays open."""
        data = encode(reader.request)
        if len(data) > MAX_MESSAGE:
            return False
        with self._lock:
            for _ in range(2):  # the streamer may have been restarted since the last time
                try:
                    self._connected().sendmsg(
                        [data],
                        [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [reader.fd]))],
                    )
                except OSError:
                    self._forget()
                else:
                    return True
        return False

    def _connected(self) -> socket.socket:
        if self._socket is None or self._pid != os.getpid():
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            connection.settimeout(_SEND_SECONDS)
            connection.connect(self.path)
            self._socket, self._pid = connection, os.getpid()
        return self._socket

    def close(self) -> None:
        """End the connection; the next `send` makes a new one."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None
