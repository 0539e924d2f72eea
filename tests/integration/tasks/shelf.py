"""An account with a folder of music, whose syncs run here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select

from library import account_sources, accounts, matches, playlists, songs
from library import jobs as rows
from library.models import Decision, Features, Job, LikedSong, Match, PlaylistEntry, Song
from progress.events import Snapshot
from tasks import jobs, sync
from tasks.factory import create_celery
from tasks.runtime import Runtime
from tasks.settings import Settings
from tests.permissions import open_folder

SOUND = (
    b"RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x08\0\0\0"
    + b"\0" * 8
)


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(SOUND)


def write_list(folder: Path, name: str, *entries: str) -> None:
    (folder / name).write_text("\n".join(entries))


@dataclass(frozen=True)
class Shelf:
    """An account with a folder of music, synced by tasks that run here, on a real log."""

    celery: Any
    account_id: UUID
    folder: Path

    @property
    def runtime(self) -> Runtime:
        found: Runtime = self.celery.runtime
        return found

    def sync(self, **parameters: str) -> Job:
        with self.runtime.database.session() as session:
            job, _ = rows.create(
                session, account_id=self.account_id, kind="sync", parameters=parameters
            )
        return self.do(job)

    def do(self, job: Job) -> Job:
        ref = jobs.ref_of(job)
        header = {"account": ref.account, "jobId": ref.job_id, "attempt": 0}
        self.celery.tasks[sync.NAME].apply(task_id=ref.job_id, headers={jobs.HEADER: header})
        with self.runtime.database.session() as session:
            found = rows.load(session, job_id=job.id)
        assert found is not None
        return found

    def state(self, job: Job) -> Snapshot:
        found = self.runtime.log.snapshot(jobs.ref_of(job))
        assert found is not None
        assert isinstance(found[0], Snapshot)
        return found[0]

    def confirm(self, job: Job) -> Job:
        """Start the sync that a failed one's page offers, and do it."""
        self.celery.send_task = lambda *_, **__: None
        found = jobs.confirm_loss(self.celery, account_id=self.account_id, job_id=job.id)
        assert found is not None
        return self.do(found)

    def songs(self) -> set[str]:
        with self.runtime.database.session() as session:
            return set(session.scalars(select(Song.external_id).where(Song.present)))

    def shown(self) -> dict[str, object]:
        """What pages show, and what lies behind it."""
        tables = (Song, Features, LikedSong, PlaylistEntry, Match, Decision)
        with self.runtime.database.session() as session:
            mine = {"account_id": self.account_id}
            return {
                "counts": songs.counts(session, **mine),
                "lists": [(p.name, p.size) for p in playlists.page(session, **mine)],
                "proposed": sorted(p.title for p in matches.page(session, **mine)),
                "rows": [session.scalar(select(func.count()).select_from(t)) for t in tables],
            }


@contextmanager
def a_shelf(database_url: str, redis_url: str, data: Path) -> Iterator[Shelf]:
    """A shelf with an empty folder."""
    settings = Settings.from_environ(
        {
            "DATABASE_URL": database_url,
            "EARMARK_DATA": str(data),
            "REDIS_URL": redis_url,
        }
    )
    celery = create_celery(settings)
    with open_folder() as outside:
        folder = outside / "music"
        folder.mkdir()
        with celery.runtime.database.session() as session:
            email = f"{uuid4().hex}@example.org"
            account = accounts.create(session, email=email, password_hash="-")
            account_sources.add(session, account_id=account.id, location=str(folder), name="Music")
        yield Shelf(celery, account.id, folder)
    celery.runtime.close()
    celery.close()
