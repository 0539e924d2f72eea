"""The response that is a stream."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Response, request

from ..cursor import Cursor, parse_cursor
from ..errors import LogUnavailable, TooManyStreams
from ..history import State, is_over
from ..hub import Hub
from ..hub.reader import HandOver, Reader, StreamRequest
from ..log import LogRef
from ..sse import CONTENT_TYPE, HEADERS, frame, retry_hint
from ..wsgi.body import Body
from ..wsgi.entrance import Entrance, Standing
from ..wsgi.gunicorn import client_socket, give_away, response_head
from .refused import no_job, respond, too_many, unavailable

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger(__name__)


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
                    return StreamResponse(first, content_type=CONTENT_TYPE, headers=HEADERS)
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
            answer = StreamResponse((), content_type=CONTENT_TYPE, headers=HEADERS)
            answer.leave = partial(_leave_process, hub, hand_over, asked)
            return answer
        hub.admit(asked.ref.account)
        body = Body(hub, asked)
        answer = StreamResponse(
            body, content_type=CONTENT_TYPE, headers=HEADERS, direct_passthrough=True
        )
        answer.leave = body.leave
        return answer


def _leave_process(
    hub: Hub, hand_over: HandOver, asked: StreamRequest, fd: int, head: bytes
) -> None:
    """Hand a stream to the streamer, or serve it here while the streamer is gone."""
    if not hand_over(Reader(fd, asked.preceded_by(head))):
        hub.admit(asked.ref.account)
        Body(hub, asked).leave(fd, head)


class StreamResponse(Response):
    """A response whose stream the hub or the streamer writes, once the head is known."""

    #: Takes the client's descriptor and the response's head.
    leave: Callable[[int, bytes], None] | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the stream, or with an empty body where the hub or the streamer writes it."""
        client, leave = client_socket(environ), self.leave
        if client is None or leave is None:
            return super().__call__(environ, start_response)
        head = response_head(self.status, list(self.get_wsgi_headers(environ)))
        try:
            give_away(client, lambda fd: leave(fd, head))
        except TooManyStreams as error:
            return respond(too_many(error))(environ, start_response)
        except OSError as error:
            logger.warning("A stream was not taken: %s", error, extra={"action": "not_taken"})
            refused = unavailable("This server cannot take a stream now.")
            return respond(refused)(environ, start_response)
        finally:
            self.close()
        start_response(self.status, [("Content-Type", CONTENT_TYPE)])
        return []
