"""Threads that take turns answer every request, and no request waits for a slow one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from web.turns import Turns

WAIT_SECONDS = 10


@pytest.fixture
def turns() -> Iterator[Turns]:
    turns = Turns(3)
    yield turns
    turns.shutdown()


def test_every_submitted_call_is_done_and_answered(turns: Turns) -> None:
    futures = [turns.submit(pow, number, 2) for number in range(500)]
    turns.settle()
    assert [future.result(WAIT_SECONDS) for future in futures] == [n * n for n in range(500)]


def test_an_error_is_its_callers_and_ends_no_thread(turns: Turns) -> None:
    for _ in range(10):
        with pytest.raises(ZeroDivisionError):
            turns.submit(lambda: 1 / 0).result(WAIT_SECONDS)
    assert turns.submit(pow, 2, 2).result(WAIT_SECONDS) == 4


def test_quick_calls_are_made_by_one_thread_at_a_time(turns: Turns) -> None:
    at_work, most = [0], [0]

    def work() -> None:
        at_work[0] += 1
        most[0] = max(most[0], at_work[0])
        at_work[0] -= 1

    for future in [turns.submit(work) for _ in range(200)]:
        future.result(WAIT_SECONDS)
    assert most == [1]


def test_as_many_as_there_are_threads_may_be_slow_at_once(turns: Turns) -> None:
    met = threading.Barrier(3)
    futures = [turns.submit(met.wait, WAIT_SECONDS) for _ in range(3)]
    settle(turns)
    assert sorted(future.result(WAIT_SECONDS) for future in futures) == [0, 1, 2]


def test_a_slow_call_holds_up_only_itself(turns: Turns) -> None:
    go = threading.Event()
    slow = [turns.submit(go.wait, WAIT_SECONDS) for _ in range(2)]
    for _ in range(20):
        quick = turns.submit(pow, 2, 2)
        settle(turns)
        assert quick.result(WAIT_SECONDS) == 4
    go.set()
    assert all(future.result(WAIT_SECONDS) for future in slow)


def test_a_call_that_waits_while_all_threads_are_slow_goes_to_the_first_free_one(
    turns: Turns,
) -> None:
    events = [threading.Event() for _ in range(3)]
    slow = [turns.submit(event.wait, WAIT_SECONDS) for event in events]
    settle(turns)
    last = turns.submit(pow, 2, 2)
    # The one whose turn it is not, and nobody settles any more.
    events[0].set()
    assert last.result(WAIT_SECONDS) == 4
    for event, future in zip(events, slow, strict=True):
        event.set()
        assert future.result(WAIT_SECONDS)


def test_queued_calls_are_done_before_the_end() -> None:
    turns = Turns(2)
    go = threading.Event()
    futures = [turns.submit(go.wait, WAIT_SECONDS), *(turns.submit(pow, 2, 2) for _ in range(9))]
    turns.shutdown(wait=False)
    assert [future.result(WAIT_SECONDS) for future in futures[1:]] == [4] * 9
    go.set()
    turns.shutdown()
    assert futures[0].result(WAIT_SECONDS)


def settle(turns: Turns) -> None:
    """As a worker's loop does, again and again."""
    for _ in range(5):
        turns.settle()
        time.sleep(0)
