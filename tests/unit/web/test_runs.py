"""How a job went, in lines for a browser without JavaScript."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from progress.rules.stored_run import job_run
from progress.run import Run
from web.runs import RunLine, clock, lasted, run_lines

ZERO = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> str:
    return (ZERO + timedelta(seconds=seconds)).isoformat()


def run_of(**fields: str) -> Run:
    run = job_run("a", {name.replace("_", "."): text for name, text in fields.items()})
    assert run is not None
    return run


def lines(run: Run, now: float = 100) -> list[RunLine]:
    return list(run_lines(run, now=ZERO + timedelta(seconds=now)))


def test_waits_attempts_phases_and_parts_are_lines():
    run = run_of(
        sent=at(0),
        a1=at(6),
        A1=f"{at(20)}\tretrying",
        h1_1=f'{at(6)}\t{{"name":"read","index":1,"count":1}}',
        t1_1=at(7),
        T1_1=f"{at(9)}\tcompleted",
        t1_2=at(8),
        T1_2=f"{at(12)}\tfailed",
        a2=at(30),
        end=f"{at(95)}\tcompleted",
    )
    again = "stopped, to be tried again"
    assert lines(run) == [
        RunLine("Wait for a worker", "0:00", "6 s", ""),
        RunLine("Attempt 1", "0:06", "14 s", again),
        RunLine("Phase “read”", "0:06", "14 s", again),
        RunLine("2 parts", "0:07", "5 s", "1 completed, 1 failed"),
        RunLine("Wait for attempt 2", "0:20", "10 s", ""),
        RunLine("Attempt 2", "0:30", "1 min 5 s", "completed"),
    ]


def test_what_goes_on_lasts_until_now():
    assert lines(run_of(sent=at(0)), now=8) == [RunLine("Wait for a worker", "0:00", "8 s", "")]
    assert lines(run_of(a1=at(0)), now=8) == [
        RunLine("Attempt 1", "0:00", "8 s", "still under way")
    ]
    waits = run_of(a1=at(0), A1=f"{at(2)}\tretrying")
    assert lines(waits, now=8)[-1] == RunLine("Wait for attempt 2", "0:02", "6 s", "")


# The same as in web/client/test/unit/run.test.ts.
@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0.4 s"), (12.4, "12 s"), (60, "1 min"), (303, "5 min 3 s"), (7_500, "2 h 5 min")],
)
def test_how_long_something_took_is_said_as_the_picture_says_it(seconds: float, text: str):
    assert lasted(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (65, "1:05"), (3_725, "1:02:05")])
def test_a_time_is_said_as_a_clock_shows_it(seconds: float, text: str):
    assert clock(timedelta(seconds=seconds)) == text
