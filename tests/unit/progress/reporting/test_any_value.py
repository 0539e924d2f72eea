"""A task may say anything: it goes on, its other reports arrive, everything stays readable."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from progress.errors import JobFailure
from progress.events import ItemStatus, JobStatus, Snapshot
from progress.fit import ASK_SECONDS, fit_count, fit_id, fit_text
from progress.lifecycle import Settlement, reports_of
from progress.log import JobRef
from progress.memory import MemoryLog
from progress.reporting.reporter import JobReporter
from progress.reports import (
    CountsReport,
    ErrorReport,
    ItemReport,
    PhaseReport,
    StatusReport,
    TotalReport,
)
from progress.testing import events_of, fresh_ref
from tests.unit.progress.reporting.sent import is_sent


class Odd:  # noqa: PLW1641 - its hash is below
    """Raises, or returns ten megabytes, whatever it is asked."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self.answer = answer

    def __str__(self) -> str:
        return self.answer()  # type: ignore[no-any-return]

    __repr__ = __str__

    def __len__(self) -> int:
        return self.answer()  # type: ignore[no-any-return]

    __int__ = __float__ = __hash__ = __len__

    def __eq__(self, _: object) -> bool:
        return self.answer()  # type: ignore[no-any-return]


class OddText(str):
    """A text that says something else of itself."""

    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError

    __len__ = __hash__ = __str__  # type: ignore[assignment]


class Lazy:
    """A translation that is made when it is asked for."""

    def __str__(self) -> str:
        return "Häuser"


def _raise() -> Any:
    raise RuntimeError("no")


def _exit() -> Any:
    raise SystemExit(3)


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.fractions(),
    st.text(st.characters(), max_size=400),
    st.text(st.characters(categories=["Cs", "Cc", "Lo"]), max_size=20),
    st.binary(max_size=20),
    st.uuids(),
    st.datetimes(),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
    st.sampled_from(
        [
            object,
            lambda: Path("/music/caf\udce9.mp3"),
            lambda: np.int64(7),
            lambda: np.float32(math.nan),
            lambda: np.arange(3),
            lambda: Decimal("sNaN"),
            lambda: Fraction(1, 3),
            lambda: ValueError("words"),
            Lazy,
            lambda: OddText("odd"),
            lambda: Odd(_raise),
            lambda: Odd(_exit),
            lambda: Odd(lambda: "x" * 10_000_000),
            lambda: Odd(lambda: None),
            lambda: int,
            lambda: _raise,
            lambda: ItemStatus.FAILED,
            lambda: "failed",
        ]
    ).map(lambda make: make()),
)


def anything(draw: Callable[[Any], Any]) -> dict[str, Callable[[JobReporter], Any]]:
    """Every method of the reporter, called with anything."""

    def say() -> Any:
        return draw(ANYTHING)

    def item(job: JobReporter) -> None:
        with job.item(
            say(), kind=say(), label=say(), index=say(), count=say(), tolerate=say()
        ) as begun:
            begun.fail(say())

    def track(job: JobReporter) -> None:
        things = [say(), say()]
        ways: dict[str, Any] = {"key": lambda _: say(), "label": lambda _: say()}
        chosen = {name: way for name, way in ways.items() if draw(st.booleans())}
        assert list(job.track(things, kind=say(), total=say(), **chosen)) is not None

    at = 1_790_000_000.0
    return {
        "item": item,
        "track": track,
        "queue": lambda job: job.queue([(say(), say()), say(), (1, 2, 3)], kind=say()),
        "queue of": lambda job: job.queue(say(), kind=say()),
        "item_status": lambda job: job.item_status(
            say(), say(), kind=say(), label=say(), error=say()
        ),
        "total": lambda job: job.total(say()),
        "add_total": lambda job: job.add_total(say()),
        "counts": lambda job: job.counts(say(), say()),
        "plan": lambda job: job.plan(say(), (say(), say())),
        "phase": lambda job: job.phase(say(), weight=say(), total=say()).__enter__(),
        "error": lambda job: job.error(say(), code=say()),
        "status": lambda job: job.status(JobStatus.RUNNING, reason=say()),
        "report item": lambda job: job.report(
            ItemReport(say(), say(), say(), say(), say(), say(), say(), say())
        ),
        "report status": lambda job: job.report(StatusReport(JobStatus.RUNNING, say(), say())),
        "report error": lambda job: job.report(ErrorReport(say(), say(), say())),
        "report total": lambda job: job.report(TotalReport(say(), say())),
        "report counts": lambda job: job.report(CountsReport(say(), say(), say())),
        "report phase": lambda job: job.report(
            PhaseReport(say(), at, say(), say(), say(), say(), say(), say())
        ),
        "report": lambda job: job.report(say()),
    }


