"""Purge: deletes what is over and of no use, a batch at a time, so that nobody waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from celery import shared_task
from sqlalchemy.orm import Session

from library import account_sources, gone, invites, retention, sessions, write_backs
from library.database import Database
from library.models import utc_now
from library.sources.exports import source as export
from library.sources.exports.storage import ExportStore
from library.writeback.backups import Backups

from .runtime import Runtime

NAME = "earmark.purge"
EVERY_SECONDS = 3600
BATCH = 500

#: A run ends after this long; the next goes on where it stopped.
MOST_SECONDS = 60.0

#: How often the clock asks. A message that no worker took before the next one expires.
SCHEDULE = {
    "purge": {"task": NAME, "schedule": EVERY_SECONDS, "options": {"expires": EVERY_SECONDS}}
}

#: Deletes some of what is over; how many rows it changed, and 0 when there is nothing left.
Step = Callable[[Session], int]


@shared_task(bind=True, name=NAME, ignore_result=True)
def purge(task: Any) -> None:
    """Delete what is over: sessions, invites, jobs, write-backs, songs and playlists gone."""
    runtime: Runtime = task.app.runtime
    terms = runtime.settings.job_retention
    before = utc_now() - timedelta(days=runtime.settings.keep_gone_days)
    run_steps(
        runtime.database,
        lambda session: sessions.purge(session, now=utc_now(), limit=BATCH),
        lambda session: invites.purge(session, now=utc_now(), limit=BATCH),
        lambda session: retention.purge_jobs(session, now=utc_now(), terms=terms, limit=BATCH),
        lambda session: gone.settle(session, now=utc_now()),
        lambda session: gone.purge_songs(session, before=before, limit=BATCH),
        lambda session: gone.purge_playlists(session, before=before, limit=BATCH),
        lambda session: purge_write_backs(session, runtime.settings.data_dir, before),
        lambda session: _sweep_exports(session, runtime.settings.data_dir),
    )


def purge_write_backs(session: Session, data_dir: Path, before: datetime) -> int:
    """Forget what was written before a time, and the lists as they were before that."""
    over = write_backs.purge(session, before=before, limit=BATCH)
    for account_id, key in over:
        Backups(data_dir, account_id).forget(key)
    return len(over)


def _sweep_exports(session: Session, data_dir: Path) -> int:
    """Delete the files of exports whose sources are removed, and of accounts that are no more."""
    rows = account_sources.of_kind(session, kind=export.NAME)
    return ExportStore(data_dir).sweep([export.upload_of(row) for row in rows])


def run_steps(database: Database, *steps: Step, seconds: float = MOST_SECONDS) -> None:
    """Take each step again until it changes nothing, each time in a transaction of its own."""
    over_at = time.monotonic() + seconds
    for step in steps:
        while time.monotonic() < over_at:
            with database.session() as session:
                changed = step(session)
            if not changed:
                break
