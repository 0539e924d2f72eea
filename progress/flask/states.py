"""JSON answers: a job's state, and pages of its events."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, request
from werkzeug.datastructures import MIMEAccept

from .. import history
from ..aliases import locate
from ..errors import LogUnavailable
from ..events import FeedSnapshot, Snapshot
from ..history import Excerpt, Links, PageQuery, State, excerpt_of_row, read_excerpt
from ..log import Log, LogRef
from ..sse import CONTENT_TYPE as EVENT_STREAM
from .refused import Refused, no_job, unavailable


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

    log: Log

    def snapshot(self, ref: LogRef, state: State, links: Links) -> Response:
        """The state, and the position at which it holds."""
        require_json()
        excerpt = self._told(ref, state, PageQuery(None, 1))
        cursor = json.dumps(str(excerpt.cursor) if excerpt.cursor else None)
        body = f'{{"snapshot":{excerpt.snapshot},"cursor":{cursor}}}'
        return _answer(excerpt, body.encode(), links, is_page=False)

    def page(self, ref: LogRef, state: State, links: Links) -> Response:
        """The events after a position; a state where the log does not go on from there."""
        require_json()
        excerpt = self._told(ref, state, PageQuery.parse(request.args))
        return _answer(excerpt, excerpt.to_json(), links, is_page=True)

    def _told(self, ref: LogRef, state: State, query: PageQuery) -> Excerpt:
        could_ask = True
        try:
            found, _ = locate(self.log, ref)
            excerpt = read_excerpt(self.log, found, after=query.after, limit=query.limit)
        except LogUnavailable:
            excerpt, could_ask = None, False
        if excerpt is not None:
            return excerpt
        known: Snapshot | FeedSnapshot | None = state()
        if known is not None:
            return excerpt_of_row(ref, known)
        if not could_ask or query.after is not None:
            # A client with a cursor has seen a log: that one was lost, and may come back.
            raise unavailable("The log of this job cannot be read now.")
        raise no_job()


def _answer(excerpt: Excerpt, body: bytes, links: Links, *, is_page: bool) -> Response:
    answer = Response(body, content_type=history.CONTENT_TYPE, headers=history.HEADERS)
    answer.headers["ETag"] = excerpt.etag
    link = links.header(excerpt.cursor, ended=excerpt.ended, is_page=is_page)
    if link is not None:
        answer.headers["Link"] = link
    if request.accept_encodings["gzip"]:
        answer.data = history.compressed(body)
        answer.headers["Content-Encoding"] = "gzip"
    answer.make_conditional(request)
    return answer
