"""A short way in for streams: WSGI middleware that answers before the framework sees a request.

A framework spends more on a request than everything else that begins a stream, and after a deploy
every client asks for its stream at once. The middleware only lets streams in. Any request that is
not a plain stream request, or that it cannot let in at once, goes to the application, which decides
anew and refuses in its own words.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from ..cursor import parse_cursor
from ..hub.reader import HandOver, Reader, StreamRequest
from ..log import LogRef
from ..sse import CONTENT_TYPE, HEADERS, retry_hint
from .entrance import Entrance, Standing
from .gunicorn import client_socket, give_away, response_head

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__name__)

#: Tells the log that the sender of a request may read: the log of the job with this id, or the
#: account's feed where the id is None. Returns None where the sender may not read it, or where
#: only the application can tell.
Admit = Callable[["WSGIEnvironment", str | None], LogRef | None]

_OK = "200 OK"


class StreamMiddleware:
    """Put around an application that has the blueprint of `progress.flask`.

    Args:
        app: Answers every request that is not let in here.
        entrance: The blueprint's. It needs a `hand_over`.
        admit: Whether a request may read a log. An exception of it is logged, and the
            application answers the request.
        headers: What the response has besides the headers of every stream.
    """

    def __init__(
        self,
        app: WSGIApplication,
        entrance: Entrance,
        *,
        admit: Admit,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if entrance.hand_over is None:
            raise ValueError("StreamMiddleware needs a streamer: give the blueprint a hand_over.")
        self._app, self._entrance, self._admit = app, entrance, admit
        self._hand_over: HandOver = entrance.hand_over
        sent = {"Content-Type": CONTENT_TYPE, **(headers or {}), **HEADERS}
        self._head = response_head(_OK, sent.items())

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Hand a stream over and answer with an empty body; or answer as the application does."""
        try:
            is_taken = self._take(environ)
        except Exception as error:  # the application meets it too, and says so in its way
            logger.debug("A stream went the long way: %s", error, extra={"action": "long_way"})
            is_taken = False
        if not is_taken:
            return self._app(environ, start_response)
        start_response(_OK, [("Content-Type", CONTENT_TYPE)])
        return []

    def _take(self, environ: WSGIEnvironment) -> bool:
        entrance = self._entrance
        url = entrance.urls.find(environ["PATH_INFO"])
        if url is None or environ.get("HTTP_ACCEPT") != CONTENT_TYPE:
            return False
        if environ.get("QUERY_STRING") or environ.get("SCRIPT_NAME") or entrance.is_closed:
            return False
        client = client_socket(environ)
        if client is None:
            return False
        # Before the question: a sign-out in between must end the stream.
        asked_at = time.monotonic()
        ref = self._admit(environ, url.job_id)
        if ref is None:
            return False
        cursor = parse_cursor(environ.get("HTTP_LAST_EVENT_ID"))
        found, standing = entrance.standing(ref, cursor)
        if standing is not Standing.MORE:
            return False
        request = StreamRequest(found, cursor, self._head + retry_hint(), asked_at)
        give_away(client, partial(self._leave, request))
        return True

    def _leave(self, request: StreamRequest, fd: int) -> None:
        if not self._hand_over(Reader(fd, request)):
            raise ConnectionError("there is no streamer to hand a stream to")
