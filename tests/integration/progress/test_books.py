"""Leases and open parts: kept in memory and in Redis, to the same answers whatever is asked."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from progress.errors import LogUnavailable
from progress.events import JobStatus
from progress.lease import Lease, LeaseBook, Part
from progress.lifecycle import Settlement
from progress.log import JobRef
from progress.memory import MemoryLog
from progress.memory.leases import MemoryLeaseBook
from progress.memory.parts import MemoryPartBook
from progress.parts import (
    Next,
    PartBook,
    Standing,
    Window,
    is_windowed,
    part_id,
)
from progress.redis import RedisLog
from tests.servers import Server

REF = JobRef("an {account}", "a:job")
PART = Part(REF, "task")
FAILED = Settlement(JobStatus.FAILED, "It broke.", "broken")
OTHER = Settlement(JobStatus.CANCELLED)
RECIPE = b"{}"

#: A lease of no length has run out at once; the other outlives every test.
SECONDS = st.sampled_from([0.0, 60.0])
PARTS = st.sampled_from([PART, Part(REF, "other"), Part(JobRef("an {account}", "b"), "task")])
PROCESSES = st.sampled_from(["host/1", "host/2"])
LEASES = st.builds(
    Lease, PARTS, PROCESSES, st.sampled_from(["", "x", "y"]), st.integers(min_value=0, max_value=3)
)
ATTEMPTS = st.integers(min_value=1, max_value=3)
NUMBERS = st.one_of(st.none(), st.integers(min_value=0, max_value=6))
TASKS = st.one_of(
    st.sampled_from(["a", "b", "root"]),
    st.builds(lambda number, attempt: part_id(REF, number, attempt=attempt), NUMBERS, ATTEMPTS),
)
WINDOWS = st.builds(
    lambda parts, size, closes: Window(parts, size, closes, b"closes" if closes else b"ends"),
    st.integers(min_value=0, max_value=6),
    st.integers(min_value=1, max_value=4),
    st.booleans(),
)


@pytest.fixture(params=["memory", "redis"])
def log(request: pytest.FixtureRequest, valkey_server: Server) -> Iterator[MemoryLog | RedisLog]:
    if request.param == "memory":
        yield MemoryLog()
        return
    log = RedisLog(valkey_server.url, prefix=uuid4().hex)
    yield log
    log.close()


def lease(process: str = "host/1", execution: str = "x", attempt: int = 1) -> Lease:
    return Lease(PART, process, execution, attempt)


def test_a_part_that_is_held_is_refused_and_says_for_how_long(log: MemoryLog | RedisLog) -> None:
    book = log.leases
    assert book.take(lease(), seconds=60).granted
    refused = book.take(lease("host/2", "y"), seconds=60)
    assert not refused.granted
    assert 50 < refused.left_seconds <= 60
    assert book.held() == {REF}
    book.release(lease("host/2", "y"))
    assert not book.take(lease("host/2", "y"), seconds=60).granted
    book.release(lease())
    assert book.held() == frozenset()
    assert book.take(lease("host/2", "y"), seconds=60).tries == 1


def test_a_lease_that_ran_out_is_given_to_one_reaper(log: MemoryLog | RedisLog) -> None:
    book = log.leases
    book.take(lease(), seconds=0)
    assert list(book.expired(claim_seconds=60)) == [lease()]
    assert list(book.expired(claim_seconds=60)) == []


def test_each_execution_that_was_lost_counts_until_one_ends_well(
    log: MemoryLog | RedisLog,
) -> None:
    book = log.leases
    for number in (1, 2, 3):
        mine = lease(f"host/{number}", str(number))
        assert book.take(mine, seconds=60).tries == number
        book.vacate(mine, seconds=60)
    book.take(lease("host/4", "4"), seconds=60)
    book.release(lease("host/4", "4"))
    assert book.take(lease("host/5", "5"), seconds=60).tries == 1


def test_a_process_renews_its_own_and_hears_of_what_was_lost(log: MemoryLog | RedisLog) -> None:
    book = log.leases
    book.take(lease(), seconds=0)
    assert list(book.renew([lease("host/2")], seconds=60)) == []
    assert list(book.expired(claim_seconds=0)) == [lease()]
    assert list(book.renew([lease("host/1", "")], seconds=60)) == []
    assert list(book.expired(claim_seconds=0)) == []
    unknown = Lease(Part(REF, "unheard of"), "host/1")
    assert list(book.renew([lease(), unknown], seconds=60)) == [unknown]


def test_the_last_part_to_end_finds_none_open_and_the_first_failure(
    log: MemoryLog | RedisLog,
) -> None:
    book = log.parts
    book.open(REF, "root", attempt=1)
    for task in ("a", "b"):
        book.announce(REF, task, attempt=1)
    assert book.end(REF, "root", attempt=1).open == 2
    assert book.end(REF, "a", attempt=1, outcome=FAILED).open == 1
    last = book.end(REF, "b", attempt=1, outcome=OTHER)
    assert last.is_last
    assert last.outcome == FAILED


def test_a_book_that_was_lost_never_says_that_a_part_was_the_last(
    log: MemoryLog | RedisLog,
) -> None:
    book = log.parts
    book.announce(REF, "sent after the loss", attempt=2)
    standing = book.end(REF, "sent after the loss", attempt=2)
    assert standing.open is None
    assert not standing.is_last


def test_the_end_of_a_part_of_an_older_attempt_ends_nothing(log: MemoryLog | RedisLog) -> None:
    book = log.parts
    book.open(REF, "root", attempt=1)
    book.open(REF, "root", attempt=2)
    assert book.end(REF, "root", attempt=1).is_stale
    assert not book.end(REF, "root", attempt=1).is_last
    assert book.end(REF, "root", attempt=2).is_last


def test_a_part_of_an_attempt_that_has_not_begun_holds_nothing_open(
    log: MemoryLog | RedisLog,
) -> None:
    book = log.parts
    book.open(REF, "root", attempt=1)
    book.announce(REF, "ahead", attempt=2)
    assert book.end(REF, "root", attempt=1).is_last


def fan_out(book: PartBook, *, parts: int, size: int, closes: bool = True) -> None:
    """A job whose first task has fanned out, sent the first parts, and ended."""
    window = Window(parts, size, closes, RECIPE)
    book.open(REF, REF.job_id, attempt=1)
    assert book.fan_out(REF, window, attempt=1)
    assert book.end(REF, REF.job_id, attempt=1).next is None


def end(book: PartBook, number: int | None, outcome: Settlement | None = None) -> Standing:
    task_id = part_id(REF, number, attempt=1)
    return book.end(REF, task_id, attempt=1, outcome=outcome)


def test_each_part_that_ends_is_followed_by_the_one_a_window_later(
    log: MemoryLog | RedisLog,
) -> None:
    book, sent = log.parts, [0, 1, 2]
    fan_out(book, parts=7, size=3)
    for number in sent:
        standing = end(book, number)
        assert standing.open is not None
        assert standing.open <= 3
        if standing.next is not None and standing.next.number is not None:
            assert standing.next.recipe == RECIPE
            sent.append(standing.next.number)
            book.sent(REF, standing.next.number, attempt=1)
    assert sent == list(range(7))
    assert standing.next == Next(None, RECIPE)
    assert standing.open == 1
    assert end(book, None).is_last


def test_of_two_last_parts_that_end_together_one_opens_the_closing_part(
    log: MemoryLog | RedisLog,
) -> None:
    book = log.parts
    fan_out(book, parts=2, size=2)
    with ThreadPoolExecutor(2) as pool:
        standings = list(pool.map(lambda number: end(book, number), (0, 1)))
    assert sorted(standing.open or 0 for standing in standings) == [1, 1]
    assert [standing.next for standing in standings].count(Next(None, RECIPE)) == 1
    assert not any(standing.is_last for standing in standings)
    assert end(book, None).is_last


def test_what_follows_is_told_again_until_it_is_sent(log: MemoryLog | RedisLog) -> None:
    book = log.parts
    fan_out(book, parts=2, size=1)
    assert end(book, 0).next == end(book, 0).next == Next(1, RECIPE)
    assert end(book, 0).open == 1
    book.sent(REF, 1, attempt=1)
    assert end(book, 0).next is None
    assert end(book, 1).next == end(book, 1).next == Next(None, RECIPE)
    book.sent(REF, None, attempt=1)
    assert end(book, 1).next is None
    assert end(book, None).is_last


def test_a_part_that_has_run_is_not_sent_again_though_its_sending_was_never_noted(
    log: MemoryLog | RedisLog,
) -> None:
    book = log.parts
    fan_out(book, parts=4, size=1)
    end(book, 0)
    end(book, 1)
    assert end(book, 0).next is None


def test_a_part_that_failed_is_followed_and_the_closing_part_is_not_opened(
    log: MemoryLog | RedisLog,
) -> None:
    book = log.parts
    fan_out(book, parts=2, size=1)
    assert end(book, 0, FAILED).next == Next(1, RECIPE)
    last = end(book, 1)
    assert (last.is_last, last.next, last.outcome) == (True, None, FAILED)


def test_nothing_follows_in_a_job_that_was_cancelled(log: MemoryLog | RedisLog) -> None:
    book = log.parts
    fan_out(book, parts=9, size=2)
    assert end(book, 0, OTHER).next is None
    last = end(book, 1)
    assert (last.is_last, last.next, last.outcome) == (True, None, OTHER)


def test_parts_of_an_older_attempt_are_followed_by_nothing(log: MemoryLog | RedisLog) -> None:
    book = log.parts
    fan_out(book, parts=9, size=2)
    book.open(REF, REF.job_id, attempt=2)
    assert end(book, 0).is_stale
    assert end(book, 0).next is None
    book.sent(REF, 8, attempt=1)
    assert book.fan_out(REF, Window(9, 2, True, RECIPE), attempt=1) is None
    assert book.fan_out(REF, Window(9, 2, True, RECIPE), attempt=2)


def test_an_attempt_fans_out_once_and_the_same_again_changes_nothing(
    log: MemoryLog | RedisLog,
) -> None:
    book, window = log.parts, Window(3, 2, True, RECIPE)
    book.open(REF, REF.job_id, attempt=1)
    assert book.fan_out(REF, window, attempt=1)
    assert book.fan_out(REF, window, attempt=1)
    assert book.fan_out(REF, Window(4, 2, True, RECIPE), attempt=1) is False
    assert end(book, 0).open == 3


def test_a_fan_out_of_nothing_goes_on_with_its_closing_part(log: MemoryLog | RedisLog) -> None:
    book = log.parts
    book.open(REF, REF.job_id, attempt=1)
    assert book.fan_out(REF, Window(0, 2, True, RECIPE), attempt=1)
    assert book.end(REF, REF.job_id, attempt=1).next == Next(None, RECIPE)


def test_a_job_of_any_size_keeps_a_book_as_large_as_its_window(valkey_server: Server) -> None:
    log = RedisLog(valkey_server.url, prefix=uuid4().hex)
    fan_out(log.parts, parts=2_000, size=8)
    sizes = set()
    for number in range(1_992):
        following = end(log.parts, number).next
        assert following is not None
        log.parts.sent(REF, following.number, attempt=1)
        keys = (log.key(REF, "open"), log.key(REF, "parts"))
        sizes.add((log.client.scard(keys[0]), log.client.hlen(keys[1])))
    assert sizes == {(8, 14)}
    log.close()


def test_a_set_that_was_evicted_is_not_taken_for_one_that_is_empty(valkey_server: Server) -> None:
    log = RedisLog(valkey_server.url, prefix=uuid4().hex)
    fan_out(log.parts, parts=4, size=2)
    log.client.delete(log.key(REF, "open"))
    assert log.parts.is_open(REF, part_id(REF, 0, attempt=1), attempt=1) is None
    followed = []
    for number in range(4):
        standing = end(log.parts, number)
        assert standing.open is None
        assert not standing.is_last
        followed.append(standing.next.number if standing.next else None)
    assert followed == [2, 3, None, None]
    log.close()


def test_an_attempt_that_an_older_version_began_is_ended_by_its_set(valkey_server: Server) -> None:
    log = RedisLog(valkey_server.url, prefix=uuid4().hex)
    log.client.hset(log.key(REF, "parts"), "attempt", 1)
    log.client.sadd(log.key(REF, "open"), "root", "a")
    assert log.parts.end(REF, "root", attempt=1).open == 1
    assert log.parts.end(REF, "a", attempt=1).is_last
    log.close()


@pytest.mark.parametrize(
    "task_id", ["17", "#17", "a:job.1", "a:job.1.x", "a:job.0.1", "a:job.1.01", "b.a:job.1.1"]
)
def test_no_other_task_is_taken_for_a_part_of_a_window(task_id: str) -> None:
    assert not is_windowed(REF, task_id)


def test_a_server_that_is_gone_is_told_as_one_error() -> None:
    log = RedisLog("redis://127.0.0.1:1/0")
    with pytest.raises(LogUnavailable):
        log.leases.take(lease(), seconds=1)
    with pytest.raises(LogUnavailable):
        log.parts.end(REF, "a", attempt=1)


class LeaseMachine(RuleBasedStateMachine):
    """The same steps in both books."""

    log: RedisLog

    def __init__(self) -> None:
        super().__init__()
        self.log.prefix = uuid4().hex
        self.books: tuple[LeaseBook, LeaseBook] = (MemoryLeaseBook(), self.log.leases)

    @rule(lease=LEASES, seconds=SECONDS)
    def take(self, lease: Lease, seconds: float) -> None:
        one, other = (book.take(lease, seconds=seconds) for book in self.books)
        assert (one.granted, one.tries) == (other.granted, other.tries)
        assert abs(one.left_seconds - other.left_seconds) < 5

    @rule(leases=st.lists(LEASES, max_size=3), seconds=SECONDS)
    def renew(self, leases: list[Lease], seconds: float) -> None:
        one, other = (list(book.renew(leases, seconds=seconds)) for book in self.books)
        assert one == other

    @rule(lease=LEASES)
    def release(self, lease: Lease) -> None:
        for book in self.books:
            book.release(lease)

    @rule(lease=LEASES, seconds=SECONDS)
    def vacate(self, lease: Lease, seconds: float) -> None:
        for book in self.books:
            book.vacate(lease, seconds=seconds)

    @rule(claim_seconds=SECONDS)
    def reap(self, claim_seconds: float) -> None:
        one, other = (set(book.expired(claim_seconds=claim_seconds)) for book in self.books)
        assert one == other

    @rule()
    def look(self) -> None:
        one, other = (book.held() for book in self.books)
        assert one == other


class PartMachine(RuleBasedStateMachine):
    """The same steps in both books."""

    log: RedisLog

    def __init__(self) -> None:
        super().__init__()
        self.log.prefix = uuid4().hex
        self.books: tuple[PartBook, PartBook] = (MemoryPartBook(), self.log.parts)

    @rule(task=TASKS, attempt=ATTEMPTS)
    def open(self, task: str, attempt: int) -> None:
        for book in self.books:
            book.open(REF, task, attempt=attempt)

    @rule(task=TASKS, attempt=ATTEMPTS)
    def announce(self, task: str, attempt: int) -> None:
        for book in self.books:
            book.announce(REF, task, attempt=attempt)

    @rule(window=WINDOWS, attempt=ATTEMPTS)
    def fan_out(self, window: Window, attempt: int) -> None:
        one, other = (book.fan_out(REF, window, attempt=attempt) for book in self.books)
        assert one == other

    @rule(number=NUMBERS, attempt=ATTEMPTS)
    def sent(self, number: int | None, attempt: int) -> None:
        for book in self.books:
            book.sent(REF, number, attempt=attempt)

    @rule(task=TASKS, attempt=ATTEMPTS)
    def look(self, task: str, attempt: int) -> None:
        one, other = (book.is_open(REF, task, attempt=attempt) for book in self.books)
        assert one == other

    @rule(
        task=TASKS,
        attempt=st.integers(min_value=0, max_value=3),
        outcome=st.sampled_from([None, None, None, FAILED, OTHER]),
    )
    def end(self, task: str, attempt: int, outcome: Settlement | None) -> None:
        one, other = (book.end(REF, task, attempt=attempt, outcome=outcome) for book in self.books)
        assert one == other


@pytest.mark.parametrize("machine", [LeaseMachine, PartMachine])
def test_both_books_answer_alike_to_any_steps(
    machine: type[LeaseMachine | PartMachine], valkey_server: Server
) -> None:
    machine.log = RedisLog(valkey_server.url)
    try:
        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            machine, settings=settings(max_examples=120, deadline=None, stateful_step_count=30)
        )
    finally:
        machine.log.close()
