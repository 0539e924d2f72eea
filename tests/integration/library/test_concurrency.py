"""Two writers at the same time, in threads and forked processes, on both databases."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from library import accounts, jobs
from library.database import Database, normal_url
from library.errors import EmailTaken, JobAlreadyActive
from library.models import Account, Job

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
THREADS = 8
T = TypeVar("T")


def all_at_once(work: Callable[[], T]) -> list[T]:
    """What each of several threads came to, started together."""
    gate = threading.Barrier(THREADS)

    def run() -> T:
        gate.wait()
        return work()

    with ThreadPoolExecutor(THREADS) as pool:
        return [future.result() for future in [pool.submit(run) for _ in range(THREADS)]]


@pytest.fixture
def account_id(database: Database) -> UUID:
    with database.session() as session:
        return accounts.create(session, email="a@b", password_hash="-").id


def test_of_many_that_start_a_job_one_does_and_the_others_are_told_which(
    database: Database, account_id: UUID
) -> None:
    def start() -> tuple[bool, UUID]:
        with database.session() as session:
            try:
                job, new = jobs.create(session, account_id=account_id, kind="sync")
            except JobAlreadyActive as error:
                return False, error.job_id
            return new, job.id

    found = all_at_once(start)
    assert sorted(new for new, _ in found) == [False] * (THREADS - 1) + [True]
    assert len({job_id for _, job_id in found}) == 1


def test_of_many_with_one_key_all_are_given_the_one_job(
    database: Database, account_id: UUID
) -> None:
    def start() -> tuple[bool, UUID]:
        with database.session() as session:
            job, new = jobs.create(session, account_id=account_id, kind="sync", idempotency_key="k")
            return new, job.id

    found = all_at_once(start)
    assert sum(new for new, _ in found) == 1
    assert len({job_id for _, job_id in found}) == 1


def test_of_many_that_end_a_job_one_is_told_that_it_did(
    database: Database, account_id: UUID
) -> None:
    with database.session() as session:
        job, _ = jobs.create(session, account_id=account_id, kind="sync")
    statuses = iter(("completed", "failed", "cancelled") * THREADS)

    def end() -> str | None:
        status = next(statuses)
        with database.session() as session:
            done = jobs.finish(session, job_id=job.id, attempt=0, status=status, now=NOW)
        return status if done else None

    told = [status for status in all_at_once(end) if status is not None]
    with database.session() as session:
        row = jobs.load(session, job_id=job.id)
        assert row is not None
        assert told == [row.status]


def test_attempts_that_begin_at_once_have_numbers_of_their_own(
    database: Database, account_id: UUID
) -> None:
    with database.session() as session:
        job, _ = jobs.create(session, account_id=account_id, kind="sync")

    def begin() -> int | None:
        with database.session() as session:
            return jobs.begin_attempt(session, job_id=job.id, now=NOW)

    assert sorted(all_at_once(begin)) == list(range(1, THREADS + 1))


def test_of_many_that_take_an_address_one_has_it(database: Database) -> None:
    def take() -> bool:
        with database.session() as session:
            try:
                accounts.create(session, email="new@b", password_hash="-")
            except EmailTaken:
                return False
            return True

    assert sum(all_at_once(take)) == 1


def test_transactions_that_read_first_and_write_later_wait_for_each_other(
    database: Database, account_id: UUID
) -> None:
    # With a transaction that takes its lock late, SQLite fails these at once.
    def make() -> UUID:
        with database.session() as session:
            session.scalar(select(func.count()).select_from(Job))
            session.add(Job(account_id=account_id, kind="sync", status="failed", finished_at=NOW))
            session.flush()
            return uuid4()

    assert len(set(all_at_once(make))) == THREADS
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == THREADS


def test_an_error_in_a_session_leaves_nothing_behind(database: Database) -> None:
    def fail() -> None:
        with database.session() as session:
            accounts.create(session, email="a@b", password_hash="-")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(Account)) == 0


def forked(work: Callable[[], None]) -> int:
    """The id of a forked process, which ends with 0 where it did its work."""
    with warnings.catch_warnings():
        # Python 3.12 and later warn of threads; those of this test are over.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def exit_code(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_child_has_connections_of_its_own_and_leaves_its_parents_alone(
    database: Database, account_id: UUID
) -> None:
    def connection_of(found: Database) -> object:
        with found.session() as session:
            return session.connection().connection.dbapi_connection

    inherited = connection_of(database)

    def work() -> None:
        assert connection_of(database) is not inherited
        assert connection_of(database) is connection_of(database)
        with database.session() as session:
            jobs.create(session, account_id=account_id, kind="sync")

    assert exit_code(forked(work)) == 0
    # As a sign that a child's failure is seen here: the job is active already.
    assert exit_code(forked(work)) == 1
    # The parent's connection is the same, and alive.
    assert connection_of(database) is inherited
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 1


def test_parent_and_children_write_at_the_same_time(database: Database, account_id: UUID) -> None:
    def write() -> None:
        for _ in range(20):
            with database.session() as session:
                session.add(
                    Job(account_id=account_id, kind="sync", status="failed", finished_at=NOW)
                )

    write()
    children = [forked(write) for _ in range(3)]
    write()
    assert [exit_code(child) for child in children] == [0, 0, 0]
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 100


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
        ("sqlite:////srv/my.db", "sqlite:////srv/my.db"),
    ],
)
def test_a_hosts_url_names_the_driver_that_is_there(url: str, normal: str) -> None:
    assert normal_url(url) == normal
