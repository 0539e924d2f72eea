"""The Flask blueprint: a job's stream and an account's feed as Server-Sent Events.

The only module that imports flask.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response, request

from .cursor import Cursor
from .errors import LogUnavailable, TooManyStreams
from .events import EMPTY_FEED, FeedSnapshot, Snapshot
from .follow import Frame, Idle, follow, has_ended_at, parse_cursor
from .handoff import client_socket, let_go, response_head
from .hub import Reader
from .log import FeedRef, JobRef, Log, LogRef
from .sse import CONTENT_TYPE, HEADERS, PING, frame, retry_hint

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger(__name__)

#: A stream looks up this often whether it is to end.
_IDLE_SECONDS = 0.5

#: Names the log of a job if the present account may read it, else None.
Authorize = Callable[[str], JobRef | None]
#: The present account, or None without a session.
Account = Callable[[], str | None]
#: Takes a duplicate of a reader's descriptor elsewhere; whether that was possible.
HandOver = Callable[[Reader], bool]
#: A job's state from where its truth is kept, for when there is no log.
JobFallback = Callable[[JobRef], Snapshot | None]


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How long streams live and how many there may be."""

    keep_alive_seconds: float = 15.0
    #: Drawn between this and half of it, so that streams do not end together.
    life_seconds: float = 15 * 60.0
    streams_per_account: int = 20
    retry_after_seconds: int = 15


@dataclass
class Streams:
    """The streams this process has open: counted by account, and told when to end."""

    limits: StreamLimits = field(default_factory=StreamLimits)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._open: Counter[str] = Counter()
        self._closing = threading.Event()

    def take(self, account: str) -> None:
        """Count a stream.

        Raises:
            TooManyStreams: the account has as many open as it may.
        """
        with self._lock:
            if self._open[account] >= self.limits.streams_per_account:
                raise TooManyStreams(
                    limit=self.limits.streams_per_account,
                    retry_after_seconds=self.limits.retry_after_seconds,
                )
            self._open[account] += 1

    def give_back(self, account: str) -> None:
        """Count a stream no longer."""
        with self._lock:
            self._open[account] -= 1
            if self._open[account] <= 0:
                del self._open[account]

    def open_streams(self) -> int:
        """How many streams are open."""
        with self._lock:
            return self._open.total()

    def close(self) -> None:
        """End every stream at its next frame boundary, and open no new one for long."""
        self._closing.set()

    @property
    def is_closing(self) -> bool:
        """Whether `close` was called."""
        return self._closing.is_set()


def create_blueprint(
    log: Log,
    *,
    authorize: Authorize,
    account: Account,
    fallback: JobFallback | None = None,
    limits: StreamLimits | None = None,
    hand_over: HandOver | None = None,
    name: str = "progress",
) -> Blueprint:
    """The blueprint with ``/api/jobs/<job_id>/progress`` and ``/api/jobs/progress``.

    Args:
        log: Where the events are.
        authorize: Called with the job id of the request, within it. What it returns is
            all that is ever read: no name from the request is trusted.
        account: Whose request this is.
        fallback: Tells a job's state when its log is gone.
        limits: How long streams live, and how many an account may open.
        hand_over: Takes a stream out of the server's hands, where there is a streamer.
        name: The blueprint's name.
    """
    blueprint = Blueprint(name, __name__)
    streams = Streams(limits or StreamLimits())
    blueprint.streams = streams  # type: ignore[attr-defined] # for the server's shutdown hook

    @blueprint.get("/api/jobs/<job_id>/progress", endpoint="job")
    def job_progress(job_id: str) -> Response:
        if account() is None:
            return problem(HTTPStatus.UNAUTHORIZED, "Sign in to follow this job.")
        ref = authorize(job_id)
        if ref is None:
            return problem(HTTPStatus.NOT_FOUND, "There is no such job.")
        known = fallback

        def state() -> Snapshot | None:
            return known(ref) if known is not None else None

        return _answer(log, ref, streams, state, hand_over)

    @blueprint.get("/api/jobs/progress", endpoint="feed")
    def feed_progress() -> Response:
        name = account()
        if name is None:
            return problem(HTTPStatus.UNAUTHORIZED, "Sign in to follow your jobs.")
        return _answer(log, FeedRef(name), streams, _empty_feed, hand_over)

    return blueprint


def problem(status: HTTPStatus, detail: str, *, retry_after_seconds: int = 0) -> Response:
    """An answer that is an error, as RFC 9457 has it."""
    body = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    answer = Response(json.dumps(body), status, content_type="application/problem+json")
    if retry_after_seconds:
        answer.headers["Retry-After"] = str(retry_after_seconds)
    answer.headers["Cache-Control"] = "no-store"
    return answer


