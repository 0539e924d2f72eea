"""Purge: what a source has no longer is removed for good after its time, by the clock."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from celery import Task, shared_task

from library import gone
from library.models import utc_now

from .runtime import Runtime

NAME = "earmark.purge"
#: Mostly there is nothing to do. A clock that ran for less than a day does it, too.
EVERY = timedelta(hours=1)


@shared_task(bind=True, name=NAME, ignore_result=True)
def purge(task: Task) -> None:
    """Remove what is gone for longer than it is kept, a part at a time: others write in between."""
    runtime = cast("Runtime", task.app.runtime)
    now = utc_now()
    before = now - timedelta(days=runtime.settings.keep_gone_days)
    with runtime.database.session() as session:
        gone.settle(session, now=now)
    is_done = False
    while not is_done:
        with runtime.database.session() as session:
            is_done = gone.purge(session, before=before).is_last
