"""A purge deletes old jobs with all their rows and no others, a few rows at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from library.models import ItemFailure, Job, Match
from library.retention import JobRetention, purge_jobs
from tests.integration.library.conftest import Home

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
BY_AGE = JobRetention(days=30)
BY_NUMBER = JobRetention(days=10_000, each_account=5)


def job(home: Home, *, days: float, kind: str = "sync", **values: object) -> Job:
    """A job that began and ended a number of days ago."""
    at = NOW - timedelta(days=days)
    given = {"status": "completed", "finished_at": at, "created_at": at, **values}
    made = Job(account_id=home.id, kind=kind, **given)
    home.session.add(made)
    home.session.flush()
    return made


def purge(session: Session, terms: JobRetention, *, limit: int = 100) -> list[int]:
    """Take all steps; how many rows each has changed."""
    session.flush()
    steps = []
    while changed := purge_jobs(session, now=NOW, terms=terms, limit=limit):
        steps.append(changed)
        assert len(steps) < 100
    session.expire_all()
    return steps


def left(session: Session) -> set[UUID]:
    return set(session.scalars(select(Job.id)))


def test_jobs_that_ended_long_ago_go_and_the_newest_of_each_kind_stays(
    session: Session, home: Home, make_home: Callable[[], Home]
) -> None:
    for days in (31, 40, 50):
        job(home, days=days)
    kept = {job(home, days=29).id, job(home, days=99, kind="matching").id}
    kept.add(job(home, days=60, kind="analysis", status="running", finished_at=None).id)
    kept.add(job(make_home(), days=300).id)
    assert purge(session, BY_AGE) == [3]
    assert left(session) == kept
    assert purge(session, BY_AGE) == []


def test_the_newest_jobs_of_an_account_with_too_many_stay(
    session: Session, home: Home, make_home: Callable[[], Home]
) -> None:
    made = [job(home, days=10 - n / 10) for n in range(12)]
    waits = job(home, days=20, kind="analysis", status="running", finished_at=None)
    last = job(home, days=30, kind="matching")
    other = make_home()
    others = [job(other, days=n) for n in range(5)]
    assert sum(purge(session, BY_NUMBER)) == 7
    kept = [*made[7:], waits, last, *others]
    assert left(session) == {row.id for row in kept}


def test_jobs_of_one_moment_are_told_apart(session: Session, home: Home) -> None:
    for _ in range(9):
        job(home, days=1)
    purge(session, BY_NUMBER)
    assert len(left(session)) == 5


def test_what_belongs_to_a_job_goes_and_what_it_made_stays(session: Session, home: Home) -> None:
    old, song, playlist = job(home, days=40), home.song("s"), home.playlist("p")
    retried = job(home, days=1, retry_of=old.id)
    session.add(
        Match(
            account_id=home.id,
            song_id=song.id,
            playlist_id=playlist.id,
            job_id=old.id,
            score=0.5,
            rank=1,
            reasons=[],
        )
    )
    for owner in (old, retried):
        session.add(failure(home, owner, "a"))
    purge(session, BY_AGE)
    assert left(session) == {retried.id}
    assert session.scalars(select(ItemFailure.job_id)).all() == [retried.id]
    assert session.execute(select(Match.song_id, Match.job_id)).all() == [(song.id, None)]
    assert session.scalars(select(Job.retry_of)).all() == [None]


def test_a_step_changes_no_more_rows_than_it_may(session: Session, home: Home) -> None:
    old = job(home, days=40)
    job(home, days=1)
    session.add_all(failure(home, old, str(number)) for number in range(250))
    assert purge(session, BY_AGE, limit=100) == [100, 100, 50, 1]
    assert session.scalar(select(func.count()).select_from(ItemFailure)) == 0


def failure(home: Home, owner: Job, name: str) -> ItemFailure:
    return ItemFailure(
        account_id=home.id,
        job_id=owner.id,
        item_kind="song",
        item_id=name,
        reason="It is empty.",
        failed_at=NOW,
    )
