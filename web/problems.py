"""Errors as answers: problem+json (RFC 9457) under /api, a plain page elsewhere."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus

from flask import Flask, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

logger = logging.getLogger(__name__)

_SENTENCES = {
    400: "The request could not be understood.",
    401: "Sign in first.",
    404: "There is nothing here.",
    405: "This address does not take that kind of request.",
    413: "The request is too large.",
    429: "Too many tries. Wait a minute, then try again.",
    500: "Something went wrong here. It is not your fault; try again.",
}


def problem(status: int, detail: str, **more: object) -> Response:
    """An error for a program."""
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    answer = Response(json.dumps(body), status, content_type="application/problem+json")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def register(app: Flask) -> None:
    """Answer every error of an application in words, and none with a traceback."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _fault)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:
        return error
    detail = _SENTENCES.get(status, "That did not work.")
    if isinstance(error, CSRFError):
        detail = "This page was open for too long. Load it again, then try again."
    return _answer(status, detail)


def _fault(error: Exception) -> ResponseReturnValue:
    logger.error("A request failed.", exc_info=error, extra={"action": "request_failed"})
    return _answer(500, _SENTENCES[500])


def _answer(status: int, detail: str) -> ResponseReturnValue:
    if request.path.startswith("/api/"):
        return problem(status, detail)
    return render_template("error.html", status=status, detail=detail), status
