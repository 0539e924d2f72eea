"""How a job of Earmark went is in its row once it has ended, for when its log is gone."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from library import jobs as rows
from library import runs
from library.models import Job
from progress.errors import LogUnavailable
from progress.lifecycle import COMPLETED
from progress.redis import RedisLog
from progress.run import Run
from tasks import jobs
from tasks.store import DatabaseStore
from tests.integration.conftest import Pipelines


def kept(pipelines: Pipelines, job: Job) -> Run | None:
    with pipelines.runtime.database.reading() as session:
        found = runs.of_job(session, account_id=job.account_id, job_id=job.id)
    return None if found is None else Run.model_validate(found)


def test_a_job_that_ends_keeps_what_its_log_tells(pipelines: Pipelines, tmp_path: Path) -> None:
    (tmp_path / "silent.flac").touch()
    job, _, _ = pipelines.run(pipelines.account(tmp_path), "sync")
    run, told = kept(pipelines, job), pipelines.runtime.log.run(jobs.ref_of(job))
    assert run is not None
    assert told is not None
    assert run.status == told.status == job.status
    assert [(row.kind, row.name, row.status) for row in run.rows] == [
        (row.kind, row.name, row.status) for row in told.rows
    ]
    assert {row.kind for row in run.rows} >= {"attempt", "phase"}
    assert all(row.end is not None for row in run.rows)
    assert run.sent_at is not None
    assert run.finished_at is not None
    # The log is told of the end after the row.
    assert abs((run.finished_at - told.finished_at).total_seconds()) < 5


def test_a_job_ends_where_its_log_cannot_be_asked(
    pipelines: Pipelines, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id: UUID = pipelines.account(None)
    with pipelines.runtime.database.session() as session:
        job, _ = rows.create(session, account_id=account_id, kind="sync")

    def is_gone(*_: object) -> None:
        raise LogUnavailable("It is gone.")

    log: RedisLog = pipelines.runtime.log
    monkeypatch.setattr(log, "run", is_gone)
    store = DatabaseStore(pipelines.runtime.database, log)
    assert store.finish(str(job.id), attempt=0, settlement=COMPLETED) == COMPLETED
    assert kept(pipelines, job) is None
