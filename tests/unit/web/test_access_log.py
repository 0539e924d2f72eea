"""A line for each request, which no request can write to its liking."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from gunicorn.config import Config

from tasks import logs
from tasks.settings import Settings
from web.access_log import FORMAT, AccessLog
from web.request_context import ENVIRON_KEY

LineOf = Callable[..., str]


@pytest.fixture
def line_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LineOf:
    # What other tests of this process have asked of a site is no matter of these lines.
    monkeypatch.setattr(logs, "_contexts", [])

    def line_of(*, form: str = "text", status: str = "200 OK", **environ: object) -> str:
        config = Config()
        config.set("accesslog", str(tmp_path / "access"))
        config.set("access_log_format", FORMAT)
        log = AccessLog.for_settings(Settings.from_environ({"EARMARK_LOG": form}))(config)
        given = {"REQUEST_METHOD": "GET", "RAW_URI": "/jobs", "REMOTE_ADDR": "1.2.3.4", **environ}
        given.setdefault("PATH_INFO", str(given["RAW_URI"]).partition("?")[0])
        response = SimpleNamespace(status=status, sent=7, headers=[])
        log.access(response, SimpleNamespace(headers=[]), given, timedelta(milliseconds=12.4))
        for handler in log.access_log.handlers:
            handler.close()
        return (tmp_path / "access").read_text()

    return line_of


def said(line: str) -> str:
    """The line without its time."""
    return re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} ", "", line)


def test_a_line_tells_what_was_asked_and_what_it_took(line_of: LineOf) -> None:
    assert said(line_of()) == "INFO gunicorn.access: GET /jobs 200 7 bytes 12 ms\n"


def test_a_line_tells_the_request_the_account_and_the_job_as_text_or_json(line_of: LineOf) -> None:
    context = {"request_id": "r1", "account": "a1", "job_id": None}
    line = line_of(**{ENVIRON_KEY: context})
    assert " request_id=r1 account=a1: GET /jobs 200" in line
    known = json.loads(line_of(form="json", **{ENVIRON_KEY: context}).splitlines()[-1])
    assert known["request_id"] == "r1"
    assert known["account"] == "a1"
    assert "job_id" not in known
    assert known["message"] == "GET /jobs 200 7 bytes 12 ms"


def test_the_query_is_not_told(line_of: LineOf) -> None:
    assert line_of(RAW_URI="/jobs?token=secret").endswith(": GET /jobs 200 7 bytes 12 ms\n")


def test_a_host_that_looks_every_second_has_no_line_unless_something_is_wrong(
    line_of: LineOf,
) -> None:
    assert line_of(RAW_URI="/readyz") == ""
    assert "GET /readyz 503" in line_of(RAW_URI="/readyz", status="503 Service Unavailable")


def test_an_encoded_line_end_in_a_path_begins_no_line(line_of: LineOf) -> None:
    line = line_of(RAW_URI="/a%0AGET /b 200", PATH_INFO="/a\nGET /b 200")
    assert line.count("\n") == 1
