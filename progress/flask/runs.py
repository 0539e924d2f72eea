"""The answer with how a job went."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, request

from .. import history
from ..aliases import locate
from ..errors import LogUnavailable
from ..log import JobRef, Log, SupportsRun
from ..run import Run
from .refused import no_job
from .states import require_json

#: How a job went, from the application's database, for when the log knows it no more.
JobRun = Callable[[JobRef], Run | None]


def run_response(log: Log, kept: JobRun | None, ref: JobRef) -> Response:
    """What the log tells; what the application has kept, where that is all there is.

    Raises:
        Refused: neither knows of a run.
        LogUnavailable: the log cannot be asked, and the application has kept none.
    """
    require_json()
    told = find_run(log, kept, ref)
    if told is None:
        raise no_job()
    body = told.to_json()
    answer = Response(body, content_type=history.CONTENT_TYPE, headers=history.HEADERS)
    answer.headers["ETag"] = history.row_etag(body)
    if request.accept_encodings["gzip"]:
        answer.data = history.compressed(body.encode())
        answer.headers["Content-Encoding"] = "gzip"
    answer.make_conditional(request)
    return answer


def find_run(log: Log, kept: JobRun | None, ref: JobRef) -> Run | None:
    """The run that the log tells; what is kept, where that alone tells the end or anything at all.

    Raises:
        LogUnavailable: the log cannot be asked, and none is kept.
    """
    told, error = None, None
    try:
        told = _told(log, ref)
    except LogUnavailable as unavailable:
        error = unavailable
    if kept is not None and (told is None or told.finished_at is None):
        row = kept(ref)
        # An application may make a run of what its row says of a job that is under way.
        told = row if told is None or (row is not None and row.finished_at is not None) else told
    if told is None and error is not None:
        raise error
    return told


def _told(log: Log, ref: JobRef) -> Run | None:
    if not isinstance(log, SupportsRun):
        return None
    found, _ = locate(log, ref)
    return log.run(found) if isinstance(found, JobRef) else None
