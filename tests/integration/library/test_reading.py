"""Reading waits for nobody who writes, and never writes itself; on both databases."""

from __future__ import annotations

import gc
import os
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import DBAPIError

from library import account_sources, accounts, jobs, sessions
from library.database import Database
from library.models import Account, utc_now

QUICK_SECONDS = 1.0
IDENTITY = select(Account.email).where(Account.id == bindparam("account_id"))


@pytest.fixture
def ada(database: Database) -> UUID:
    with database.session() as session:
        return accounts.create(session, email="ada@b", password_hash="-").id


def test_reading_waits_for_no_writer_and_sees_what_was_there_before_it(
    database: Database, ada: UUID
) -> None:
    began = time.monotonic()
    with database.session() as writer:
        writer.execute(text("UPDATE accounts SET email = 'new@b'"))
        with database.reading() as reader:
            found = accounts.get(reader, account_id=ada)
            assert found is not None
            assert found.email == "ada@b"
        row = database.row(IDENTITY, account_id=ada)
        assert row is not None
        assert row.email == "ada@b"
    assert time.monotonic() - began < QUICK_SECONDS
    row = database.row(IDENTITY, account_id=ada)
    assert row is not None
    assert row.email == "new@b"


def test_what_is_changed_while_reading_is_refused_and_not_written(
    database: Database, ada: UUID
) -> None:
    with (
        pytest.raises(RuntimeError, match=r"only reads: use Database\.session"),
        database.reading() as session,
    ):
        session.add(Account(email="bob@b", password_hash="-"))
    with database.reading() as session:
        assert accounts.by_email(session, email="bob@b") is None


def test_a_row_of_nobody_is_none_and_a_job_is_its_owners_alone(
    database: Database, ada: UUID
) -> None:
    assert database.row(IDENTITY, account_id=uuid4()) is None
    with database.session() as session:
        bob = accounts.create(session, email="bob@b", password_hash="-").id
        job, _ = jobs.create(session, account_id=ada, kind="sync")
        tokens = {
            account_id: sessions.begin(
                session, account_id=account_id, password_hash="-", user_agent="", now=utc_now()
            )[1]
            for account_id in (ada, bob)
        }
    held = {who: sessions.token_values(token, now=utc_now()) for who, token in tokens.items()}
    assert database.row(jobs.OWN_AND_SESSION, **held[ada], job_id=job.id).account_id == ada
    assert database.row(jobs.OWN_AND_SESSION, **held[bob], job_id=job.id) is None
    assert database.row(jobs.OWN_AND_SESSION, **held[ada], job_id=uuid4()) is None
    assert database.row(sessions.SIGNED_IN, **held[bob]).account_id == bob


def test_after_rows_were_read_a_writer_begins_as_ever(database: Database, ada: UUID) -> None:
    for _ in range(20):
        database.row(IDENTITY, account_id=ada)
    with database.session() as session:
        if database.url.startswith("sqlite"):
            connection = session.connection().connection.dbapi_connection
            assert connection is not None
            assert connection.in_transaction
        account_sources.add(session, account_id=ada, location="/music", name="Music")
    with database.reading() as session:
        assert account_sources.of_account(session, account_id=ada) != []


def test_a_connection_that_broke_between_two_rows_is_made_anew(
    database: Database, ada: UUID
) -> None:
    assert database.row(IDENTITY, account_id=ada) is not None
    for kept in database._kept:
        kept.connection.driver_connection.close()
    assert database.row(IDENTITY, account_id=ada) is not None
    assert len(database._kept) == 1


def test_a_row_that_cannot_be_read_says_why_and_holds_no_connection(
    database: Database, ada: UUID
) -> None:
    with database.session() as session:
        session.execute(text("ALTER TABLE accounts RENAME TO others"))
    for _ in range(30):
        with pytest.raises(DBAPIError, match="accounts"):
            database.row(IDENTITY, account_id=ada)
    assert database.engine.pool.checkedout() == 0


def test_many_threads_read_rows_of_their_own_and_few_connections_are_kept(
    database: Database, ada: UUID
) -> None:
    with database.session() as session:
        bob = accounts.create(session, email="bob@b", password_hash="-").id
    emails = {ada: "ada@b", bob: "bob@b"}

    def read(number: int) -> bool:
        account = (ada, bob)[number % 2]
        return database.row(IDENTITY, account_id=account).email == emails[account]

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(read, range(600)))
    assert len(database._kept) <= 4


def test_a_forked_child_leaves_its_parents_connection_alone(database: Database, ada: UUID) -> None:
    database.row(IDENTITY, account_id=ada)
    # No name holds it: a child that forgets it would close it.
    kept = id(database._kept[0])
    child = os.fork()
    if child == 0:
        found = database.row(IDENTITY, account_id=ada)
        gc.collect()
        os._exit(0 if found is not None and id(database._kept[0]) != kept else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert database.row(IDENTITY, account_id=ada) is not None
    assert [id(connection) for connection in database._kept] == [kept]


def test_of_a_closed_database_no_connection_is_left(database: Database, ada: UUID) -> None:
    database.row(IDENTITY, account_id=ada)
    pool = database.engine.pool
    database.close()
    assert pool.checkedout() == 0
