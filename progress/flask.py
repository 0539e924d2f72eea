"""The Flask blueprint: a job's stream and an account's feed as Server-Sent Events.

No other module of this package imports flask.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request, stream_with_context

from .cursor import Cursor, parse_cursor
from .errors import LogUnavailable, TooManyStreams
from .events import EMPTY_FEED, FeedSnapshot, Snapshot
from .failures import FailureProvider, UnusableQuery, failures_answer, newest_failures
from .hub import Hub
from .hub.reader import HandOver, Reader, StreamRequest
from .limits import StreamLimits
from .log import FeedRef, JobRef, Log, LogRef
from .sse import CONTENT_TYPE, HEADERS, frame, retry_hint
from .wsgi.body import Body
from .wsgi.entrance import Entrance, Standing
from .wsgi.gunicorn import client_socket, give_away, response_head
from .wsgi.problem import Problem
from .wsgi.urls import FEED_RULE, JOB_RULE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger(__name__)

#: Descriptors that a stream takes of a web process: the client's, and a pair of its own where
#: only the server may write to the client.
_DESCRIPTORS_EACH = 3

#: Tells the log of a job if the present account may read it, else None.
Authorize = Callable[[str], JobRef | None]
#: The present account, or None without a session.
Account = Callable[[], str | None]
#: Has a job cancelled that the present account may read.
Cancel = Callable[[JobRef], object]
#: A job's state from the application's database, for when there is no log.
JobFallback = Callable[[JobRef], Snapshot | None]


class ProgressBlueprint(Blueprint):
    """A blueprint that serves streams.

    Its `hub` serves the streams of this process: the server's shutdown hook drains it. Its
    `entrance` is what `progress.wsgi.StreamMiddleware` takes.
    """

    def __init__(self, name: str, entrance: Entrance) -> None:
        super().__init__(name, __name__)
        self.entrance = entrance
        self.hub = entrance.hub
        self.record(lambda state: entrance.urls.serve_under(state.url_prefix or ""))


def create_blueprint(
    log: Log,
    *,
    authorize: Authorize,
    account: Account,
    fallback: JobFallback | None = None,
    limits: StreamLimits | None = None,
    hand_over: HandOver | None = None,
    failures: FailureProvider | None = None,
    cancel: Cancel | None = None,
    name: str = "progress",
) -> ProgressBlueprint:
    """The blueprint with the streams of jobs and feeds, and a job's failures.

    They are at ``/api/jobs/<job_id>/progress``, ``/api/jobs/progress`` and
    ``/api/jobs/<job_id>/failures``.

    Args:
        log: The log that holds the events.
        authorize: Called within the request, with its job id. Only the log that it returns is
            read: no name from the request is trusted.
        account: Called within the request. Tells the account that makes it.
        fallback: Tells a job's state when its log is gone.
        limits: How long streams live, and how many an account may open.
        hand_over: Has the machine's streamer serve a stream, where there is a streamer.
        failures: Where all failed items are kept; without it, the log's newest are told.
        cancel: Has a job cancelled, such as `log.request_cancel`. With it there is a route for
            that, ``POST /api/jobs/<job_id>/cancel``, which the application guards against forged
            requests (CSRF) as it does its other forms.
        name: The blueprint's name.
    """
    hub = Hub(log, limits or StreamLimits(), descriptors_each=_DESCRIPTORS_EACH)
    blueprint = ProgressBlueprint(name, Entrance(log, hub, hand_over))
    door = _Door(blueprint.entrance)

    @blueprint.get(JOB_RULE, endpoint="job")
    def job_progress(job_id: str) -> Response:
        asked_at = time.monotonic()
        if account() is None:
            return _refusal(HTTPStatus.UNAUTHORIZED, "Sign in to follow this job.")
        ref = authorize(job_id)
        if ref is None:
            return _refusal(HTTPStatus.NOT_FOUND, "There is no such job.")
        return door.answer(ref, lambda: fallback(ref) if fallback else None, asked_at)

    @blueprint.get(FEED_RULE, endpoint="feed")
    def feed_progress() -> Response:
        asked_at = time.monotonic()
        name = account()
        if name is None:
            return _refusal(HTTPStatus.UNAUTHORIZED, "Sign in to follow your jobs.")
        return door.answer(FeedRef(name), lambda: EMPTY_FEED, asked_at)

    @blueprint.get("/api/jobs/<job_id>/failures", endpoint="failures")
    def job_failures(job_id: str) -> Response:
        if account() is None:
            return _refusal(HTTPStatus.UNAUTHORIZED, "Sign in to see this job.")
        ref = authorize(job_id)
        if ref is None:
            return _refusal(HTTPStatus.NOT_FOUND, "There is no such job.")
        return _failures(log, failures, ref)

    if cancel is not None:
        _add_cancel(blueprint, authorize, account, cancel)
    return blueprint


def _add_cancel(
    blueprint: ProgressBlueprint, authorize: Authorize, account: Account, cancel: Cancel
) -> None:
    @blueprint.post("/api/jobs/<job_id>/cancel", endpoint="cancel")
    def cancel_job(job_id: str) -> Response:
        if account() is None:
            return _refusal(HTTPStatus.UNAUTHORIZED, "Sign in to cancel this job.")
        ref = authorize(job_id)
        if ref is None:
            return _refusal(HTTPStatus.NOT_FOUND, "There is no such job.")
        try:
            cancel(ref)
        except LogUnavailable:
            return _unavailable("This job cannot be cancelled now.")
        # The task has yet to hear of it; its terminal status says when it has stopped.
        body = json.dumps({"jobId": ref.job_id})
        headers = {"Cache-Control": "no-store"}
        return Response(body, HTTPStatus.ACCEPTED, headers, content_type="application/json")


def _refusal(status: HTTPStatus, detail: str, *, retry_after_seconds: int = 0) -> Response:
    problem = Problem(status, detail, retry_after_seconds)
    return Response(problem.body, status, problem.headers)


def _too_many(error: TooManyStreams) -> Response:
    status = HTTPStatus.TOO_MANY_REQUESTS
    return _refusal(status, str(error), retry_after_seconds=error.retry_after_seconds)


def _unavailable(detail: str) -> Response:
    return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, detail, retry_after_seconds=1)


State = Callable[[], Snapshot | FeedSnapshot | None]


@dataclass(frozen=True, slots=True)
class _Door:
    """Answers the requests that the application has authorized."""

    entrance: Entrance

    def answer(self, ref: LogRef, state: State, asked_at: float) -> Response:
        """The response to a client that may read a log; `state` tells it where there is no log."""
        offered = [CONTENT_TYPE, "application/json"]
        if request.accept_mimetypes.best_match(offered, CONTENT_TYPE) != CONTENT_TYPE:
            return _snapshot_answer(self.entrance.log, ref, state)
        if self.entrance.is_closed:
            return _unavailable("This server is about to end.")
        cursor = parse_cursor(
            request.headers.get("Last-Event-ID") or request.args.get("lastEventId")
        )
        standing = self._standing(ref, cursor)
        if standing is Standing.OVER:
            # EventSource takes 204 as the order to stop coming back.
            return Response(status=HTTPStatus.NO_CONTENT)
        # The hint must be there before anything can break.
        first, is_over = retry_hint(), False
        if standing is Standing.NO_LOG and (known := state()) is not None:
            first += frame(known.to_json().encode(), None)
            is_over = isinstance(known, Snapshot) and known.status.is_terminal
        if is_over:
            return _StreamResponse(first, content_type=CONTENT_TYPE, headers=HEADERS)
        return self._stream(StreamRequest(ref, cursor, first, asked_at))

    def _standing(self, ref: LogRef, cursor: Cursor | None) -> Standing:
        try:
            return self.entrance.standing(ref, cursor)
        except LogUnavailable:
            return Standing.NO_LOG

    def _stream(self, asked: StreamRequest) -> Response:
        # What follows runs outside the request: a stream holds nothing of it, and no session
        # of a database either.
        hub, hand_over = self.entrance.hub, self.entrance.hand_over
        if hand_over is not None and client_socket(request.environ) is not None:
            answer = _StreamResponse((), content_type=CONTENT_TYPE, headers=HEADERS)
            answer.leave = partial(_leave_process, hub, hand_over, asked)
            return answer
        try:
            hub.admit(asked.ref.account)
        except TooManyStreams as error:
            return _too_many(error)
        body = Body(hub, asked)
        answer = _StreamResponse(
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


class _StreamResponse(Response):
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
            return _too_many(error)(environ, start_response)
        except OSError as error:
            logger.warning("A stream was not taken: %s", error, extra={"action": "not_taken"})
            return _unavailable("This server cannot take a stream now.")(environ, start_response)
        finally:
            self.close()
        start_response(self.status, [("Content-Type", CONTENT_TYPE)])
        return []


def _snapshot_answer(log: Log, ref: LogRef, state: State) -> Response:
    known, could_ask = None, True
    try:
        known = log.snapshot(ref)
    except LogUnavailable:
        could_ask = False
    snapshot = known[0] if known else state()
    if snapshot is None and not could_ask:
        return _unavailable("The log of this job cannot be read now.")
    if snapshot is None:
        return _refusal(HTTPStatus.NOT_FOUND, "Nothing is known of this job's progress.")
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
        return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
    body = stream_with_context(found.body) if found.name else b"".join(found.body)
    answer = Response(body, content_type=found.content_type, headers={"Cache-Control": "no-store"})
    if found.name is not None:
        answer.headers["Content-Disposition"] = f'attachment; filename="{found.name}"'
    return answer
