"""Handing a stream from a web process to its machine's streamer: a descriptor and a message.

A message is a line of JSON that says whose stream it is, and then its first bytes. Only processes
of the same user reach the socket; what comes is bounded and checked all the same.
"""

from __future__ import annotations

import array
import os
import socket
import threading
from dataclasses import dataclass
from math import inf

import orjson

from ..cursor import parse_cursor
from ..hub.reader import Reader
from ..log import FeedRef, JobRef

#: Longest message that comes with a descriptor.
MAX_MESSAGE = 32 * 1024
#: A worker waits no longer to hand a descriptor over.
_SEND_SECONDS = 0.2


def encode(reader: Reader) -> bytes:
    """What is said of a reader beside its descriptor."""
    ref = reader.ref
    said = {
        "account": ref.account,
        "job": ref.job_id if isinstance(ref, JobRef) else None,
        "cursor": str(reader.cursor) if reader.cursor else None,
        # JSON has no infinity.
        "authorizedAt": reader.authorized_at if reader.authorized_at < inf else None,
    }
    return orjson.dumps(said) + b"\n" + reader.first


def decode(data: bytes, fd: int) -> Reader:
    """The reader that a message tells of.

    Raises:
        ValueError, TypeError, KeyError: the message is none.
    """
    line, end, first = data.partition(b"\n")
    if not end:
        raise ValueError("a message has a line that says whose stream it is")
    said = orjson.loads(line)
    account, job, cursor = said["account"], said["job"], said["cursor"]
    for text in (account, *(given for given in (job, cursor) if given is not None)):
        if not isinstance(text, str):
            raise TypeError("a message tells an account, a job and a cursor")
    ref = FeedRef(account) if job is None else JobRef(account, job)
    asked_at = said["authorizedAt"]
    authorized_at = inf if asked_at is None else float(asked_at)
    return Reader(fd, ref, parse_cursor(cursor), first, authorized_at)


@dataclass
class StreamerClient:
    """A web process's way to its machine's streamer."""

    path: str

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._socket: socket.socket | None = None

    def send(self, reader: Reader) -> bool:
        """Hand a descriptor over; whether that was possible. The caller's stays open."""
        data = encode(reader)
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
        """End the connection; the next reader makes it anew."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None
