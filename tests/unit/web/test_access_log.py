"""A line for each request, which no request can write to its liking."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from gunicorn.config import Config

from web.access_log import FORMAT, AccessLog

LineOf = Callable[..., str]


@pytest.fixture
def line_of(tmp_path: Path) -> LineOf:
    config = Config()
    config.set("accesslog", str(tmp_path / "access"))
    config.set("access_log_format", FORMAT)
    log = AccessLog(config)

    def line_of(**environ: str) -> str:
        given = {"REQUEST_METHOD": "GET", "RAW_URI": "/jobs", "REMOTE_ADDR": "1.2.3.4", **environ}
        response = SimpleNamespace(status="200 OK", sent=7, headers=[])
        log.access(response, SimpleNamespace(headers=[]), given, timedelta(milliseconds=12.4))
        for handler in log.access_log.handlers:
            handler.close()
        return (tmp_path / "access").read_text()

    return line_of


def test_a_line_tells_what_was_asked_and_what_it_took(line_of: LineOf) -> None:
    assert line_of() == "GET /jobs 200 7 bytes 12 ms\n"


def test_the_query_is_not_told(line_of: LineOf) -> None:
    assert line_of(RAW_URI="/jobs?token=secret") == "GET /jobs 200 7 bytes 12 ms\n"


def test_an_encoded_line_end_in_a_path_begins_no_line(line_of: LineOf) -> None:
    line = line_of(RAW_URI="/a%0AGET /b 200", PATH_INFO="/a\nGET /b 200")
    assert line.count("\n") == 1
