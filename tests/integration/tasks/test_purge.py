"""A real worker deletes old rows, as the clock asks for it."""

from __future__ import annotations

from datetime import timedelta

from library import sessions
from library.models import BrowserSession, Job, utc_now
from tasks import purge
from tests.acceptance.installation import wait_for
from tests.integration.conftest import Pipelines


def test_the_clock_has_sessions_that_are_over_deleted(pipelines: Pipelines) -> None:
    now = utc_now()
    ada = pipelines.account(None)
    ages = [timedelta(0), *[sessions.LIFE + timedelta(days=1)] * (2 * purge.BATCH + 1)]
    with pipelines.runtime.database.session() as session:
        session.add_all(
            BrowserSession(account_id=ada, token_hash=f"{ada}{n}", last_seen_at=now - age)
            for n, age in enumerate(ages)
        )
    (entry,) = pipelines.celery.conf.beat_schedule.values()
    pipelines.celery.send_task(entry["task"], **entry["options"])

    def left() -> int:
        with pipelines.runtime.database.reading() as session:
            return session.query(BrowserSession).filter_by(account_id=ada).count()

    wait_for("the purge", lambda: left() == 1, seconds=30)


def test_the_clock_has_old_jobs_deleted_and_a_run_ends_in_its_time(pipelines: Pipelines) -> None:
    now = utc_now()
    ada = pipelines.account(None)
    long_ago = now - timedelta(days=pipelines.settings.job_retention.days + 1)
    with pipelines.runtime.database.session() as session:
        session.add_all(
            Job(account_id=ada, kind="sync", status="failed", created_at=at, finished_at=at)
            for at in [now, *(long_ago - timedelta(seconds=n) for n in range(120))]
        )
    (entry,) = pipelines.celery.conf.beat_schedule.values()
    pipelines.celery.send_task(entry["task"], **entry["options"])

    def left() -> int:
        with pipelines.runtime.database.reading() as session:
            return session.query(Job).filter_by(account_id=ada).count()

    wait_for("the purge", lambda: left() == 1, seconds=30)
    taken: list[int] = []
    purge.run_steps(pipelines.runtime.database, lambda _: taken.append(1) or 1, seconds=0.05)
    assert taken
