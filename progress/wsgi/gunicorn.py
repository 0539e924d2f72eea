"""Taking a client's socket from gunicorn, so that a stream costs it no thread. Linux.

gunicorn (23 to 27) leaves the socket in the request's environment. A duplicate of it goes to
the hub; over the original goes a dead one, since gunicorn half-closes what it owns and a shutdown
reaches every duplicate. It then writes its empty response into that, finds the client gone,
and writes its line in the access log. Nothing of gunicorn is patched.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

from ..errors import TooManyStreams

#: Where gunicorn's workers put the client's socket.
_SOCKET = "gunicorn.socket"
_PLAIN = (socket.AF_INET, socket.AF_INET6, getattr(socket, "AF_UNIX", -1))


def client_socket(environ: Mapping[str, Any]) -> Any | None:
    """The client's socket, where it may be taken; None where only the server may write to it.

    Not of TLS, whose keys the server holds; not of HTTP/2, where it is all streams of a
    connection; not for HEAD, which has no body.
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
    """Have a duplicate of a client's socket taken, and leave the server a dead one in its place.

    Raises:
        OSError: there is no descriptor left. The server has its socket still.
    """
    dead = _dead_socket()
    take(client.fileno())
    os.dup2(dead, client.fileno(), inheritable=False)


@cache
def _dead_socket() -> int:
    """One for all that is given away: what is shut down on it has no other end."""
    dead, other = socket.socketpair()
    other.close()
    return dead.detach()


def response_head(status: str, headers: Sequence[tuple[str, str]]) -> bytes:
    """The head of a response that ends with its connection, HTTP/1.1."""
    lines = [f"HTTP/1.1 {status}"]
    lines += [
        f"{name}: {value}"
        for name, value in headers
        if name.lower() not in ("connection", "content-length", "transfer-encoding")
    ]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")


def refusal(error: TooManyStreams) -> bytes:
    """The whole response to a reader that was let in and finds no place."""
    status = HTTPStatus.TOO_MANY_REQUESTS
    problem = {"type": "about:blank", "title": status.phrase, "status": status}
    body = json.dumps(problem | {"detail": str(error)}).encode()
    headers = [
        ("Content-Type", "application/problem+json"),
        ("Retry-After", str(error.retry_after_seconds)),
        ("Cache-Control", "no-store"),
    ]
    return response_head(f"{status} {status.phrase}", headers) + body