METHODS = list(anything(lambda _: None))


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_whatever_is_said_the_task_goes_on_and_its_other_reports_arrive(
    method: str, data: st.DataObject
) -> None:
    log, ref = MemoryLog(), fresh_ref()
    with JobReporter(log, ref) as job:
        job.item_status("before", ItemStatus.SUCCEEDED, kind="witness")
        anything(data.draw)[method](job)
        job.item_status("after", ItemStatus.SUCCEEDED, kind="witness")
        assert is_sent(job)
    told = {event.item_id for event in events_of(log, ref) if event.type == "item"}
    assert {"before", "after"} <= told
    state = log.snapshot(ref)
    assert state is not None
    assert Snapshot.model_validate_json(state[0].to_json()) == state[0]


@settings(max_examples=60, deadline=None)
@given(message=ANYTHING, code=ANYTHING)
def test_a_job_fails_in_its_own_words_whatever_they_are_made_of(message: Any, code: Any) -> None:
    log, ref = MemoryLog(), fresh_ref()
    failure = JobFailure(message, code=code)
    ended = Settlement(JobStatus.FAILED, failure.message, failure.code)
    log.append(ref, reports_of(ended, at=time.time()), attempt=1)
    state = log.snapshot(ref)
    assert state is not None
    assert isinstance(state[0], Snapshot)
    assert state[0].status is JobStatus.FAILED
    words = fit_text(message)
    assert state[0].reason == (words or "The work failed.")


@pytest.mark.parametrize(
    "ask",
    [
        lambda job, value: job.item(value, kind="thing").__enter__(),
        lambda job, value: job.item("a", kind="thing", label=value).__enter__(),
        lambda job, value: job.counts(value, value),
        lambda job, value: job.error(value, code="code"),
    ],
)
def test_a_value_that_never_answers_holds_a_task_up_once(ask: Callable[..., Any]) -> None:
    class Blocking:
        def __str__(self) -> str:
            time.sleep(3600)
            return ""

        __float__ = __str__  # type: ignore[assignment]

    with JobReporter(MemoryLog(), fresh_ref()) as job:
        began = time.monotonic()
        for _ in range(20):
            ask(job, Blocking())
        assert time.monotonic() - began < 2 * ASK_SECONDS + 0.5
        assert is_sent(job)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("caf\udce9", "caf\ufffd"),
        (Path("/a/b.mp3"), "/a/b.mp3"),
        (b"caf\xe9", "caf\ufffd"),
        (ValueError("no such file"), "no such file"),
        (Lazy(), "Häuser"),
        (7, "7"),
        (None, None),
        pytest.param(Odd(_raise), None, id="raises"),
        ("a\x00b\nc\x1b[31m", "a\ufffdb\nc\ufffd[31m"),
        ("x" * 400, "x" * 299 + "…"),
        pytest.param(OddText("odd"), "odd", id="odd"),
    ],
)
def test_a_text_is_what_a_person_would_read(given: Any, words: str | None) -> None:
    assert fit_text(given) == words


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (3, 3),
        (3.9, 3),
        ("12", 12),
        (" 45 % ", 45),
        (np.int64(4), 4),
        (Decimal("7.5"), 7),
        (True, 1),
        (-3, 0),
        (10**400, 2**53 - 1),
        (math.nan, None),
        (math.inf, None),
        (np.float32(math.nan), None),
        ("many", None),
        (None, None),
        ([1], None),
    ],
)
def test_a_count_is_a_whole_number_or_none(given: Any, number: int | None) -> None:
    assert fit_count(given) == number


@given(st.lists(st.text(st.characters(), min_size=1, max_size=600), unique=True, min_size=2))
def test_ids_that_differ_differ_on_the_wire(ids: list[str]) -> None:
    assert len({fit_id(item_id) for item_id in ids}) == len(ids)


def test_long_ids_with_one_beginning_are_two_items() -> None:
    base = "https://example.org/" + "a" * 300
    first, second = fit_id(base + "1"), fit_id(base + "2")
    assert first != second
    assert first is not None
    assert len(first) == 200


def told(log: MemoryLog, ref: JobRef) -> Iterator[tuple[str, str | None]]:
    for event in events_of(log, ref):
        if event.type == "item" and event.status == "succeeded":
            yield event.item_id, event.label


