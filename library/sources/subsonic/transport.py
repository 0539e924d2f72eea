"""Connections to a server: only to checked addresses, and never for longer than a deadline."""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpcore
import httpx

from .errors import AddressRefused, ServerAway, TooSlow
from .guard import IPAddress, reason_against

#: A server that does not take a connection within this time is away.
CONNECT_SECONDS = 10.0
#: A server that is silent for this long in the midst of an answer is away.
SILENCE_SECONDS = 30.0

#: The addresses of a name, as the system's resolver tells them.
Resolve = Callable[[str, int], list[IPAddress]]


class Deadline:
    """Until when the call that is under way may take. One call at a time is under way."""

    def __init__(self) -> None:
        self._ends_at = 0.0

    def begin(self, seconds: float) -> None:
        """Give the next call this long."""
        self._ends_at = time.monotonic() + seconds

    def left(self, *, at_most: float) -> float:
        """The seconds that are left.

        Raises:
            TooSlow: none is.
        """
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TooSlow("The server takes too long to answer.")
        return min(left, at_most)


class GuardedTransport(httpx.BaseTransport):
    """How requests get to one server. Proxies that the environment names are not used.

    A name is looked up when a connection is made, each of its addresses is checked, and the
    connection goes to a checked address: a name that means another address a moment later leads
    nowhere else. The certificate is still that of the name.
    """

    def __init__(
        self, *, allows_private: bool, deadline: Deadline, resolve: Resolve | None = None
    ) -> None:
        backend = _GuardedBackend(allows_private, deadline, resolve or addresses_of)
        self._pool = httpcore.ConnectionPool(
            ssl_context=_trusted(),
            max_connections=2,
            keepalive_expiry=20.0,
            network_backend=backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request, its body not read yet.

        Raises:
            AddressRefused: the server's address is none to connect to.
            ServerAway: the server cannot be reached, or broke the connection off.
        """
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _told():
            answer = self._pool.handle_request(asked)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), request=request
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """The body of an answer, as it comes."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with _told():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _GuardedBackend(httpcore.NetworkBackend):
    def __init__(self, allows_private: bool, deadline: Deadline, resolve: Resolve) -> None:  # noqa: FBT001
        self._allows_private = allows_private
        self._deadline = deadline
        self._resolve = resolve
        self._system = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline is shorter
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first checked address that takes one."""
        failure: Exception | None = None
        for address in self._checked(host, port):
            seconds = self._deadline.left(at_most=CONNECT_SECONDS)
            try:
                stream = self._system.connect_tcp(
                    str(address), port, seconds, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure or ServerAway(f"There is no server with the name {host}.")

    def _checked(self, host: str, port: int) -> list[IPAddress]:
        seconds = self._deadline.left(at_most=CONNECT_SECONDS)
        found = _in_time(lambda: self._resolve(host, port), host=host, seconds=seconds)
        reasons = {
            address: reason_against(address, allows_private=self._allows_private)
            for address in found
        }
        allowed = [address for address, reason in reasons.items() if reason is None]
        if found and not allowed:
            reason = reasons[found[0]]
            raise AddressRefused(
                f"Earmark does not connect to {host}, {reason}. Name another server; whoever runs "
                "this site can allow servers of the private network (EARMARK_PRIVATE_SERVERS)."
            )
        return allowed


class _TimedStream(httpcore.NetworkStream):
    """A connection that says nothing after the deadline, however slowly the server answers."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._stream.read(max_bytes, self._deadline.left(at_most=SILENCE_SECONDS))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, self._deadline.left(at_most=SILENCE_SECONDS))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        seconds = self._deadline.left(at_most=CONNECT_SECONDS)
        stream = self._stream.start_tls(ssl_context, server_hostname, seconds)
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def addresses_of(host: str, port: int) -> list[IPAddress]:
    """The addresses of a name, each once, in the system's order; none where it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in found))


def _in_time(
    look_up: Callable[[], list[IPAddress]], *, host: str, seconds: float
) -> list[IPAddress]:
    """What a look-up finds. The system's resolver itself knows no deadline."""
    found: queue.SimpleQueue[list[IPAddress]] = queue.SimpleQueue()
    threading.Thread(target=lambda: found.put(look_up()), daemon=True).start()
    try:
        return found.get(timeout=seconds)
    except queue.Empty:
        raise TooSlow(f"The name {host} could not be looked up in time.") from None


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that are believed: those of certifi, or of the file SSL_CERT_FILE."""
    return httpx.create_ssl_context()


@contextmanager
def _told() -> Iterator[None]:
    """A block whose errors of the network are told in a sentence, without what was sent."""
    try:
        yield
    except httpcore.TimeoutException:
        raise TooSlow("The server takes too long to answer.") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise ServerAway(_sentence(error)) from None


def _sentence(error: Exception) -> str:
    causes = f"{error} {error.__cause__} {error.__context__}"
    if "CERTIFICATE_VERIFY_FAILED" in causes:
        return "The server's certificate is not valid for its name, or nobody known has signed it."
    if "SSL" in causes:
        return "The server does not speak HTTPS at this address: check http, https and the port."
    if isinstance(error, httpcore.ConnectError):
        return "The server cannot be reached: check its address, and whether it is running."
    return "The server broke the connection off."
