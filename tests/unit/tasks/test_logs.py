"""The lines of a log: what they belong to, what they leave out, and what is counted instead."""

from __future__ import annotations

import io
import json
import logging

import pytest
from sqlalchemy.exc import OperationalError

from progress.errors import LogUnavailable
from tasks import logs
from tasks.repeats import WINDOW_SECONDS, Repeats
from tasks.settings import Settings

SECRET = "hunter2-hunter2"
SETTINGS = {
    "DATABASE_URL": f"postgres://ada:{SECRET}-db%21@db/earmark",
    "REDIS_URL": f"redis://:{SECRET}@cache",
    "SECRET_KEY": f"key {SECRET}",
    "EARMARK_PASSWORD": f"password {SECRET}",
}


class Log:
    """A logger of the test's own, and what it has written."""

    def __init__(self, form: str = "text") -> None:
        self.now = 1000.0
        self._stream = io.StringIO()
        self.handler = logs.Lines(self._stream, repeats=Repeats(clock=lambda: self.now))
        self.handler.setFormatter(
            logs.formatter(Settings.from_environ(SETTINGS | {"EARMARK_LOG": form}))
        )
        self.logger = logging.Logger("earmark.test")  # noqa: LOG001 - nobody else is to hear it
        self.logger.addHandler(self.handler)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def fail(self, error: Exception, message: str = "A request failed.", *args: object) -> None:
        try:
            raise error
        except type(error):
            self.logger.exception(message, *args)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    # What other tests of this process have asked of a site is no matter of these lines.
    monkeypatch.setattr(logs, "_contexts", [])
    return Log()


def away(statement: str = "SELECT 1") -> OperationalError:
    return OperationalError(
        statement, {"email": "ada@example.org"}, Exception("connection refused")
    )


def test_a_line_says_when_how_grave_who_and_what_it_belongs_to(monkeypatch, log):
    known = {"job_id": "j1", "account": "a1", "request_id": None}
    monkeypatch.setattr(logs, "_contexts", [lambda: known])
    log.logger.warning("Low on %s.", "disk")
    (line,) = log.lines
    assert line.endswith(" WARNING earmark.test account=a1 job_id=j1: Low on disk.")
    as_json = Log("json")
    as_json.logger.warning("Low on %s.", "disk", extra={"action": "low", "task_id": "t1"})
    said = json.loads(as_json.text)
    assert said.pop("time").endswith("+00:00")
    assert said == {
        "level": "WARNING",
        "logger": "earmark.test",
        "account": "a1",
        "job_id": "j1",
        "task_id": "t1",
        "message": "Low on disk.",
        "action": "low",
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_in_a_line_or_its_traceback(form):
    log = Log(form)
    for value in SETTINGS.values():
        log.logger.info("It is %s", value)
        log.fail(ValueError(f"cannot use {value}"))
    log.logger.info("Connecting to amqp://guest:other-secret@queue:5672// and redis://:x@y")
    assert SECRET not in log.text
    assert "other-secret" not in log.text
    assert "amqp://guest:***@queue:5672//" in log.text


def test_what_somebody_writes_into_a_name_begins_no_line(log):
    log.logger.info("Song %s", "a\n2026-01-01 00:00:00.000 ERROR forged: x\r\nb")
    first, *rest = log.lines
    assert first.endswith("INFO earmark.test: Song a")
    assert rest == ["    2026-01-01 00:00:00.000 ERROR forged: x", "    b"]


def test_a_server_that_is_away_is_told_once_without_a_traceback_and_counted(log):
    for number in range(1000):
        log.fail(away(f"SELECT {number}"), "Task %s failed.", number)
    (line,) = log.lines
    assert line.endswith("Task 0 failed. (connection refused)")
    assert "ada@example.org" not in line
    log.now += WINDOW_SECONDS
    log.logger.info("Something else.")
    assert log.lines[1].endswith("Again 999 times: connection refused")
    assert log.lines[2].endswith("Something else.")


def test_a_failure_behind_which_a_server_is_away_is_told_as_that(log):
    for outer in (ValueError("first"), KeyError("second")):
        outer.__cause__ = LogUnavailable("The log does not answer.")
        log.fail(outer)
    assert len(log.lines) == 1
    assert "The log does not answer." in log.text


def test_another_failure_keeps_its_line_each_time_and_its_traceback_once(log):
    def fail():
        log.fail(ValueError("no such song"))

    for _ in range(3):
        fail()
    assert log.text.count("Traceback") == 1
    assert log.text.count("A request failed.") == 3
    assert log.lines[-1].endswith("A request failed. (ValueError: no such song)")
    log.now += WINDOW_SECONDS
    fail()
    assert log.text.count("Traceback") == 2


def test_the_same_warning_is_counted_and_another_is_not(log):
    for place in ("a", "a", "b"):
        log.logger.warning("No room in %s.", place)
    log.logger.info("No room in a.")
    log.logger.info("No room in a.")
    assert [line.rpartition(" ")[2] for line in log.lines] == ["a.", "b.", "a.", "a."]


def test_counted_repeats_are_told_at_the_end(log):
    log.fail(away())
    log.fail(away())
    log.handler.close()
    assert log.lines[-1].endswith("Again once: connection refused")


def test_ever_new_failures_take_no_more_memory_than_a_bound(log):
    for number in range(2_000):
        log.logger.warning("Failure %d", number)
    assert len(log.lines) == 2_000
    assert len(log.handler._repeats._counted) <= 500
