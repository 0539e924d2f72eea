"""What a log line tells of the request it belongs to, and of no other."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

import pytest
from flask import Flask, Response, stream_with_context

from tasks import logs
from web import request_context


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, str | None]]:
    """What each line of the application below belongs to."""
    monkeypatch.setattr(logs, "_contexts", [])
    return []


@pytest.fixture
def app(said: list[Mapping[str, str | None]]) -> Flask:
    app = Flask(__name__)
    app.logger.setLevel(logging.ERROR)

    def note() -> None:
        (known,) = logs._contexts
        said.append(known())

    def body() -> Iterator[str]:
        yield "one line"
        note()

    @app.route("/page")
    def page() -> str:
        note()
        return ""

    @app.route("/export")
    def export() -> Response:
        return Response(stream_with_context(body()))

    request_context.register(app)
    return app


def test_a_line_within_a_request_tells_its_id(
    app: Flask, said: list[Mapping[str, str | None]]
) -> None:
    app.test_client().get("/page", headers={"X-Request-Id": "abc"})
    assert [line["request_id"] for line in said] == ["abc"]


def test_a_line_of_a_body_that_is_made_while_it_is_sent_tells_it_too(
    app: Flask, said: list[Mapping[str, str | None]]
) -> None:
    answer = app.test_client().get("/export", headers={"X-Request-Id": "abc"})
    assert answer.text == "one line"
    assert [line["request_id"] for line in said] == ["abc"]


def test_a_line_after_a_request_tells_nothing_of_it(
    app: Flask, said: list[Mapping[str, str | None]]
) -> None:
    app.test_client().get("/page", headers={"X-Request-Id": "abc"})
    (known,) = logs._contexts
    assert known() == {}
