"""The books of leases and of parts in memory and in Redis give the same answers to any calls."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from progress.errors import LogUnavailable
from progress.events import JobStatus
from progress.lease import HeldLease, Lease, LeaseBook, Part
from progress.lifecycle import Settlement
from progress.log import JobRef
from progress.memory.leases import MemoryLeaseBook
from progress.memory.parts import MemoryPartBook
from progress.parts import (
    PartBook,
    Window,
    is_windowed,
    part_id,
)
from progress.redis import RedisLog
from progress.testing.parts import end, fan_out
from tests.servers import Server

REF = JobRef("an {account}", "a:job")
PART = Part(REF, "task")
FAILED = Settlement(JobStatus.FAILED, "It broke.", "broken")
OTHER = Settlement(JobStatus.CANCELLED)
RECIPE = b"{}"

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
        log.leases.take(Lease(PART, "host/1", "x", 1))
    with pytest.raises(LogUnavailable):
        log.parts.end(REF, "a", attempt=1)


class LeaseMachine(RuleBasedStateMachine):
    """The same steps in both books."""

    log: RedisLog

    def __init__(self) -> None:
        super().__init__()
        self.log.prefix = uuid4().hex
        self.books: tuple[LeaseBook, LeaseBook] = (MemoryLeaseBook(), self.log.leases)
        #: What each book was seen to hold, newest last.
        self.seen: list[tuple[HeldLease, HeldLease]] = []

    @rule(lease=LEASES, back=st.none() | st.integers(min_value=1, max_value=4))
    def take(self, lease: Lease, back: int | None) -> None:
        seen = self._seen(back)
        if seen[0] is not None and seen[0].lease.part != lease.part:
            seen = (None, None)
        one, other = (
            book.take(lease, instead_of=held) for book, held in zip(self.books, seen, strict=True)
        )
        assert (one.granted, one.tries, one.held.lease) == (
            other.granted,
            other.tries,
            other.held.lease,
        )
        self.seen.append((one.held, other.held))

    @rule(leases=st.lists(LEASES, max_size=3))
    def renew(self, leases: list[Lease]) -> None:
        one, other = (list(book.renew(leases)) for book in self.books)
        assert one == other

    @rule(lease=LEASES)
    def release(self, lease: Lease) -> None:
        for book in self.books:
            book.release(lease)

    @rule(lease=LEASES)
    def vacate(self, lease: Lease) -> None:
        for book in self.books:
            book.vacate(lease)

    @rule(back=st.integers(min_value=1, max_value=4))
    def claim(self, back: int) -> None:
        one, other = self._seen(back)
        if one is not None and other is not None:
            assert self.books[0].claim(one) == self.books[1].claim(other)

    @rule()
    def look(self) -> None:
        one, other = ({held.lease.part: held for held in book.look()} for book in self.books)
        assert {held.lease for held in one.values()} == {held.lease for held in other.values()}
        self.seen += [(one[part], other[part]) for part in one]

    def _seen(self, back: int | None) -> tuple[HeldLease | None, HeldLease | None]:
        return self.seen[-back] if back and back <= len(self.seen) else (None, None)


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
