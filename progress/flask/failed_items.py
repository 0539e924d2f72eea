"""The answer with all failed items of a job."""

from __future__ import annotations

from flask import Response, request, stream_with_context

from ..aliases import locate
from ..failures import FailureProvider, failures_answer, newest_failures
from ..history import State
from ..log import JobRef, Log
from .refused import no_job


def failures_response(
    log: Log, provider: FailureProvider | None, ref: JobRef, state: State
) -> Response:
    """What the provider tells; without one, the newest failures that the log or the row knows.

    Raises:
        Refused: there is no provider, and neither of the two knows of the job.
        LogUnavailable: the log cannot be asked.
        UnusableQuery: the query holds something that cannot be used.
    """
    if provider is None:
        logged = log.snapshot(locate(log, ref)[0])
        known = logged[0] if logged is not None else state()
        if known is None:
            raise no_job()
        found = newest_failures(known)
    else:
        found = failures_answer(provider, ref, path=request.path, query=request.args)
    body = stream_with_context(found.body) if found.name else b"".join(found.body)
    answer = Response(body, content_type=found.content_type, headers={"Cache-Control": "no-store"})
    if found.name is not None:
        answer.headers["Content-Disposition"] = f'attachment; filename="{found.name}"'
    return answer
