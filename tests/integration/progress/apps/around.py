"""WSGI middleware such as sites have around their applications."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

App = Callable[[dict[str, Any], Any], Iterable[bytes]]


def headers(app: App) -> App:
    """Adds HSTS, and lets pages of one other origin read with cookies."""
    allowed = [
        ("Strict-Transport-Security", "max-age=60"),
        ("Access-Control-Allow-Origin", os.environ.get("HANDED_ORIGIN", "https://other.example")),
        ("Access-Control-Allow-Credentials", "true"),
        ("Vary", "Origin"),
    ]

    def respond(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def start(status: str, given: list[tuple[str, str]], *more: Any) -> Any:
            own = [pair for pair in given if pair[0] != "Access-Control-Allow-Origin"]
            return start_response(status, [*own, *allowed], *more)

        return app(environ, start)

    return respond


class _Packed:
    def __init__(self, body: Iterable[bytes]) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        packer = zlib.compressobj(wbits=31)
        for part in self._body:
            yield packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH)
        yield packer.flush()

    def close(self) -> None:
        getattr(self._body, "close", lambda: None)()


def gzip(app: App) -> App:
    """Compresses whatever comes, for who accepts it."""

    def respond(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "gzip" not in environ.get("HTTP_ACCEPT_ENCODING", ""):
            return app(environ, start_response)

        def start(status: str, given: list[tuple[str, str]], *more: Any) -> Any:
            kept = [pair for pair in given if pair[0].lower() != "content-length"]
            return start_response(status, [*kept, ("Content-Encoding", "gzip")], *more)

        return _Packed(app(environ, start))

    return respond


class _Watched:
    def __init__(self, body: Iterable[bytes]) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        getattr(self._body, "close", lambda: None)()


def watching(app: App) -> App:
    """Looks at heads and bodies, as tracers do, and changes neither."""

    def respond(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def start(*told: Any) -> Any:
            return start_response(*told)

        return _Watched(app(environ, start))

    return respond


AROUND = {"headers": headers, "gzip": gzip, "watching": watching}
