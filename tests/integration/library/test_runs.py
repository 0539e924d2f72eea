"""How a job went is kept in its row, once, and read by its account alone."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from sqlalchemy import inspect

from library import jobs, runs
from library.database import Database
from tests.integration.library.conftest import Home

RUN = {"jobId": "a", "rows": [{"name": "Höre 🎧"}] * 300, "points": []}


def test_what_is_kept_first_stays_and_another_account_reads_nothing(
    make_home: Callable[[], Home],
) -> None:
    home, other_home = make_home(), make_home()
    job, _ = jobs.create(home.session, account_id=home.id, kind="sync")
    assert runs.of_job(home.session, account_id=home.id, job_id=job.id) is None
    runs.keep(home.session, job_id=job.id, run=RUN)
    runs.keep(home.session, job_id=job.id, run={"jobId": "later"})
    assert runs.of_job(home.session, account_id=home.id, job_id=job.id) == RUN
    assert runs.of_job(home.session, account_id=other_home.id, job_id=job.id) is None
    assert runs.of_job(home.session, account_id=home.id, job_id=uuid4()) is None


def test_a_list_of_jobs_does_not_read_how_they_went(home: Home, database: Database) -> None:
    job, _ = jobs.create(home.session, account_id=home.id, kind="sync")
    runs.keep(home.session, job_id=job.id, run=RUN)
    home.session.commit()
    with database.reading() as session:
        found = jobs.load(session, job_id=job.id)
        assert "run" in inspect(found).unloaded
