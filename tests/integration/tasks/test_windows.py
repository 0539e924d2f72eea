"""A job of any size is a few small messages in the queue, and another account's job passes it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from library import account_sources
from library import jobs as job_rows
from library.models import Job, Song
from progress.events import Snapshot
from tasks import jobs
from tasks.factory import create_celery
from tasks.runtime import Runtime
from tasks.settings import Settings
from tests.integration.conftest import Pipelines
from tests.servers import Server, valkey
from tests.workers import worker

PROCESSES, WINDOW = 2, 8
ARTISTS = 97
SECONDS = 60.0


@dataclass(frozen=True)
class Busy(Pipelines):
    """A worker of two processes on a server and a database of its own."""

    server: Server
    output: Path

    def library(self, count: int, folder: Path) -> UUID:
        """An account with rows of songs whose files are not there: each fails in a millisecond."""
        folder.mkdir(exist_ok=True)
        for artist in range(ARTISTS):  # a folder that is not there would count as a lost disk
            (folder / f"Artist {artist}").mkdir(exist_ok=True)
            (folder / f"Artist {artist}" / "cover.jpg").touch()
        account = self.account(folder)
        with self.runtime.database.session() as session:
            (found,) = account_sources.of_account(session, account_id=account)
            rows = [
                {
                    "id": uuid4(),
                    "account_id": account,
                    "source_id": found.id,
                    "external_id": f"Artist {number % ARTISTS}/Album/{number:06} Song.flac",
                    "title": f"Song {number}",
                    "artist": f"Artist {number % ARTISTS}",
                    "size_bytes": 1,
                    "modified_ns": "1",
                    "present": True,
                }
                for number in range(count)
            ]
            for start in range(0, count, 10_000):
                session.execute(insert(Song), rows[start : start + 10_000])
        return account

    def state(self, job: Job) -> Snapshot | None:
        known = self.runtime.log.snapshot(jobs.ref_of(job))
        return known[0] if known and isinstance(known[0], Snapshot) else None

    def done(self, job: Job) -> int:
        state = self.state(job)
        return state.progress.done if state and state.progress else 0

    def received(self) -> list[str]:
        """The tasks that the worker took from the queue, in their order."""
        lines = self.output.read_text().splitlines()
        return [line.split("Task ")[1] for line in lines if " received" in line]


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Busy]:
    with valkey() as server:
        environment = {
            "REDIS_URL": server.tcp_url,
            "EARMARK_DATA": str(tmp_path),
            "SECRET_KEY": "for tests",
            "EARMARK_WINDOW": str(WINDOW),
        }
        settings = Settings.from_environ(environment)
        celery = create_celery(settings)
        runtime: Runtime = celery.runtime
        runtime.database.migrate()
        with worker("tasks.app", tmp_path, environment):
            yield Busy(celery, settings, server, tmp_path / "worker.txt")
        runtime.close()
        celery.close()


def test_a_job_of_100_000_songs_is_a_few_small_messages(busy: Busy, tmp_path: Path) -> None:
    account = busy.library(100_000, tmp_path / "music")
    job = jobs.start(busy.celery, account_id=account, kind="analysis")
    client, largest, most, in_all = busy.runtime.log.client, 0, 0, 0
    wait_for(lambda: busy.done(job) > 0)
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        messages = [*client.lrange("celery", 0, -1), *client.hvals("unacked")]
        most = max(most, len(messages))
        largest = max([largest, *map(len, messages)])
        in_all = max(in_all, sum(map(len, messages)))
        time.sleep(0.005)
    state = busy.state(job)
    assert state is not None
    assert state.progress is not None
    assert state.progress.total == 100_000
    assert 0 < largest < 16_000
    assert in_all < 5_000_000
    assert most <= WINDOW + PROCESSES  # what has just ended is still to be acknowledged
    _find_a_lost_job(busy, tmp_path / "music", beside=job)
    assert jobs.cancel(busy.celery, account_id=account, job_id=job.id)
    row, _, _ = busy.finish(job)
    assert row.status == "cancelled"
    wait_for(lambda: client.llen("celery") == 0)  # what was sent already is taken and left undone


def _find_a_lost_job(busy: Busy, folder: Path, *, beside: Job) -> None:
    """A job whose message was never sent is found, though the queue is never empty."""
    account = busy.account(folder)
    with busy.runtime.database.session() as session:
        lost, _ = job_rows.create(session, account_id=account, kind="sync")
    row, _, _ = busy.finish(lost)
    assert row.status == "completed"
    state = busy.state(beside)
    assert state is not None
    assert state.status == "running"
    assert busy.runtime.log.client.llen("celery") > 0


def test_a_large_job_whose_folders_are_lost_begins_no_further_parts(
    busy: Busy, tmp_path: Path
) -> None:
    account = busy.library(5_000, tmp_path / "music")
    for artist in range(ARTISTS):
        shutil.rmtree(tmp_path / "music" / f"Artist {artist}")
    (tmp_path / "music" / "cover.jpg").touch()
    job = jobs.start(busy.celery, account_id=account, kind="analysis")
    row, _, _ = busy.finish(job)
    assert (row.status, row.error_code, row.failed) == ("failed", "source_incomplete", 0)
    begun = [task for task in busy.received() if task.startswith("earmark.analysis.part")]
    assert 0 < len(begun) <= WINDOW + PROCESSES


@pytest.mark.parametrize(("busy_accounts", "count"), [(1, 5_000), (20, 400)])
def test_another_s_job_waits_for_one_round_of_windows(
    busy: Busy, tmp_path: Path, busy_accounts: int, count: int
) -> None:
    owners = [busy.library(count, tmp_path / "music") for _ in range(busy_accounts)]
    large = [jobs.start(busy.celery, account_id=owner, kind="analysis") for owner in owners]
    small = busy.account(tmp_path / "music")
    wait_for(lambda: all(busy.done(job) > 0 for job in large))
    before, send = 0, busy.celery.send_task

    def note_and_send(*arguments: Any, **options: Any) -> Any:
        # Only now: the row is written first, and waits for its turn to be.
        nonlocal before
        before = len(busy.received())
        return send(*arguments, **options)

    busy.celery.send_task = note_and_send
    job = jobs.start(busy.celery, account_id=small, kind="sync")
    row, _, _ = busy.finish(job)
    assert row.status == "completed"
    after = busy.received()[before:]
    place = next(index for index, line in enumerate(after) if line.startswith("earmark.sync"))
    # In chunks, of which each process does its share: a window and two, or a round of windows.
    bound = WINDOW + 2 * PROCESSES if busy_accounts == 1 else busy_accounts * WINDOW
    assert place <= bound
    assert not all(busy.done(one) == count for one in large)
    for owner, one in zip(owners, large, strict=True):
        jobs.cancel(busy.celery, account_id=owner, job_id=one.id)