@pytest.mark.parametrize(
    "things",
    [
        [object(), object(), object()],
        ["same", "same", "same"],
        [{"a": 1, "b": n} for n in range(3)],
        [[1], [1], [1]],
        [None, None, 0],
        ["x" * 250 + "1", "x" * 250 + "2", "x" * 250 + "3"],
        [Odd(_raise), Odd(_raise), Odd(_exit)],
    ],
)
def test_equal_long_nameless_and_unhashable_things_count_once_each(things: list[Any]) -> None:
    log, ref = MemoryLog(), fresh_ref()
    with JobReporter(log, ref) as job:
        for _ in job.track(things):
            pass
        assert is_sent(job)
    state = log.snapshot(ref)
    assert state is not None
    assert isinstance(state[0], Snapshot)
    assert state[0].progress is not None
    assert (state[0].progress.done, state[0].progress.total) == (3, 3)


def test_two_loops_and_two_parts_share_no_item() -> None:
    log, ref = MemoryLog(), fresh_ref()
    for part in ("", "1"):
        with JobReporter(log, ref, part=part) as job:
            for _ in range(2):
                for _ in job.track("abc", kind="letter"):
                    pass
            assert is_sent(job)
    assert len(list(told(log, ref))) == 12


@pytest.mark.parametrize(
    "things",
    [
        {1, 2, 3},
        {"a": 1, "b": 2, "c": 3}.keys(),
        {"a": 1, "b": 2, "c": 3}.items(),
        np.arange(3),
        range(3),
        "abc",
        frozenset("abc"),
    ],
)
def test_a_loop_knows_the_length_of_whatever_has_one(things: Any) -> None:
    log, ref = MemoryLog(), fresh_ref()
    with JobReporter(log, ref) as job:
        for _ in job.track(things):
            pass
        assert is_sent(job)
    assert {event.total for event in events_of(log, ref) if event.type == "progress"} == {3}


def test_equal_keys_are_one_item_and_that_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    log, ref = MemoryLog(), fresh_ref()
    with JobReporter(log, ref) as job, caplog.at_level(logging.WARNING):
        for _ in job.track("aabbcc", key=str):
            pass
        assert is_sent(job)
    assert [item_id for item_id, _ in told(log, ref)] == ["a", "b", "c"]
    said = [record for record in caplog.records if record.action == "equal_keys"]  # type: ignore[attr-defined]
    assert len(said) == 1


def test_an_unfit_value_is_logged_once_and_not_itself(caplog: pytest.LogCaptureFixture) -> None:
    with JobReporter(MemoryLog(), fresh_ref()) as job, caplog.at_level(logging.WARNING):
        for _ in range(10):
            job.total("a secret number")
    assert len(caplog.records) == 1
    assert "total" in caplog.text
    assert "secret" not in caplog.text


def test_what_is_too_large_is_said_to_be(caplog: pytest.LogCaptureFixture) -> None:
    with JobReporter(MemoryLog(), fresh_ref()) as job, caplog.at_level(logging.WARNING):
        job.note("long", text="x" * 5_000, self="any name may be a detail's")
        job.result("x" * 5_000)
    details, result = caplog.messages
    assert "more than 2,048 bytes of JSON as details" in details
    assert "more than 4,096 bytes of JSON as result" in result


def test_the_items_of_a_loop_bear_the_words_of_what_they_are() -> None:
    log, ref = MemoryLog(), fresh_ref()
    with JobReporter(log, ref) as job:
        for _ in job.track(["one", Path("two"), 3, {"a": 1}, UUID(int=4), object()]):
            pass
        assert is_sent(job)
    words = [label for _, label in told(log, ref)]
    assert words == ["one", "two", "3", None, str(UUID(int=4)), None]


class Unsendable(MemoryLog):
    """A log that cannot take one of the reports."""

    def append(self, ref: Any, reports: Any, **given: Any) -> Any:
        if any(getattr(report, "label", None) == "poison" for report in reports):
            raise ZeroDivisionError
        return super().append(ref, reports, **given)


def test_a_report_that_cannot_be_sent_takes_no_neighbour_along() -> None:
    log, ref = Unsendable(), fresh_ref()
    with JobReporter(log, ref) as job:
        for number in range(50):
            label = "poison" if number == 20 else "good"
            job.item_status(number, ItemStatus.SUCCEEDED, kind="thing", label=label)
        deadline = time.monotonic() + 5
        while len(list(told(log, ref))) < 49:
            assert time.monotonic() < deadline
            time.sleep(0.01)
