"""Counts under any interleaving: never negative, never past the total, never going back."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from progress.events import ItemStatus, JobStatus
from progress.reports import (
    CountsReport,
    ItemReport,
    PhaseReport,
    Report,
    StatusReport,
    TotalReport,
)
from progress.rules.state import JobState

AT = 1_790_000_000.0
COUNTS = st.integers(min_value=0, max_value=12)
ITEMS = st.builds(
    ItemReport,
    st.sampled_from("abcdef"),
    st.just("thing"),
    st.sampled_from(list(ItemStatus)),
    st.just(AT),
    *[st.none()] * 4,
)
PHASES = st.builds(
    PhaseReport,
    st.just("a phase"),
    st.just(AT),
    st.integers(min_value=1, max_value=4),
    st.just(4),
    st.floats(min_value=0, max_value=3),
    st.floats(min_value=0, max_value=3),
    st.just(3.0),
    st.one_of(st.none(), COUNTS),
)
REPORTS: st.SearchStrategy[Report] = st.one_of(
    ITEMS,
    ITEMS,
    PHASES,
    st.builds(TotalReport, COUNTS, st.just(AT)),
    st.builds(CountsReport, COUNTS, st.just(AT), st.one_of(st.none(), COUNTS)),
    st.builds(StatusReport, st.just(JobStatus.RUNNING), st.just(AT)),
)
#: Batches, each with whether a new attempt begins with it and how much time went by.
BATCHES = st.lists(
    st.tuples(st.lists(REPORTS, max_size=5), st.booleans(), st.floats(-10, 10)), max_size=15
)


def progress_of(state: JobState, batches: list[Any]) -> list[dict[str, Any]]:
    """Every progress event that batches come to."""
    found, attempt, now = [], 1, AT
    for reports, is_new_attempt, seconds in batches:
        attempt += is_new_attempt
        now += seconds
        documents = map(json.loads, state.apply(reports, attempt=attempt, now_us=round(now * 1e6)))
        found += [document for document in documents if document["type"] == "progress"]
    return found


@given(BATCHES)
def test_counts_stay_within_bounds_and_go_back_only_at_a_new_attempt(batches: list[Any]) -> None:
    last: dict[str, Any] | None = None
    for event in progress_of(JobState("job"), batches):
        assert min(event["done"], event["succeeded"], event["failed"]) >= 0
        assert event["succeeded"] + event["failed"] <= event["done"]
        if event["total"] is not None:
            assert event["done"] <= event["total"]
        if last is not None and last["attempt"] == event["attempt"]:
            for name in ("done", "succeeded", "failed"):
                assert event[name] >= last[name]
            assert (event["total"] or 0) >= (last["total"] or 0)
            assert (event["fraction"] or 0) >= (last["fraction"] or 0)
        if last is not None:
            assert event["succeeded"] >= last["succeeded"]
        last = event


@given(BATCHES)
def test_a_fraction_is_one_only_when_all_is_over(batches: list[Any]) -> None:
    state = JobState("job")
    for event in progress_of(state, batches):
        assert event["fraction"] is None or 0 <= event["fraction"] <= 1
        assert event.get("perSecond", 0) >= 0
        assert event.get("etaSeconds", 0) >= 0
    ended = state.apply(
        [StatusReport(JobStatus.COMPLETED, AT)], attempt=state.attempt, now_us=round(AT * 1e6)
    )
    for event in map(json.loads, ended):
        if event["type"] == "progress" and event["done"] == event["total"]:
            assert event["fraction"] == 1


def test_a_job_that_ends_short_of_its_total_shows_so() -> None:
    state = JobState("job")
    nine = [ItemReport(str(n), "song", ItemStatus.SUCCEEDED, AT) for n in range(9)]
    completed = StatusReport(JobStatus.COMPLETED, AT)
    documents = state.apply([TotalReport(10, AT), *nine, completed], attempt=1, now_us=1)
    last = json.loads(documents[-2])
    assert (last["done"], last["total"], last["fraction"]) == (9, 10, 0.9)


@given(st.lists(REPORTS, max_size=12), st.data())
def test_reports_that_come_twice_and_in_any_place_count_once(
    reports: list[Report], data: st.DataObject
) -> None:
    items = [report for report in reports if isinstance(report, ItemReport)]
    ends = [item for item in items if item.status.is_end]
    shuffled = data.draw(st.permutations(ends + ends))
    state = JobState("job")
    state.apply(shuffled, attempt=1, now_us=round(AT * 1e6))
    assert state.done == len({item.item_id for item in ends})


def test_a_rate_is_of_whole_microseconds() -> None:
    # In seconds since 1970 a float would make it 600.001, and a server 600.
    state, began_us = JobState("j"), 1_790_000_000_000_000
    state.apply([CountsReport(0, AT)], attempt=1, now_us=began_us)
    ended = [CountsReport(6, AT), StatusReport(JobStatus.COMPLETED, AT)]
    progress, _ = map(json.loads, state.apply(ended, attempt=1, now_us=began_us + 10_000))
    assert progress["perSecond"] == 600.0
