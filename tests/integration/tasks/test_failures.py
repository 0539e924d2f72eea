"""What failed in a job is kept with it, each item once; a job that ends early keeps its counts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.exc import OperationalError

from library import failures, features, gone
from library import jobs as rows
from library.analysis import ANALYSER_VERSION
from library.failures import ListedFailure
from library.models import Job, utc_now
from progress.errors import LogUnavailable
from progress.events import ItemStatus, JobStatus
from progress.lifecycle import CANCELLED, Settlement
from progress.redis import RedisLog
from progress.reporting.reporter import JobReporter
from tasks import jobs, sync, sync_source
from tasks.failures import BATCH, FailureBook
from tasks.store import DatabaseStore
from tests.integration.conftest import Pipelines
from tests.integration.library.conftest import LISTENING

FAILED = Settlement(JobStatus.FAILED, "It broke.", "broken")
EMPTY, MISSING = "The file is empty.", "names a file that is not in the folder."


def kept(pipelines: Pipelines, job: Job) -> list[ListedFailure]:
    with pipelines.runtime.database.reading() as session:
        return failures.page(session, account_id=job.account_id, job_id=job.id, limit=10_000)


@pytest.fixture
def trouble(tmp_path: Path) -> Path:
    """A folder with 250 files that cannot be read, and a playlist of 40 that are not there."""
    for number in range(250):
        (tmp_path / f"{number}.flac").touch()
    (tmp_path / "list.m3u").write_text("\n".join(f"gone {n}.flac" for n in range(40)))
    return tmp_path


def test_every_failed_item_is_kept_with_its_reason(pipelines: Pipelines, trouble: Path) -> None:
    row, snapshot, _ = pipelines.run(pipelines.account(trouble), "sync")
    found = kept(pipelines, row)
    assert snapshot.progress is not None
    assert len(found) == row.failed == snapshot.progress.failed == 290
    assert len(snapshot.failed_items) == 20
    empty = [failure for failure in found if failure.reason == EMPTY]
    assert {failure.item_id for failure in empty} == {f"{n}.flac" for n in range(250)}
    missing = [failure.label for failure in found if failure.reason.endswith(MISSING)]
    assert missing == [f"gone {n}.flac" for n in range(40)]


def test_after_a_retry_and_a_redelivery_each_item_counts_once(
    pipelines: Pipelines, trouble: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pipelines.runtime.database.session() as session:
        job, _ = rows.create(session, account_id=pipelines.account(trouble), kind="sync")
    faults = iter([OperationalError("secret", None, Exception())])
    once = gone.mark

    def locked(*arguments, **options):
        for fault in faults:
            raise fault
        return once(*arguments, **options)

    ref = jobs.ref_of(job)
    monkeypatch.setattr(sync_source.gone, "mark", locked)
    header = {"account": ref.account, "jobId": ref.job_id, "attempt": 0}
    pipelines.celery.tasks[sync.NAME].apply(task_id=ref.job_id, headers={jobs.HEADER: header})
    row, _, _ = pipelines.finish(job)
    assert (row.status, row.attempt) == ("completed", 2)
    assert len(kept(pipelines, row)) == row.failed == 290


def test_what_works_in_the_next_attempt_is_no_failure_any_more(
    pipelines: Pipelines, trouble: Path, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pipelines.runtime.database.session() as session:
        job, _ = rows.create(session, account_id=pipelines.account(trouble), kind="sync")
    good = (music / "Dance" / "Neon Street.flac").read_bytes()
    once = gone.mark

    def locked(*arguments, **options):
        if (trouble / "0.flac").stat().st_size == 0:
            (trouble / "0.flac").write_bytes(good)
            raise OperationalError("secret", None, Exception())
        return once(*arguments, **options)

    ref = jobs.ref_of(job)
    monkeypatch.setattr(sync_source.gone, "mark", locked)
    header = {"account": ref.account, "jobId": ref.job_id, "attempt": 0}
    pipelines.celery.tasks[sync.NAME].apply(task_id=ref.job_id, headers={jobs.HEADER: header})
    row, _, _ = pipelines.finish(job)
    assert len(kept(pipelines, row)) == row.failed == 289
    assert "0.flac" not in {failure.item_id for failure in kept(pipelines, row)}


def test_failures_of_a_job_that_breaks_are_kept_and_counted(
    pipelines: Pipelines, trouble: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pipelines.runtime.database.session() as session:
        job, _ = rows.create(session, account_id=pipelines.account(trouble), kind="sync")
    ref = jobs.ref_of(job)
    monkeypatch.setattr(sync_source, "read_playlists", broken)
    header = {"account": ref.account, "jobId": ref.job_id, "attempt": 0}
    pipelines.celery.tasks[sync.NAME].apply(task_id=ref.job_id, headers={jobs.HEADER: header})
    row, _, _ = pipelines.finish(job)
    assert (row.status, row.failed, row.succeeded) == ("failed", 250, 0)
    assert len(kept(pipelines, row)) == 250


def broken(*_: object) -> None:
    raise RuntimeError("secret")


class TestBook:
    @pytest.fixture
    def job(self, pipelines: Pipelines, tmp_path: Path) -> Job:
        with pipelines.runtime.database.session() as session:
            job, _ = rows.create(session, account_id=pipelines.account(tmp_path), kind="sync")
            rows.begin_attempt(session, job_id=job.id, now=utc_now())
        return job

    def book(self, pipelines: Pipelines, job: Job, clock=time.monotonic) -> FailureBook:
        return FailureBook(pipelines.runtime.database, job_id=job.id, attempt=1, clock=clock)

    def add(self, book: FailureBook, count: int) -> None:
        for number in range(count):
            book.add(number, kind="song", label=None, reason="Why")

    def test_failures_are_written_in_batches_and_when_they_have_waited(
        self, pipelines: Pipelines, job: Job
    ) -> None:
        now = [0.0]
        book = self.book(pipelines, job, clock=lambda: now[0])
        self.add(book, BATCH - 1)
        book.flush_if_due()
        assert kept(pipelines, job) == []
        book.add("last", kind="song", label=None, reason="Why")
        assert len(kept(pipelines, job)) == BATCH
        book.add("another", kind="song", label=None, reason="Why")
        now[0] = 1.0
        book.flush_if_due()
        assert len(kept(pipelines, job)) == BATCH + 1

    def test_a_database_that_is_away_at_the_end_fails_nothing(
        self, pipelines: Pipelines, job: Job, monkeypatch: pytest.MonkeyPatch, caplog
    ) -> None:
        book = self.book(pipelines, job)
        self.add(book, 3)
        with monkeypatch.context() as away:
            away.setattr(failures, "keep", raise_away)
            book.close()
        assert [r.action for r in caplog.records] == ["failures_not_kept"]  # type: ignore[attr-defined]
        book.close()
        assert len(kept(pipelines, job)) == 3

    def test_texts_of_any_length_are_kept_within_bounds(
        self, pipelines: Pipelines, job: Job
    ) -> None:
        book = self.book(pipelines, job)
        book.add("i" * 5_000, kind="k" * 5_000, label="l" * 5_000, reason="r" * 5_000)
        book.flush()
        (found,) = kept(pipelines, job)
        texts = (found.item_id, found.item_kind, found.label or "", found.reason)
        assert [len(text) for text in texts] == [200, 40, 300, 300]


def raise_away(*_: object, **__: object) -> None:
    raise OperationalError("secret", None, Exception())


@dataclass
class Halfway:
    """A job of twelve items of which seven succeeded and one failed."""

    pipelines: Pipelines
    job: Job
    store: DatabaseStore

    def end(self, settlement: Settlement) -> Job:
        assert self.store.finish(str(self.job.id), attempt=1, settlement=settlement) == settlement
        with self.pipelines.runtime.database.reading() as session:
            row = rows.load(session, job_id=self.job.id)
        assert row is not None
        return row


@pytest.fixture
def halfway(pipelines: Pipelines, music: Path) -> Halfway:
    account = pipelines.account(music)
    pipelines.run(account, "sync")
    runtime = pipelines.runtime
    with runtime.database.session() as session:
        job, _ = rows.create(session, account_id=account, kind="analysis")
    store = DatabaseStore(runtime.database, runtime.log)
    store.begin(str(job.id), attempt=0)
    with runtime.database.session() as session:
        waiting = list(
            features.to_analyse(session, account_id=account, analyser_version=ANALYSER_VERSION)
        )
        for song in waiting[:7]:
            features.save_features(
                session,
                account_id=account,
                song_id=song.id,
                content_key=song.content_key,
                listening=LISTENING,
                analyser_version=ANALYSER_VERSION,
            )
    book = FailureBook(runtime.database, job_id=job.id, attempt=1)
    book.add(waiting[7].id, kind="song", label=None, reason="Why")
    book.flush()
    with JobReporter(runtime.log, jobs.ref_of(job)) as reporter:
        reporter.status(JobStatus.RUNNING)
        reporter.total(len(waiting))
        for song in waiting[:7]:
            reporter.item_status(song.id, ItemStatus.SUCCEEDED, kind="song")
        reporter.item_status(waiting[7].id, ItemStatus.FAILED, kind="song", error="Why")
    return Halfway(pipelines, job, store)


@pytest.mark.parametrize("settlement", [CANCELLED, FAILED])
def test_a_job_that_ends_early_keeps_what_its_log_has_counted(
    halfway: Halfway, settlement: Settlement
) -> None:
    row = halfway.end(settlement)
    assert row.status == settlement.status.value
    assert (row.total, row.succeeded, row.failed) == (12, 7, 1)


@pytest.mark.parametrize("trouble", ["gone", "away"])
def test_without_its_log_the_rows_are_counted(
    halfway: Halfway, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    def snapshot(*_: object) -> None:
        if trouble == "away":
            raise LogUnavailable("The log cannot be reached.")

    monkeypatch.setattr(RedisLog, "snapshot", snapshot)
    row = halfway.end(FAILED)
    assert (row.total, row.succeeded, row.failed) == (None, 7, 1)


def test_a_job_whose_worker_was_lost_too_often_keeps_its_counts(halfway: Halfway) -> None:
    for attempt in (1, 2, 3):
        recovery = halfway.store.lost(str(halfway.job.id), attempt=attempt)
        assert recovery is not None
        if recovery.ended is None:
            halfway.store.begin(str(halfway.job.id), attempt=0)
    assert recovery.ended is not None
    assert recovery.ended.code == "worker_lost"
    row = rows_of(halfway)
    # The third attempt had done nothing that was told; what was heard before is still heard.
    assert (row.status, row.succeeded) == ("failed", 7)


def rows_of(halfway: Halfway) -> Job:
    with halfway.pipelines.runtime.database.reading() as session:
        row = rows.load(session, job_id=UUID(str(halfway.job.id)))
    assert row is not None
    return row


def test_a_job_that_is_cancelled_by_its_person_shows_how_far_it_was(
    halfway: Halfway, pipelines: Pipelines
) -> None:
    account, job_id = halfway.job.account_id, halfway.job.id
    assert jobs.cancel(pipelines.celery, account_id=account, job_id=job_id)
    row = rows_of(halfway)
    assert (row.status, row.total, row.succeeded, row.failed) == ("cancelled", 12, 7, 1)
