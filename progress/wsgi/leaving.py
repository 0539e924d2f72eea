"""Responses that leave the server: the hub or the streamer writes them to the client's socket."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Protocol

from ..errors import TooManyStreams
from .gunicorn import Head, client_socket, final_head, give_away, refusal
from .problem import NOT_TAKEN, too_many

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger(__name__)


class Leaving(Protocol):
    """The body of such a response. A server from which it cannot leave iterates it."""

    def leave(self, fd: int, head: Head) -> None:
        """Have a client served elsewhere, on a duplicate of its descriptor.

        Raises:
            TooManyStreams: there is no place for it.
            OSError: the process may open no further descriptor.
        """
        ...

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None:
        """Give back what it holds. The server calls this, too."""
        ...


def send(
    body: Leaving,
    environ: WSGIEnvironment,
    start_response: StartResponse,
    status: str,
    headers: Sequence[tuple[str, str]],
) -> Iterable[bytes]:
    """Answer with a body that leaves, where the server lets its client go.

    Whatever stands between the application and the server has added its headers by then. Where
    somebody changes what is sent, the server sends it.
    """
    write = start_response(status, list(headers))
    client = client_socket(environ)
    head = final_head(write) if client is not None else None
    if client is None or head is None:
        return body
    try:
        give_away(client, partial(_leave, body, head))
    except OSError:  # no descriptor is left for the dead socket
        return body
    body.close()
    return []


def _leave(body: Leaving, head: Head, fd: int) -> None:
    """Have a client served elsewhere, or refuse it: the server has been told of another head."""
    try:
        body.leave(fd, head)
    except TooManyStreams as error:
        _write(fd, refusal(too_many(error)))
    except OSError as error:
        logger.warning("A stream was not taken: %s", error, extra={"action": "not_taken"})
        _write(fd, refusal(NOT_TAKEN))


def _write(fd: int, response: bytes) -> None:
    # A socket that was just asked on takes this little at once, unless its peer has gone.
    with suppress(OSError):
        os.write(fd, response)
