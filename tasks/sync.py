"""Sync: read the account's sources into the database, one after another.

A source that cannot be read takes nothing from the others: they are read, and the job fails at its
end with the sentence about it.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from celery import shared_task

from library import account_sources, giving_way, jobs, likes, removed_sources
from library.sources.source import SourceRow

from . import sync_source
from .base import PipelineTask
from .sources import SourceFailure, SourceRemoved, Sources
from .sync_source import LossRefused, Outcome

NAME = "earmark.sync"

#: The key in a failed job's result that holds the loss of the first source that has one.
LOSS = "loss"
#: The key of the losses of the others.
MORE_LOSSES = "moreLosses"
#: The parameter of a job that names the one loss which the person has confirmed.
CONFIRMED_LOSS = "confirmed_loss"
#: The parameter of a job that names the one source it is to read, by its id.
SOURCE = "source"


@dataclass
class _Reading:
    """What one job has read so far."""

    #: The one loss that the person has confirmed.
    confirmed: str | None
    #: How many sources there are to read.
    size: int
    done: list[Outcome] = field(default_factory=list)
    failures: list[SourceFailure] = field(default_factory=list)
    losses: list[dict[str, Any]] = field(default_factory=list)


@shared_task(bind=True, base=PipelineTask, name=NAME)
def sync(task: PipelineTask) -> None:
    """Read songs and playlists. What cannot be read fails by itself, and the job goes on.

    Raises:
        SourceFailure: a source could not be read; the others were.
    """
    parameters = _parameters(task)
    only = parameters.get(SOURCE)
    with _hiding_what_was_removed(task), task.sources() as sources:
        rows = [row for row, _ in sources.rows(UUID(only) if only else None)]
        reading = _Reading(parameters.get(CONFIRMED_LOSS), len(rows))
        for row in rows:
            task.job.plan(*sync_source.phases(_suffix(row, reading)).items())
        for row in rows:
            _read(task, sources, row, reading)
            # What a large source took lies in circles, 25 MB of 50,000 songs, which Python would
            # leave to the next source and to the next job of this process.
            gc.collect()
    _end(task, reading)


@contextmanager
def _hiding_what_was_removed(task: PipelineTask) -> Iterator[None]:
    """A block at whose end no source shows anything that its person removed meanwhile.

    Nor anything for which another song is shown.
    """
    try:
        yield
    finally:
        with task.database.session() as session:
            removed_sources.settle(session, account_id=task.account_id)
            giving_way.settle(session, account_id=task.account_id)


def _parameters(task: PipelineTask) -> Mapping[str, Any]:
    with task.database.reading() as session:
        job = jobs.load(session, job_id=UUID(task.job.ref.job_id))
        return job.parameters if job is not None else {}


def _suffix(row: SourceRow, reading: _Reading) -> str:
    """What tells a source's phases from those of the others."""
    return f" in {row.name}" if reading.size > 1 else ""


def _read(task: PipelineTask, sources: Sources, row: SourceRow, reading: _Reading) -> None:
    try:
        done = sync_source.read(
            task,
            row,
            sources.open(row.id),
            suffix=_suffix(row, reading),
            confirmed_loss=reading.confirmed,
        )
        reading.done.append(done)
    except SourceRemoved:
        return
    except SourceFailure as failure:
        if isinstance(failure, LossRefused):
            reading.losses.append(failure.loss | {"source": str(row.id), "name": row.name})
        reading.failures.append(failure)
        _note_failure(task, row, failure, is_one_of_several=reading.size > 1)


def _note_failure(
    task: PipelineTask, row: SourceRow, failure: SourceFailure, *, is_one_of_several: bool
) -> None:
    with task.database.session() as session:
        account_sources.set_failed(session, source_id=row.id, reason=failure.message)
    if not is_one_of_several:
        return  # the job itself says it
    if failure.item is not None:
        # The others are read yet, and it would be in progress for as long.
        kind, item_id, label = failure.item
        task.item_failed(item_id, kind=kind, label=label, reason=failure.message)
    task.job.add_total(1)
    task.item_failed(row.id, kind="source", label=row.name, reason=failure.message)


def _end(task: PipelineTask, reading: _Reading) -> None:
    """Keep what the job came to.

    Raises:
        SourceFailure: a source could not be read.
    """
    counts: Counter[str] = Counter()
    for done in reading.done:
        counts.update(done.counts)
    with task.database.reading() as session:
        result: dict[str, Any] = counts | {
            "liked": likes.count(session, account_id=task.account_id)
        }
    if not reading.failures:
        task.keep(
            succeeded=sum(done.succeeded for done in reading.done),
            failed=sum(done.failed for done in reading.done),
            **result,
        )
        return
    if reading.losses:
        result |= {LOSS: reading.losses[0], MORE_LOSSES: reading.losses[1:]}
    with task.database.session() as session:
        jobs.set_result(
            session,
            job_id=UUID(task.job.ref.job_id),
            attempt=task.job.attempt,
            result=result,
        )
    raise _as_one(reading.failures)


def _as_one(failures: list[SourceFailure]) -> SourceFailure:
    """One failure in the words of all."""
    if len(failures) == 1:
        return failures[0]
    return SourceFailure(" ".join(f.message for f in failures), code=failures[0].code)
