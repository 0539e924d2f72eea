"""Sessions: found by a token that no row holds, over when their row is."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from library import accounts, sessions
from library.database import Database
from library.models import BrowserSession, utc_now

NOW = utc_now()


@pytest.fixture
def ada(database: Database) -> UUID:
    with database.session() as session:
        return accounts.create(session, email="ada@b", password_hash="first").id


def begin(database: Database, account_id: UUID, *, password_hash: str = "first", at=NOW):
    with database.session() as session:
        return sessions.begin(
            session,
            account_id=account_id,
            password_hash=password_hash,
            user_agent="A browser\x00\x1b[31m\u202e" + "x" * 500,
            now=at,
        )


def find(database: Database, token: str, *, at=NOW):
    return database.row(sessions.SIGNED_IN, **sessions.token_values(token, now=at))


def count(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(BrowserSession))


def test_a_session_is_found_by_its_token_which_the_database_does_not_hold(
    database: Database, ada: UUID
) -> None:
    id_, token = begin(database, ada)
    row = find(database, token)
    assert (row.id, row.account_id, row.email, row.last_seen_at) == (id_, ada, "ada@b", NOW)
    with database.reading() as session:
        kept = session.get(BrowserSession, id_)
        assert token not in (kept.token_hash, kept.user_agent)
        assert kept.user_agent == ("A browser[31m" + "x" * 500)[:200]
    for guess in ("", token[:-1], token + "x", kept.token_hash, "\udcff", "a\x00"):
        assert find(database, guess) is None


def test_a_sign_in_that_a_new_password_overtook_gives_no_session(
    database: Database, ada: UUID
) -> None:
    with database.session() as session:
        accounts.set_password(session, account_id=ada, password_hash="second")
    assert begin(database, ada) is None
    assert begin(database, ada, password_hash="second") is not None


def test_a_new_password_ends_all_sessions_but_the_one_that_gave_it(
    database: Database, ada: UUID
) -> None:
    first, second = begin(database, ada), begin(database, ada)
    with database.session() as session:
        accounts.set_password(
            session, account_id=ada, password_hash="second", keep_session=second[0]
        )
    assert find(database, first[1]) is None
    assert find(database, second[1]) is not None


def test_a_session_is_over_thirty_days_after_it_was_last_seen(
    database: Database, ada: UUID
) -> None:
    id_, token = begin(database, ada)
    later = NOW + sessions.LIFE
    assert find(database, token, at=later - timedelta(seconds=1)) is not None
    assert find(database, token, at=later) is None
    with database.session() as session:
        assert sessions.of_account(session, account_id=ada, now=later) == []
        sessions.see(session, session_id=id_, now=NOW + timedelta(hours=2))
    assert find(database, token, at=later) is not None


def test_sessions_that_are_over_are_purged_in_batches_and_no_others(
    database: Database, ada: UUID
) -> None:
    for _ in range(5):
        begin(database, ada, at=NOW - sessions.LIFE)
    _, token = begin(database, ada)
    purged = []
    for _ in range(4):
        with database.session() as session:
            purged.append(sessions.purge(session, now=NOW, limit=2))
    assert purged == [2, 2, 1, 0]
    assert count(database) == 1
    assert find(database, token) is not None


def test_nobody_ends_the_session_of_another_account(database: Database, ada: UUID) -> None:
    with database.session() as session:
        bob = accounts.create(session, email="bob@b", password_hash="first").id
    id_, token = begin(database, ada)
    with database.session() as session:
        assert not sessions.end(session, account_id=bob, session_id=id_)
        assert sessions.end_all(session, account_id=bob) == 0
        assert sessions.of_account(session, account_id=bob, now=NOW) == []
    assert find(database, token) is not None
