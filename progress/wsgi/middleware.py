"""A short way in for streams: WSGI middleware that answers before the framework looks at a request.

A framework spends more on a request than all that a stream needs of it, and after a deploy every
open stream asks at once. This only ever says yes: whatever is not a plain stream that may begin
now goes the long way, where it is decided anew and refused in words.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ..cursor import parse_cursor
from ..hub import Hub
from ..hub.reader import HandOver, Reader
from ..log import Log, LogRef
from ..sse import CONTENT_TYPE, HEADERS, retry_hint
from .gunicorn import client_socket, give_away, response_head

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__name__)

#: The log that the request of an environment may read, of a job by its id or the account's feed
#: for None; None where it may not, or where only the application can tell.
Admit = Callable[["WSGIEnvironment", str | None], LogRef | None]

_PATH = re.compile(r"/api/jobs/(?:([\w.~-]+)/)?progress", re.ASCII)
_OK = "200 OK"


class StreamMiddleware:
    """The middleware: put around an application that has the blueprint of `progress.flask`.

    Args:
        app: Answers everything else.
        log: Where the events are.
        hub: The process's own; while it ends no stream is taken.
        admit: Whether a request may read a log. What it raises is the application's to find out.
        hand_over: Takes a stream out of this process.
        headers: Of the answer, beside those that every stream has.
    """

    def __init__(
        self,
        app: WSGIApplication,
        log: Log,
        hub: Hub,
        *,
        admit: Admit,
        hand_over: HandOver,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._app, self._log, self._hub = app, log, hub
        self._admit, self._hand_over = admit, hand_over
        sent = {"Content-Type": CONTENT_TYPE, **(headers or {}), **HEADERS}
        self._head = response_head(_OK, list(sent.items()))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a stream with nothing, since somebody else writes it; or as the application."""
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
        asked = _PATH.fullmatch(environ["PATH_INFO"])
        if asked is None or environ.get("HTTP_ACCEPT") != CONTENT_TYPE:
            return False
        if environ.get("QUERY_STRING") or environ.get("SCRIPT_NAME") or self._hub.is_closing:
            return False
        client = client_socket(environ)
        if client is None:
            return False
        asked_at = time.monotonic()
        ref = self._admit(environ, asked[1])
        if ref is None:
            return False
        cursor = parse_cursor(environ.get("HTTP_LAST_EVENT_ID"))
        position = self._log.position(ref)
        if position is None or (position.has_ended and position.cursor == cursor):
            return False
        reader = Reader(-1, ref, cursor, self._head + retry_hint(), asked_at)
        give_away(client, partial(self._leave, reader))
        return True

    def _leave(self, reader: Reader, fd: int) -> None:
        if not self._hand_over(replace(reader, fd=fd)):
            raise ConnectionError("there is nobody to hand a stream to")
