"""What a job has done, as the database knows it: for a log that was lost with its server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from uuid import UUID

from library import features, jobs, unheard
from library.analysis import ANALYSER_VERSION
from library.database import Database
from library.features import SongToHear
from progress.events import ItemStatus
from progress.log import JobRef
from progress.reports import ItemReport, Repair

from . import analysis

#: Songs of one look at the database: between two looks no connection is held.
PAGE_SONGS = 1_000


def repair_for(database: Database, ref: JobRef) -> Repair:
    """Tells the items of a job that several processes work on, while they are read.

    The other pipelines are one process each, whose reporter remembers what it has told.
    """
    return partial(_items, database, ref)


def _items(database: Database, ref: JobRef) -> Iterator[ItemReport]:
    with database.reading() as session:
        job = jobs.load(session, job_id=UUID(ref.job_id))
    if job is None or job.kind != "analysis":
        return
    whose, version = job.account_id, ANALYSER_VERSION
    waiting = partial(features.to_analyse, account_id=whose, analyser_version=version)
    heard = partial(
        features.heard_since, account_id=whose, analyser_version=version, since=job.created_at
    )
    with database.reading() as session:
        failed = list(
            unheard.since(session, account_id=whose, analyser_version=version, since=job.created_at)
        )
    for song, reason in failed:
        label = analysis.label(song)
        yield ItemReport(str(song.id), "song", ItemStatus.FAILED, time.time(), label, error=reason)
    for status, find in ((ItemStatus.SUCCEEDED, heard), (ItemStatus.QUEUED, waiting)):
        for song in _paged(database, find):
            yield ItemReport(str(song.id), "song", status, time.time(), analysis.label(song))


def _paged(database: Database, find: Callable[..., Iterator[SongToHear]]) -> Iterator[SongToHear]:
    """The songs of a query in the order of their ids, a page after the other."""
    after: UUID | None = None
    while True:
        with database.reading() as session:
            page = list(find(session, after=after, limit=PAGE_SONGS))
        yield from page
        if len(page) < PAGE_SONGS:
            return
        after = page[-1].id
