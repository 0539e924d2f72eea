"""Request context: the id, account and job that all log lines of one request tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from secrets import token_hex
from typing import TYPE_CHECKING

from flask import Flask, Response, g, has_request_context, request

from tasks import logs

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: The key in the WSGI environment by which the access log finds the context after the request.
ENVIRON_KEY = "earmark.context"

#: The form of an id that a proxy may give. Any other text could break a line, or fill one.
_GIVEN_ID = re.compile(r"[A-Za-z0-9._=+/-]{1,64}")

_present: ContextVar[dict[str, str | None] | None] = ContextVar("earmark_request", default=None)


def register(app: Flask) -> None:
    """Give each request of an application a context. After everything else that wraps it."""
    logs.add_context(_known)
    app.after_request(_keep)
    app.wsgi_app = _Begin(app.wsgi_app)  # type: ignore[method-assign] # as Flask documents it


class _Begin:
    """Begins the context before anybody else sees the request, streams' short way included."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        context: dict[str, str | None] = {}
        context["request_id"] = given if _GIVEN_ID.fullmatch(given) else token_hex(8)
        environ[ENVIRON_KEY] = context
        before = _present.set(context)
        try:
            return self._application(environ, start_response)
        finally:
            # The server's thread goes on without a request.
            _present.reset(before)


def _known() -> Mapping[str, str | None]:
    # A body that is made while it is sent comes after the call, and has Flask's context.
    if has_request_context():
        return {**request.environ.get(ENVIRON_KEY, {}), **_known_to_flask()}
    return _present.get() or {}


def _known_to_flask() -> dict[str, str | None]:
    # The database is not asked for a value that is unknown yet: it may be what fails.
    account = getattr(g.get("_login_user"), "account_id", None)
    job_id = (request.view_args or {}).get("job_id")
    return {
        "account": None if account is None else str(account),
        "job_id": None if job_id is None else str(job_id),
    }


def _keep(answer: Response) -> Response:
    context = request.environ.get(ENVIRON_KEY)
    if context is not None:
        context.update(_known_to_flask())
    return answer