State = Callable[[], Snapshot | FeedSnapshot | None]


def _answer(
    log: Log, ref: LogRef, streams: Streams, state: State, hand_over: HandOver | None
) -> Response:
    offered = [CONTENT_TYPE, "application/json"]
    if request.accept_mimetypes.best_match(offered, CONTENT_TYPE) != CONTENT_TYPE:
        return _snapshot_answer(log, ref, state)
    cursor = parse_cursor(request.headers.get("Last-Event-ID") or request.args.get("lastEventId"))
    if isinstance(ref, JobRef) and _is_over(log, ref, cursor):
        # EventSource takes 204 as the order to stop coming back.
        return Response(status=HTTPStatus.NO_CONTENT)
    try:
        streams.take(ref.account)
    except TooManyStreams as error:
        return problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            str(error),
            retry_after_seconds=error.retry_after_seconds,
        )
    # Subscribed and read outside the request: a stream holds nothing of it, no session of a
    # database either.
    body = _Body(_stream(log, ref, streams, cursor, state), streams, ref.account)
    answer = _StreamResponse(
        body, content_type=CONTENT_TYPE, headers=HEADERS, direct_passthrough=True
    )
    if hand_over is not None and _has_log(log, ref):
        answer.hand_over, answer.ref, answer.cursor = hand_over, ref, cursor
    return answer


class _StreamResponse(Response):
    """A stream that leaves the server's hands when its head is known, if that may be."""

    hand_over: HandOver | None = None
    ref: LogRef | None = None
    cursor: Cursor | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the stream, or with nothing where somebody else writes it from now on."""
        if self._is_handed_over(environ):
            self.close()
            start_response(self.status, [("Content-Type", CONTENT_TYPE)])
            return []
        return super().__call__(environ, start_response)

    def _is_handed_over(self, environ: WSGIEnvironment) -> bool:
        client = client_socket(environ) if self.hand_over is not None else None
        if client is None or self.hand_over is None or self.ref is None:
            return False
        headers = self.get_wsgi_headers(environ)
        head = response_head(self.status, list(headers))
        try:
            if not self.hand_over(Reader(client.fileno(), self.ref, self.cursor, head)):
                return False
            let_go(client)
        except OSError:
            logger.info("A stream was not handed over.", extra={"action": "hand_over_failed"})
            return False
        return True


def _has_log(log: Log, ref: LogRef) -> bool:
    """Whether a log can tell the state; else it comes from elsewhere, which only we can ask."""
    try:
        return isinstance(ref, FeedRef) or log.snapshot(ref) is not None
    except LogUnavailable:
        return False


def _is_over(log: Log, ref: JobRef, cursor: Cursor | None) -> bool:
    try:
        return has_ended_at(log, ref, cursor)
    except LogUnavailable:
        return False  # the stream itself tells what can be told


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


def _empty_feed() -> FeedSnapshot:
    return EMPTY_FEED


class _Body:
    """A response's body whose stream is given back however it ends, also before it began."""

    def __init__(self, stream: Iterator[bytes], streams: Streams, account: str) -> None:
        self._stream = stream
        self._give_back: Callable[[], None] | None = lambda: streams.give_back(account)

    def __iter__(self) -> Iterator[bytes]:
        return self._stream

    def close(self) -> None:
        """End the stream. Called by the server, once or more."""
        give_back, self._give_back = self._give_back, None
        if give_back is None:
            return
        try:
            cast("Generator[bytes]", self._stream).close()
        finally:
            give_back()

    # Werkzeug's server does not close a body whose client was reset with its request half
    # read (seen in 3.1: `execute` reads on before it closes, and the read raises). A stream
    # that was never given back would count against the account's cap for ever.
    __del__ = close


def _stream(
    log: Log, ref: LogRef, streams: Streams, cursor: Cursor | None, state: State
) -> Iterator[bytes]:
    limits = streams.limits
    # The first bytes go at once: routers give a response 30 s to begin, and the hint must
    # be there before anything can break.
    yield retry_hint()
    life = limits.life_seconds * random.uniform(0.5, 1)  # noqa: S311 - no secret
    ends_at = time.monotonic() + life
    told_at = time.monotonic()
    steps = follow(log, ref, cursor=cursor, fallback=state, idle_seconds=_IDLE_SECONDS)
    with closing(cast("Generator[Frame | Idle]", steps)):
        for step in steps:
            now = time.monotonic()
            if isinstance(step, Frame):
                yield frame(step.document, step.cursor)
                told_at = now
            elif now - told_at >= limits.keep_alive_seconds:
                yield PING
                told_at = now
            if streams.is_closing or now >= ends_at:
                yield retry_hint()
                return
