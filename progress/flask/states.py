"""JSON answers: a job's state, and pages of its events."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from flask import Response, request
from werkzeug.datastructures import Headers, MIMEAccept
from werkzeug.http import unquote_etag

from .. import history
from ..aliases import locate
from ..cursor import Cursor
from ..errors import LogUnavailable, TooManyStreams
from ..events import FeedSnapshot, Snapshot
from ..history import Excerpt, Links, PageForm, PageQuery, State, excerpt_of_row, read_excerpt
from ..hub.reader import StreamRequest
from ..log import LogRef
from ..sse import CONTENT_TYPE as EVENT_STREAM
from ..wsgi.entrance import Entrance
from ..wsgi.gunicorn import client_socket
from ..wsgi.leaving import send
from ..wsgi.problem import too_many
from ..wsgi.waiting import WaitingBody
from .refused import Refused, no_job, respond_to, unavailable

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_Answer = TypeVar("_Answer", bound=Response)

#: Who waits for an event of a job that is not begun is answered after this long.
_REASON_SECONDS = 5


def wants_stream() -> bool:
    """Whether the client of the present request takes a stream rather than JSON.

    Raises:
        Refused: it takes neither.
    """
    accepted = request.accept_mimetypes
    found = accepted.best_match([EVENT_STREAM, history.CONTENT_TYPE], EVENT_STREAM)
    _require(accepted, found)
    return found == EVENT_STREAM


def require_json() -> None:
    """Go on only where the client of the present request takes JSON.

    Raises:
        Refused: it does not.
    """
    _require(request.accept_mimetypes, history.CONTENT_TYPE)


def _require(accepted: MIMEAccept, offered: str) -> None:
    if accepted and not accepted[offered]:
        detail = f"Ask for {history.CONTENT_TYPE}, or at …/progress for {EVENT_STREAM}."
        raise Refused(HTTPStatus.NOT_ACCEPTABLE, detail)


@dataclass(frozen=True, slots=True)
class States:
    """Answers, as JSON, the requests that the application has authorized."""

    entrance: Entrance

    def snapshot(self, ref: LogRef, state: State, links: Links) -> Response:
        """The state, and the position at which it holds."""
        require_json()
        _, excerpt = self._told(ref, state, after=None, limit=1)
        cursor = json.dumps(str(excerpt.cursor) if excerpt.cursor else None)
        why = f',"waiting":{excerpt.waiting.to_json()}' if excerpt.waiting is not None else ""
        body = f'{{"snapshot":{excerpt.snapshot},"cursor":{cursor}{why}}}'
        headers, packed = _form(links).pack(excerpt, body.encode(), is_page=False)
        return _conditional(Response(packed, headers={**history.HEADERS, **headers}))

    def page(self, ref: LogRef, state: State, links: Links, asked_at: float) -> Response:
        """The events after a position; a state where the log does not go on from there."""
        require_json()
        query, form = PageQuery.parse(request.args), _form(links)
        found, excerpt = self._told(ref, state, after=query.after, limit=query.limit)
        is_waiting = bool(query.wait_seconds) and self._is_old(excerpt)
        # What is told where nothing comes is short. Once it is compressed, somebody else did it.
        headers, body = (replace(form, gzip=False) if is_waiting else form).answer(excerpt)
        answer = PageResponse(body, headers={**history.HEADERS, **headers})
        if is_waiting:
            # Why a job waits changes without an event.
            longest = _REASON_SECONDS if excerpt.waiting is not None else query.wait_seconds
            until = time.monotonic() + min(query.wait_seconds, longest)
            asked = StreamRequest(found, excerpt.cursor, authorized_at=asked_at)
            answer.wait_for(self.entrance, asked, until, query.limit, form)
        return _conditional(answer)

    def _is_old(self, excerpt: Excerpt) -> bool:
        """Whether the client knows all that an excerpt says, and more may come."""
        if excerpt.ended or self.entrance.is_closed or request.method != "GET":
            return False
        return not excerpt.is_news or _is_known(excerpt)

    def _told(
        self, ref: LogRef, state: State, *, after: Cursor | None, limit: int
    ) -> tuple[LogRef, Excerpt]:
        """What is known after a position, and the log that the id leads to."""
        log, found, excerpt, could_ask = self.entrance.log, ref, None, True
        try:
            found, position = locate(log, ref)
            if position is not None:
                excerpt = read_excerpt(log, found, position, after=after, limit=limit)
        except LogUnavailable:
            could_ask = False
        if excerpt is not None:
            return found, excerpt
        known: Snapshot | FeedSnapshot | None = state()
        if known is not None:
            return found, excerpt_of_row(ref, known)
        if not could_ask or after is not None:
            # A client with a cursor has seen a log: that one was lost, and may come back.
            raise unavailable("The log of this job cannot be read now.")
        raise no_job()


def _form(links: Links) -> PageForm:
    return PageForm(links, gzip=bool(request.accept_encodings["gzip"]))


def _is_known(excerpt: Excerpt) -> bool:
    tag, _ = unquote_etag(excerpt.etag)
    return tag is not None and request.if_none_match.contains_weak(tag)


def _conditional(answer: _Answer) -> _Answer:
    answer.make_conditional(request)
    return answer


class PageResponse(Response):
    """A page of events; the client is answered with it at once, or waits for another."""

    _waiting: WaitingBody | None = None

    def wait_for(
        self, entrance: Entrance, asked: StreamRequest, until: float, limit: int, form: PageForm
    ) -> None:
        """Have the client wait for what follows a position."""
        self._waiting = WaitingBody(entrance.hub, entrance.hand_over, asked, until, limit, form)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer now, or when there is news."""
        waiting = self._waiting
        if waiting is None:
            return super().__call__(environ, start_response)
        if client_socket(environ) is not None:
            nothing = b"" if self.status_code == HTTPStatus.NOT_MODIFIED else self.data
            headers = list(self.get_wsgi_headers(environ))
            body = replace(waiting, nothing=nothing)
            return send(body, environ, start_response, self.status, headers)
        try:
            found = waiting.wait_here()
        except TooManyStreams as error:
            return respond_to(too_many(error))(environ, start_response)
        if found is not None:
            told, body_of = waiting.form.answer(found)
            self.headers = Headers(history.with_page(self.headers, told))
            self.data, self.status_code = body_of, HTTPStatus.OK
        return super().__call__(environ, start_response)
