"""A database that is away for a while costs a job time, and nothing else."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url as parsed

from library.database import normal_url
from progress.events import ItemEvent, Snapshot, StatusEvent, parse_event
from progress.testing import entries_of
from tasks import jobs
from tasks.factory import create_celery
from tasks.runtime import Runtime
from tasks.settings import Settings
from tests.integration.conftest import Pipelines
from tests.integration.databases import MakeUrl
from tests.servers import Server
from tests.workers import worker

AWAY_SECONDS = 13.0
SONGS = 40


@pytest.fixture
def on_postgres(
    make_postgres: MakeUrl, valkey_server: Server, tmp_path: Path
) -> Iterator[Pipelines]:
    environment = {
        "DATABASE_URL": make_postgres(True),
        "REDIS_URL": valkey_server.tcp_url.replace("/0", "/7"),
        "EARMARK_DATA": str(tmp_path),
        "SECRET_KEY": "for tests",
    }
    settings = Settings.from_environ(environment)
    celery = create_celery(settings)
    runtime: Runtime = celery.runtime
    with worker("tasks.app", tmp_path, environment):
        yield Pipelines(celery, settings)
    runtime.close()
    celery.close()


@contextmanager
def away(url: str) -> Iterator[None]:
    """The server ends all connections and takes no new ones."""
    folder = Path(str(parsed(normal_url(url)).query["host"]))
    door, aside = folder / ".s.PGSQL.5432", folder / "aside"
    with psycopg.connect(url, autocommit=True) as connection:
        door.rename(aside)
        try:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
            yield
        finally:
            aside.rename(door)


def test_a_database_that_is_away_for_13_seconds_fails_no_part_and_no_song(
    on_postgres: Pipelines, music: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    some = sorted(music.rglob("*.flac"))
    for number in range(SONGS):
        shutil.copy(some[number % len(some)], folder / f"{number:02}.flac")
    account = on_postgres.account(folder)
    assert on_postgres.run(account, "sync")[0].succeeded >= SONGS
    job = jobs.start(on_postgres.celery, account_id=account, kind="analysis")
    ref, log = jobs.ref_of(job), on_postgres.runtime.log
    while (known := log.snapshot(ref)) is None or _done(known[0]) < 5:
        time.sleep(0.02)
    on_postgres.runtime.database.close()
    with away(on_postgres.settings.database_url):
        time.sleep(AWAY_SECONDS)
        frozen = log.snapshot(ref)
        assert frozen is not None
        assert _done(frozen[0]) < SONGS
    row, snapshot, _ = on_postgres.finish(job)
    assert (row.status, row.attempt, row.succeeded, row.failed) == ("completed", 1, SONGS, 0)
    assert snapshot.progress is not None
    assert (snapshot.progress.succeeded, snapshot.progress.failed) == (SONGS, 0)
    events = [parse_event(entry.document) for entry in entries_of(log, ref)]
    statuses = [event.status for event in events if isinstance(event, StatusEvent)]
    assert statuses[-2:] == ["running", "completed"]
    assert "retrying" not in statuses
    assert not [e for e in events if isinstance(e, ItemEvent) and e.status == "failed"]
    # It says so in lines, and fills no disk.
    assert (tmp_path / "worker.txt").stat().st_size < 100_000


def _done(state: object) -> int:
    assert isinstance(state, Snapshot)
    return state.progress.done if state.progress else 0
