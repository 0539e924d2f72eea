"""An error response is the same from Flask and from the middleware."""

from __future__ import annotations

import json

from progress.errors import TooManyStreams
from progress.wsgi import Problem
from progress.wsgi.gunicorn import refusal
from progress.wsgi.problem import too_many


def test_a_problem_is_a_document_of_rfc_9457_that_no_cache_keeps() -> None:
    problem = Problem(404, "There is no such job.", more={"field": "id"})
    assert json.loads(problem.body) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no such job.",
        "field": "id",
    }
    assert problem.headers == {
        "Content-Type": "application/problem+json",
        "Cache-Control": "no-store",
    }


def test_a_refusal_is_a_whole_response_that_says_when_to_come_back() -> None:
    head, _, body = refusal(too_many(TooManyStreams(20, 15))).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    for line in (b"Content-Type: application/problem+json", b"Retry-After: 15"):
        assert line in head.split(b"\r\n")
    assert json.loads(body)["detail"].startswith("20 streams are open already.")
