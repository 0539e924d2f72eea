"""What a job has done, as the database knows it: for a log that was lost with its server."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from uuid import UUID

from library import features, jobs
from library.analysis import ANALYSER_VERSION
from library.database import Database
from progress.events import ItemStatus
from progress.log import JobRef
from progress.reports import ItemReport, Repair

from . import analysis


def repair_for(database: Database, ref: JobRef) -> Repair:
    """Tells the items of a job that several processes work on.

    The other pipelines are one process each, whose reporter remembers what it has told.
    """
    return partial(_items, database, ref)


def _items(database: Database, ref: JobRef) -> Iterable[ItemReport]:
    with database.session() as session:
        job = jobs.load(session, job_id=UUID(ref.job_id))
        if job is None or job.kind != "analysis":
            return []
        account_id, version = job.account_id, ANALYSER_VERSION
        heard = features.heard_since(
            session, account_id=account_id, analyser_version=version, since=job.created_at
        )
        waiting = features.to_analyse(session, account_id=account_id, analyser_version=version)
        now = time.time()
        return [
            ItemReport(str(song.id), "song", status, now, analysis.label(song))
            for status, found in ((ItemStatus.SUCCEEDED, heard), (ItemStatus.QUEUED, waiting))
            for song in found
        ]
