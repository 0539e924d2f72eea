"""The failed items of a job: each once, of its present attempt, for its owner alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from library import failures, jobs
from library.failures import FailedItem
from tests.integration.library.conftest import Home

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def failed(*names: str, reason: str = "It is empty.", kind: str = "song") -> list[FailedItem]:
    return [FailedItem(name, kind, name.upper(), reason, NOW) for name in names]


@pytest.fixture
def job_id(session: Session, home: Home) -> UUID:
    job, _ = jobs.create(session, account_id=home.id, kind="sync")
    jobs.begin_attempt(session, job_id=job.id, now=NOW)
    return job.id


def names(session: Session, home: Home, job_id: UUID, **asked: object) -> list[str]:
    rows = failures.page(session, account_id=home.id, job_id=job_id, **asked)  # type: ignore[arg-type]
    return [row.item_id for row in rows]


def test_an_item_counts_once_with_its_first_reason(
    session: Session, home: Home, job_id: UUID
) -> None:
    first = failed("a", "b")
    assert failures.keep(session, job_id=job_id, attempt=1, items=first) == 2
    again = failed("b", "a", "c", reason="Another.") + failed("a", kind="playlist")
    assert failures.keep(session, job_id=job_id, attempt=1, items=again) == 2
    assert failures.count(session, account_id=home.id, job_id=job_id) == 4
    assert failures.reasons(session, account_id=home.id, job_id=job_id) == [
        ("It is empty.", 3),
        ("Another.", 1),
    ]


def test_an_item_twice_in_one_batch_counts_once(session: Session, home: Home, job_id: UUID) -> None:
    assert failures.keep(session, job_id=job_id, attempt=1, items=failed("a", "a")) == 1


def test_an_attempt_that_is_over_keeps_no_more_failures(
    session: Session, home: Home, job_id: UUID
) -> None:
    jobs.begin_attempt(session, job_id=job_id, now=NOW)
    assert failures.keep(session, job_id=job_id, attempt=1, items=failed("stale")) == 0
    assert failures.keep(session, job_id=job_id, attempt=2, items=failed("a")) == 1
    jobs.finish(session, job_id=job_id, attempt=2, status="failed", now=NOW)
    assert failures.keep(session, job_id=job_id, attempt=2, items=failed("late")) == 0
    assert names(session, home, job_id) == ["a"]


def test_failures_are_paged_in_their_order_each_once_and_by_reason(
    session: Session, home: Home, job_id: UUID
) -> None:
    for name in "hgfedcba":
        reason = "It is empty." if name in "aeg" else "It is damaged."
        items = failed(name, reason=reason)
        failures.keep(session, job_id=job_id, attempt=1, items=items)
    walked: list[failures.ListedFailure] = []
    while rows := failures.page(
        session,
        account_id=home.id,
        job_id=job_id,
        after=walked[-1].number if walked else 0,
        limit=3,
    ):
        walked += rows
    assert [row.item_id for row in walked] == list("hgfedcba")
    assert names(session, home, job_id, reason="It is empty.") == ["g", "e", "a"]
    newest = failures.newest(session, account_id=home.id, job_id=job_id, limit=2)
    assert [(row.item_id, row.label) for row in newest] == [("b", "B"), ("a", "A")]


def test_nobody_else_sees_them(
    session: Session, home: Home, make_home: Callable[[], Home], job_id: UUID
) -> None:
    failures.keep(session, job_id=job_id, attempt=1, items=failed("a"))
    other = make_home()
    asked = {"account_id": other.id, "job_id": job_id}
    assert failures.page(session, **asked) == failures.newest(session, **asked) == []
    assert (failures.count(session, **asked), failures.reasons(session, **asked)) == (0, [])
