"""Errors as answers: problem+json (RFC 9457) under /api, a plain page elsewhere."""

from __future__ import annotations

import logging

from flask import Flask, Response, current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from progress.wsgi import Problem

logger = logging.getLogger(__name__)

_SENTENCES = {
    400: "The request could not be understood.",
    404: "There is nothing here.",
    405: "This address does not take that kind of request.",
    413: "The request is too large.",
    415: "Send JSON, with the header Content-Type: application/json.",
    429: "Too many tries. Wait a minute, then try again.",
    500: "Something went wrong here. It is not your fault; try again.",
}


def is_api() -> bool:
    """Whether the present request is a program's."""
    return request.path.startswith("/api/")


def problem(status: int, detail: str, **more: object) -> Response:
    """An error for a program."""
    found = Problem(status, detail, more=more)
    return Response(found.body, status, found.headers)


def register(app: Flask) -> None:
    """Answer every error of an application in words, and none with a traceback."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _fault)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:
        return error
    detail = None
    if isinstance(error, CSRFError):
        # Its cause may be the operator's: a proxy that changes Host, or secure cookies by HTTP.
        logger.warning("Refused: %s", error.description, extra={"action": "request_refused"})
        detail = (
            "Send the page's csrf-token in the header X-CSRFToken."
            if is_api()
            else "This page is out of date. Load it again, then try again."
        )
    answer = refusal(status, detail)
    # Such as Allow, which says what the address does take.
    answer.headers.extend((n, v) for n, v in error.get_headers() if n.lower() != "content-type")
    return answer


def _fault(error: Exception) -> ResponseReturnValue:
    logger.error("A request failed.", exc_info=error, extra={"action": "request_failed"})
    if is_api():
        return problem(500, _SENTENCES[500])
    # Without what other pages show: that may be what failed.
    page = current_app.jinja_env.get_template("fault.html")
    return page.render(detail=_SENTENCES[500]), 500


def refusal(status: int, detail: str | None = None) -> Response:
    """An error for whoever asked, in words of its own or the usual ones."""
    detail = detail or _SENTENCES.get(status, "That did not work.")
    if is_api():
        return problem(status, detail)
    return make_response(render_template("error.html", detail=detail), status)
