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
from typing import TYPE_CHECKING

from ..cursor import parse_cursor
from ..hub.reader import StreamRequest
from ..log import LogRef
from ..sse import CONTENT_TYPE, HEADERS, retry_hint
from .body import Body
from .entrance import Entrance, Standing
from .gunicorn import client_socket
from .leaving import send

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
        sent = {"Content-Type": CONTENT_TYPE, **(headers or {}), **HEADERS}
        self._headers = tuple(sent.items())

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Hand a stream over and answer with an empty body; or answer as the application does."""
        try:
            asked = self._let_in(environ)
        except Exception as error:  # the application meets it too, and says so in its way
            logger.debug("A stream went the long way: %s", error, extra={"action": "long_way"})
            asked = None
        if asked is None:
            return self._app(environ, start_response)
        body = Body(self._entrance.hub, asked, hand_over=self._entrance.hand_over)
        return send(body, environ, start_response, _OK, self._headers)

    def _let_in(self, environ: WSGIEnvironment) -> StreamRequest | None:
        """The stream to begin; None where the application is to answer."""
        entrance = self._entrance
        url = entrance.urls.find(environ["PATH_INFO"])
        if url is None or environ.get("HTTP_ACCEPT") != CONTENT_TYPE:
            return None
        if environ.get("QUERY_STRING") or environ.get("SCRIPT_NAME") or entrance.is_closed:
            return None
        # Whether a page of another origin may read it, the application says in its headers.
        if "HTTP_ORIGIN" in environ or client_socket(environ) is None:
            return None
        # Before the question: a sign-out in between must end the stream.
        asked_at = time.monotonic()
        ref = self._admit(environ, url.job_id)
        if ref is None:
            return None
        cursor = parse_cursor(environ.get("HTTP_LAST_EVENT_ID"))
        found, standing = entrance.standing(ref, cursor)
        if standing is not Standing.MORE:
            return None
        return StreamRequest(found, cursor, retry_hint(), asked_at)
