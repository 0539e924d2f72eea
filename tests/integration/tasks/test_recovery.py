"""A pipeline comes to the same result after a passing fault or a lost message."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from library import jobs as rows
from progress.events import Snapshot, StatusEvent, parse_event
from progress.log import JobRef
from progress.redis import RedisLog
from progress.testing import entries_of
from tasks import jobs, sync, sync_source
from tests.integration.conftest import Pipelines


def test_a_row_whose_message_was_never_sent_is_sent_again(
    pipelines: Pipelines, tmp_path: Path
) -> None:
    account = pipelines.account(tmp_path)
    with pipelines.runtime.database.session() as session:
        job, _ = rows.create(session, account_id=account, kind="sync")
    jobs.send_again(pipelines.celery, jobs.ref_of(job))
    row, snapshot, _ = pipelines.finish(job)
    assert (row.status, snapshot.status) == ("completed", "completed")


def test_a_job_that_is_over_is_not_sent_again(
    pipelines: Pipelines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, _, _ = pipelines.run(pipelines.account(tmp_path), "sync")
    monkeypatch.setattr(pipelines.celery, "send_task", None)
    jobs.send_again(pipelines.celery, jobs.ref_of(row))


def test_a_locked_database_has_a_job_tried_again_and_says_so(
    pipelines: Pipelines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = pipelines.account(tmp_path)
    with pipelines.runtime.database.session() as session:
        job, _ = rows.create(session, account_id=account, kind="sync")
    ref, faults = jobs.ref_of(job), iter([OperationalError("secret", None, Exception())])

    def locked(*arguments: Any, **options: Any) -> None:
        for fault in faults:
            raise fault

    monkeypatch.setattr(sync_source.account_sources, "set_synced", locked)
    header = {"account": ref.account, "jobId": ref.job_id, "attempt": 0}
    pipelines.celery.tasks[sync.NAME].apply(task_id=ref.job_id, headers={jobs.HEADER: header})

    row, _, _ = pipelines.finish(job)
    assert (row.status, row.attempt, row.losses) == ("completed", 2, 0)
    said = [parse_event(entry.document) for entry in entries_of(pipelines.runtime.log, ref)]
    statuses = [(event.status, event.attempt) for event in said if isinstance(event, StatusEvent)]
    wanted = [("running", 1), ("retrying", 1), ("running", 2), ("completed", 2)]
    assert statuses == wanted
    assert "secret" not in str(said)


@pytest.mark.parametrize("kind", ["sync", "analysis"])
def test_a_log_that_is_lost_in_the_midst_of_a_job_has_the_right_counts_at_its_end(
    pipelines: Pipelines, music: Path, tmp_path: Path, kind: str
) -> None:
    # Reading a song takes a millisecond, hearing one a fifth of a second.
    for copy in range(60 if kind == "sync" else 4):
        shutil.copytree(music / "Dance", tmp_path / f"Copy {copy}")
        shutil.copytree(music / "Calm", tmp_path / f"Other copy {copy}")
    account = pipelines.account(tmp_path)
    if kind == "analysis":
        pipelines.run(account, "sync")
    job = jobs.start(pipelines.celery, account_id=account, kind=kind)
    ref, log = jobs.ref_of(job), pipelines.runtime.log
    _wait_until_done(log, ref, 20)
    assert log.snapshot(ref)[0].status == "running"  # type: ignore[index, union-attr]
    log.client.delete(log.key(ref, "")[:-1], log.key(ref, "state"), log.key(ref, "items"))
    row, snapshot, _ = pipelines.finish(job)
    assert row.status == snapshot.status == "completed"
    assert row.attempt == 1
    assert snapshot.progress is not None
    counts = (snapshot.progress.succeeded, snapshot.progress.failed, snapshot.progress.total)
    assert counts == (row.succeeded, row.failed, row.total)


def _wait_until_done(log: RedisLog, ref: JobRef, count: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        known = log.snapshot(ref)
        progress = known[0].progress if known and isinstance(known[0], Snapshot) else None
        if progress is not None and progress.succeeded >= count:
            return
        time.sleep(0.002)
    pytest.fail("nothing was done")
