"""The response that is a stream."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Response, request

from ..cursor import Cursor, parse_cursor
from ..errors import LogUnavailable
from ..history import State, is_over
from ..hub.reader import StreamRequest
from ..log import LogRef
from ..sse import CONTENT_TYPE, HEADERS, frame, retry_hint
from ..wsgi.body import Body
from ..wsgi.entrance import Entrance, Standing
from ..wsgi.gunicorn import client_socket
from ..wsgi.leaving import send
from .refused import no_job, unavailable

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@dataclass(frozen=True, slots=True)
class StreamDoor:
    """Answers the requests for a stream that the application has authorized."""

    entrance: Entrance

    def answer(self, ref: LogRef, state: State, asked_at: float) -> Response:
        """The stream of a log; `state` tells what the application's rows know without one.

        Raises:
            Refused: neither knows anything, or this process is about to end.
        """
        if self.entrance.is_closed:
            raise unavailable("This server is about to end.")
        cursor = parse_cursor(
            request.headers.get("Last-Event-ID") or request.args.get("lastEventId")
        )
        ref, standing = self._standing(ref, cursor)
        if standing is Standing.OVER:
            # EventSource takes 204 as the order to stop coming back.
            return Response(status=HTTPStatus.NO_CONTENT)
        # The hint must be there before anything can break.
        first = retry_hint()
        if standing is not Standing.MORE:
            known = state()
            if known is not None:
                first += frame(known.to_json().encode(), None)
                if is_over(known):
                    return Response(first, content_type=CONTENT_TYPE, headers=HEADERS)
            elif standing is Standing.NO_LOG and cursor is None:
                # A client with a cursor has seen a log: that one was lost, and may come back.
                raise no_job()
        return self._stream(StreamRequest(ref, cursor, first, asked_at))

    def _standing(self, ref: LogRef, cursor: Cursor | None) -> tuple[LogRef, Standing | None]:
        """The log that an id leads to, and what it has; None where it cannot be asked."""
        try:
            return self.entrance.standing(ref, cursor)
        except LogUnavailable:
            return ref, None

    def _stream(self, asked: StreamRequest) -> Response:
        # What follows runs outside the request: a stream holds nothing of it, and no session
        # of a database either.
        hub, hand_over = self.entrance.hub, self.entrance.hand_over
        if hand_over is not None and client_socket(request.environ) is not None:
            return StreamResponse(Body(hub, asked, hand_over=hand_over))
        hub.admit(asked.ref.account)
        return StreamResponse(Body(hub, asked, is_admitted=True))


class StreamResponse(Response):
    """A response whose stream the hub or the streamer writes, where the server lets it."""

    def __init__(self, body: Body) -> None:
        super().__init__(body, content_type=CONTENT_TYPE, headers=HEADERS, direct_passthrough=True)
        self._body = body

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the stream, unless the application has put another body in its place."""
        if "Content-Encoding" in self.headers:
            # An extension compresses it, which `no-transform` forbids: what compresses keeps frames
            # back until it has many.
            del self.headers["Content-Encoding"]
            self.response, self.direct_passthrough = self._body, True
        if self.response is not self._body or client_socket(environ) is None:
            return super().__call__(environ, start_response)
        headers = list(self.get_wsgi_headers(environ))
        return send(self._body, environ, start_response, self.status, headers)
