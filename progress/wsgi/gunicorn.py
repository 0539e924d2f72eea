"""Taking a client's socket from gunicorn, so that a stream costs it no thread. Linux.

gunicorn (23 to 27) leaves the socket in the request's environment. The hub writes to a duplicate of
it. A dead socket is put over the original descriptor: gunicorn half-closes what it owns, and a
shutdown would reach every duplicate. gunicorn then writes its empty response into the dead socket,
finds the client gone, and still writes its line in the access log. Nothing of gunicorn is patched.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from ..errors import TooManyStreams
from .problem import Problem

#: Where gunicorn's workers put the client's socket.
_SOCKET = "gunicorn.socket"
_PLAIN = (socket.AF_INET, socket.AF_INET6, getattr(socket, "AF_UNIX", -1))


def client_socket(environ: Mapping[str, Any]) -> Any | None:
    """The client's socket, where it may be taken; None where only the server may write to it.

    A TLS socket is not taken, since the server holds its keys. An HTTP/2 socket is not taken, since
    all streams of a connection share it. A HEAD request's is not taken: its response has no body.
    """
    found = environ.get(_SOCKET)
    if found is None or environ.get("REQUEST_METHOD") != "GET":
        return None
    if environ.get("HTTP_VERSION") == "2" or environ.get("SERVER_PROTOCOL") == "HTTP/2":
        return None
    if isinstance(found, ssl.SSLSocket) or getattr(found, "family", None) not in _PLAIN:
        return None
    return found


def give_away(client: Any, take: Callable[[int], None]) -> None:
    """Have `take` duplicate a client's socket, and leave the server a dead one in its place.

    Raises:
        OSError: the process may open no further descriptor. The server still has its socket.
    """
    dead = _dead_socket()
    take(client.fileno())
    os.dup2(dead, client.fileno(), inheritable=False)


@cache
def _dead_socket() -> int:
    """One dead socket serves all: it has no other end that a shutdown could reach."""
    dead, other = socket.socketpair()
    other.close()
    return dead.detach()


def response_head(status: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """The head of a response that ends with its connection, HTTP/1.1."""
    lines = [f"HTTP/1.1 {status}"]
    lines += [
        f"{name}: {value}"
        for name, value in headers
        if name.lower() not in ("connection", "content-length", "transfer-encoding")
    ]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")


def refusal(error: TooManyStreams) -> bytes:
    """The whole response to a client that may read and finds no free place."""
    status = HTTPStatus.TOO_MANY_REQUESTS
    problem = Problem(status, str(error), error.retry_after_seconds)
    return response_head(f"{status} {status.phrase}", problem.headers.items()) + problem.body
