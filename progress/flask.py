"""The Flask blueprint: a job's stream and an account's feed as Server-Sent Events.

The only module that imports flask.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request, stream_with_context

from .cursor import parse_cursor
from .errors import LogUnavailable, TooManyStreams
from .events import EMPTY_FEED, FeedSnapshot, Snapshot
from .failures import FailureProvider, UnusableQuery, failures_answer, newest_failures
from .hub import Hub
from .hub.reader import HandOver, Reader
from .limits import StreamLimits
from .log import FeedRef, JobRef, Log, LogRef, Position
from .sse import CONTENT_TYPE, HEADERS, frame, retry_hint
from .wsgi.body import Body
from .wsgi.gunicorn import client_socket, give_away, response_head

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger(__name__)

#: A stream takes so many descriptors of a web process: the client's, and a pair of its own
#: where only the server may write to the client.
_DESCRIPTORS_EACH = 3

#: Names the log of a job if the present account may read it, else None.
Authorize = Callable[[str], JobRef | None]
#: The present account, or None without a session.
Account = Callable[[], str | None]
#: A job's state from where its truth is kept, for when there is no log.
JobFallback = Callable[[JobRef], Snapshot | None]


class ProgressBlueprint(Blueprint):
    """A blueprint with the `Hub` of this process's own streams, for the server's shutdown hook."""

    def __init__(self, name: str, hub: Hub) -> None:
        super().__init__(name, __name__)
        self.hub = hub


def create_blueprint(
    log: Log,
    *,
    authorize: Authorize,
    account: Account,
    fallback: JobFallback | None = None,
    limits: StreamLimits | None = None,
    hand_over: HandOver | None = None,
    failures: FailureProvider | None = None,
    name: str = "progress",
) -> ProgressBlueprint:
    """The blueprint with the streams of jobs and feeds, and a job's failures.

    They are at ``/api/jobs/<job_id>/progress``, ``/api/jobs/progress`` and
    ``/api/jobs/<job_id>/failures``.

    Args:
        log: Where the events are.
        authorize: Called with the job id of the request, within it. What it returns is
            all that is ever read: no name from the request is trusted.
        account: Whose request this is.
        fallback: Tells a job's state when its log is gone.
        limits: How long streams live, and how many an account may open.
        hand_over: Takes a stream out of this process, where there is a streamer.
        failures: Where all failed items are kept; without it, the log's newest are told.
        name: The blueprint's name.
    """
    hub = Hub(log, limits or StreamLimits(), descriptors_each=_DESCRIPTORS_EACH)
    blueprint = ProgressBlueprint(name, hub)
    door = _Door(log, hub, hand_over)

    @blueprint.get("/api/jobs/<job_id>/progress", endpoint="job")
    def job_progress(job_id: str) -> Response:
        asked_at = time.monotonic()
        if account() is None:
            return problem(HTTPStatus.UNAUTHORIZED, "Sign in to follow this job.")
        ref = authorize(job_id)
        if ref is None:
            return problem(HTTPStatus.NOT_FOUND, "There is no such job.")
        return door.answer(ref, lambda: fallback(ref) if fallback else None, asked_at)

    @blueprint.get("/api/jobs/progress", endpoint="feed")
    def feed_progress() -> Response:
        asked_at = time.monotonic()
        name = account()
        if name is None:
            return problem(HTTPStatus.UNAUTHORIZED, "Sign in to follow your jobs.")
        return door.answer(FeedRef(name), lambda: EMPTY_FEED, asked_at)

    @blueprint.get("/api/jobs/<job_id>/failures", endpoint="failures")
    def job_failures(job_id: str) -> Response:
        if account() is None:
            return problem(HTTPStatus.UNAUTHORIZED, "Sign in to see this job.")
        ref = authorize(job_id)
        if ref is None:
            return problem(HTTPStatus.NOT_FOUND, "There is no such job.")
        return _failures(log, failures, ref)

    return blueprint


def problem(status: HTTPStatus, detail: str, *, retry_after_seconds: int = 0) -> Response:
    """An answer that is an error, as RFC 9457 has it."""
    body = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    answer = Response(json.dumps(body), status, content_type="application/problem+json")
    if retry_after_seconds:
        answer.headers["Retry-After"] = str(retry_after_seconds)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _too_many(error: TooManyStreams) -> Response:
    status = HTTPStatus.TOO_MANY_REQUESTS
    return problem(status, str(error), retry_after_seconds=error.retry_after_seconds)


def _unavailable(detail: str) -> Response:
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, retry_after_seconds=1)


State = Callable[[], Snapshot | FeedSnapshot | None]


@dataclass(frozen=True, slots=True)
class _Door:
    """Lets readers in."""

    log: Log
    hub: Hub
    hand_over: HandOver | None

    def answer(self, ref: LogRef, state: State, asked_at: float) -> Response:
        """The answer to who may read a log."""
        offered = [CONTENT_TYPE, "application/json"]
        if request.accept_mimetypes.best_match(offered, CONTENT_TYPE) != CONTENT_TYPE:
            return _snapshot_answer(self.log, ref, state)
        if self.hub.is_closing:
            return _unavailable("This server is about to end.")
        cursor = parse_cursor(
            request.headers.get("Last-Event-ID") or request.args.get("lastEventId")
        )
        position = self._position(ref)
        if position is not None and position.has_ended and position.cursor == cursor:
            # EventSource takes 204 as the order to stop coming back.
            return Response(status=HTTPStatus.NO_CONTENT)
        # The hint must be there before anything can break.
        first, is_over = retry_hint(), False
        if position is None and (known := state()) is not None:
            first += frame(known.to_json().encode(), None)
            is_over = isinstance(known, Snapshot) and known.status.is_terminal
        if is_over:
            return _StreamResponse(first, content_type=CONTENT_TYPE, headers=HEADERS)
        return self._stream(Reader(-1, ref, cursor, first, asked_at))

    def _position(self, ref: LogRef) -> Position | None:
        try:
            return self.log.position(ref)
        except LogUnavailable:
            return None

    def _stream(self, reader: Reader) -> Response:
        # Outside the request from here on: a stream holds nothing of it, no session of a
        # database either.
        if self.hand_over is not None and client_socket(request.environ) is not None:
            answer = _StreamResponse((), content_type=CONTENT_TYPE, headers=HEADERS)
            answer.leave = partial(self._hand_over, reader)
            return answer
        try:
            self.hub.admit(reader.ref.account)
        except TooManyStreams as error:
            return _too_many(error)
        body = Body(self.hub, reader)
        answer = _StreamResponse(
            body, content_type=CONTENT_TYPE, headers=HEADERS, direct_passthrough=True
        )
        answer.leave = body.leave
        return answer

    def _hand_over(self, reader: Reader, fd: int, head: bytes) -> None:
        """Give a reader to the streamer, or serve it here while there is none."""
        assert self.hand_over is not None  # noqa: S101 - see _stream
        if not self.hand_over(replace(reader, fd=fd, first=head + reader.first)):
            self.hub.admit(reader.ref.account)
            Body(self.hub, reader).leave(fd, head)


class _StreamResponse(Response):
    """A stream that leaves the server's hands when its head is known, if that may be."""

    leave: Callable[[int, bytes], None] | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the stream, or with nothing where somebody else writes it from now on."""
        client, leave = client_socket(environ), self.leave
        if client is None or leave is None:
            return super().__call__(environ, start_response)
        head = response_head(self.status, list(self.get_wsgi_headers(environ)))
        try:
            give_away(client, lambda fd: leave(fd, head))
        except TooManyStreams as error:
            return _too_many(error)(environ, start_response)
        except OSError as error:
            logger.warning("A stream was not taken: %s", error, extra={"action": "not_taken"})
            return _unavailable("This server cannot take a stream now.")(environ, start_response)
        finally:
            self.close()
        start_response(self.status, [("Content-Type", CONTENT_TYPE)])
        return []


def _snapshot_answer(log: Log, ref: LogRef, state: State) -> Response:
    try:
        known = log.snapshot(ref)
    except LogUnavailable:
        known = None
    snapshot = known[0] if known else state()
    if snapshot is None:
        return problem(HTTPStatus.NOT_FOUND, "Nothing is known of this job's progress.")
    cursor = json.dumps(str(known[1]) if known else None)
    body = f'{{"snapshot":{snapshot.to_json()},"cursor":{cursor}}}'
    return Response(body, content_type="application/json", headers={"Cache-Control": "no-store"})


def _failures(log: Log, provider: FailureProvider | None, ref: JobRef) -> Response:
    try:
        if provider is None:
            known = log.snapshot(ref)
            found = newest_failures(known[0] if known is not None else None)
        else:
            found = failures_answer(provider, ref, path=request.path, query=request.args)
    except LogUnavailable:
        return _unavailable("The log of this job cannot be read now.")
    except UnusableQuery as error:
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
    body = stream_with_context(found.body) if found.name else b"".join(found.body)
    answer = Response(body, content_type=found.content_type, headers={"Cache-Control": "no-store"})
    if found.name is not None:
        answer.headers["Content-Disposition"] = f'attachment; filename="{found.name}"'
    return answer
