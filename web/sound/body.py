"""A response that is a sound: the sender writes it, where the server lets its client go."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Response

from library.sound.content import Content, Lost
from progress.wsgi.gunicorn import Head, client_socket
from progress.wsgi.leaving import send

from .delivery import PIECE_BYTES, Delivery
from .sender import Sender

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: The kernel takes so little at once: to hand it over would cost the client its connection.
_SMALL_BYTES = 64 * 1024
_LOOK_SECONDS = 0.05


class SoundBody:
    """The bytes of a sound from `start` to before `stop`, or to its end where that is None.

    It holds a place of the sender's for the account, which ends with it.
    """

    def __init__(
        self, sender: Sender, account: str, content: Content, *, start: int, stop: int | None
    ) -> None:
        self._sender, self._account, self._content = sender, account, content
        self._place, self._stop = start, stop
        self._is_held = True

    @property
    def is_small(self) -> bool:
        """Whether no client can be slow about it."""
        return self._stop is not None and self._stop - self._place <= _SMALL_BYTES

    def leave(self, fd: int, head: Head) -> None:
        """See `progress.wsgi.leaving.Leaving`."""
        client = socket.socket(fileno=os.dup(fd))
        delivery = Delivery(
            client, head.to_bytes(), self._content, self._place, self._stop, self._account
        )
        try:
            self._sender.add(delivery)
        except OSError:
            client.close()
            raise
        self._is_held = False

    def __iter__(self) -> Iterator[bytes]:
        """The bytes for a server that sends them itself, whose thread waits for its client.

        Raises:
            BrokenPipeError: the rest will never come. The server ends the connection, by which its
                client sees that.
        """
        while self._stop is None or self._place < self._stop:
            left = PIECE_BYTES if self._stop is None else self._stop - self._place
            try:
                data = self._content.read(self._place, min(PIECE_BYTES, left))
            except Lost as lost:
                raise BrokenPipeError(errno.EPIPE, "a sound ended before its end") from lost
            if data is None:
                time.sleep(_LOOK_SECONDS)
                continue
            if not data:
                return
            self._place += len(data)
            yield data

    def close(self) -> None:
        """Give back what it holds. The server calls this, once or more often."""
        if self._is_held:
            self._is_held = False
            self._content.close()
            self._sender.give_back(self._account)

    # As with streams: Werkzeug's server does not close a body whose client was reset.
    __del__ = close


class SoundResponse(Response):
    """The response that has such a body."""

    def __init__(self, body: SoundBody, status: HTTPStatus, headers: Mapping[str, str]) -> None:
        super().__init__(body, status, dict(headers), direct_passthrough=True)
        self._body = body

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the sound, unless the application has put another body in its place."""
        stays = self._body.is_small or client_socket(environ) is None
        if self.response is not self._body or stays:
            return super().__call__(environ, start_response)
        headers = list(self.get_wsgi_headers(environ))
        return send(self._body, environ, start_response, self.status, headers)
