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
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Head:
    """The status and the headers of a response, as everybody around the application left them."""

    status: str
    headers: Sequence[tuple[str, str]]

    def to_bytes(self) -> bytes:
        """As it is sent. The response ends with its connection."""
        return response_head(self.status, self.headers)


def final_head(write: object) -> Head | None:
    """The head that gunicorn is about to send, found by what its `start_response` returned.

    Middleware that adds headers hands on what the server's `start_response` gave it, which is a
    method of gunicorn's response (PEP 3333 has it so). None where somebody else is to write, and
    where the response is compressed: then what is sent is not what the application made.
    """
    response = getattr(write, "__self__", None)
    if not any(kind.__module__.startswith("gunicorn.") for kind in type(response).__mro__):
        return None
    status, headers = getattr(response, "status", None), getattr(response, "headers", None)
    if status is None or headers is None:
        return None
    if any(name.lower() == "content-encoding" for name, _ in headers):
        return None
    return Head(status, tuple(headers))


def response_head(status: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """The head of a response that ends with its connection, HTTP/1.1."""
    lines = [f"HTTP/1.1 {status}"]
    lines += [
        f"{name}: {value}"
        for name, value in headers
        if name.lower() not in ("connection", "transfer-encoding")
    ]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")


def refusal(problem: Problem) -> bytes:
    """A whole response that is an error."""
    status = HTTPStatus(problem.status)
    head = response_head(f"{status} {status.phrase}", problem.headers.items())
    return head + problem.body
