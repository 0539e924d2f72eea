"""Purge: deletes what is over and of no use, a batch at a time, so that nobody waits for it."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from library import sessions
from library.database import Database
from library.models import utc_now

NAME = "earmark.purge"
EVERY_SECONDS = 3600
BATCH = 500

#: For the clock. A message that no worker took before the next one is of no use.
SCHEDULE = {
    "purge": {"task": NAME, "schedule": EVERY_SECONDS, "options": {"expires": EVERY_SECONDS}}
}


@shared_task(bind=True, name=NAME, ignore_result=True)
def purge(task: Any) -> None:
    """Delete sessions that are over."""
    database: Database = task.app.runtime.database
    while _purge_batch(database) == BATCH:
        pass


def _purge_batch(database: Database) -> int:
    with database.session() as session:
        return sessions.purge(session, now=utc_now(), limit=BATCH)
