"""An installation without pages: a server, a database, a real worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from celery import Celery

from library import account_sources, accounts
from library.models import Job
from progress.events import Snapshot
from progress.testing import Shown, watch
from tasks import jobs
from tasks.factory import create_celery
from tasks.runtime import Runtime
from tasks.settings import Settings
from tests.integration.databases import (  # noqa: F401 - fixtures
    make_postgres,
    make_sqlite,
    make_url,
    postgres_url,
)
from tests.servers import Server
from tests.workers import worker

JOB_SECONDS = 60


@dataclass(frozen=True)
class Pipelines:
    """Jobs that a real worker does, for as many accounts as a test likes."""

    celery: Celery
    settings: Settings

    @property
    def runtime(self) -> Runtime:
        found: Runtime = self.celery.runtime
        return found

    def account(self, folder: Path | None) -> UUID:
        with self.runtime.database.session() as session:
            account = accounts.create(
                session, email=f"{uuid4().hex}@example.org", password_hash="-"
            )
            if folder is not None:
                account_sources.add(
                    session, account_id=account.id, location=str(folder), name="Music"
                )
            return account.id

    def run(self, account_id: UUID, kind: str) -> tuple[Job, Snapshot, list[Shown]]:
        """Do a job to its end; its row, its last state and what a follower was shown."""
        job = jobs.start(self.celery, account_id=account_id, kind=kind)
        return self.finish(job)

    def finish(self, job: Job) -> tuple[Job, Snapshot, list[Shown]]:
        ref = jobs.ref_of(job)
        shown = list(watch(self.runtime.log, ref, seconds=JOB_SECONDS))
        with self.runtime.database.session() as session:
            row = jobs.jobs.load(session, job_id=job.id)
        state = self.runtime.log.snapshot(ref)
        assert row is not None
        assert state is not None
        assert isinstance(state[0], Snapshot)
        return row, state[0], shown


@pytest.fixture(scope="session")
def pipelines(
    valkey_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pipelines]:
    """A real prefork worker on a database and a server of the tests' own."""
    folder = tmp_path_factory.mktemp("pipelines")
    environment = {
        "REDIS_URL": valkey_server.tcp_url,
        "EARMARK_DATA": str(folder),
        "SECRET_KEY": "for tests, and long enough",
        "EARMARK_PRIVATE_SERVERS": "yes",
        "EARMARK_MUSIC_WRITE": str(tmp_path_factory.getbasetemp()),
    }
    settings = Settings.from_environ(environment)
    celery = create_celery(settings)
    runtime: Runtime = celery.runtime
    runtime.database.migrate()
    with worker("tasks.app", folder, environment):
        yield Pipelines(celery, settings)
    runtime.close()
    celery.close()
