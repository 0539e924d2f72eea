"""Write back: accepted songs put into the playlists' own lists, or what was put in taken out again.

What is to be done stands in rows that were made before the job: all that a person has looked at,
and nothing else. Each list is carried through by `library.writeback.acts`.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any, cast
from uuid import UUID

from celery import shared_task

from library import jobs, write_backs
from library.models import WriteBack
from library.writeback.acts import Act, SongOutcome
from library.writeback.errors import NotWritable
from progress.errors import JobFailure
from progress.events import ItemStatus

from .base import PipelineTask
from .runtime import Runtime
from .writers import Writers

NAME = "earmark.write_back"

#: The parameters of a job: the act whose lists are to be written, or the one write-back to undo.
BATCH, UNDO = "batch", "undo"

#: How the states of a song are told as items.
_TOLD = {"written": ItemStatus.SUCCEEDED, "already": ItemStatus.SUCCEEDED}
_NOT_REACHED = "The list could not be written."


@shared_task(bind=True, base=PipelineTask, name=NAME)
def write_back(task: PipelineTask) -> None:
    """Write some lists, or put one back. One that cannot be written fails by itself."""
    parameters = _parameters(task)
    mine = parameters.get(UNDO) or parameters.get(BATCH)
    if mine is not None:
        _settle_others(task, UUID(mine))
    if UNDO in parameters:
        _undo(task, UUID(parameters[UNDO]))
    elif BATCH in parameters:
        _write(task, UUID(parameters[BATCH]))
    else:
        raise _nothing()


def _parameters(task: PipelineTask) -> dict[str, Any]:
    with task.database.reading() as session:
        job = jobs.load(session, job_id=UUID(task.job.ref.job_id))
        return job.parameters if job is not None else {}


def _settle_others(task: PipelineTask, mine: UUID) -> None:
    """Find out what became of lists that a job which is over did not end with.

    No job but this one is at the account's lists now.
    """
    with task.database.reading() as session:
        rows = write_backs.unsettled(session, account_id=task.account_id, but=mine)
    writers = _writers(task)
    for row in rows:
        if row.id != mine:
            with suppress(NotWritable):
                _act(task, writers, row).settle()


def _nothing() -> JobFailure:
    return JobFailure(
        "There is nothing to write: look at what would be written first.", code="nothing_to_write"
    )


def _write(task: PipelineTask, batch_id: UUID) -> None:
    mine = {"account_id": task.account_id}
    with task.database.reading() as session:
        rows = write_backs.of_batch(session, **mine, batch_id=batch_id)
        sizes = {
            row.id: len(write_backs.songs(session, **mine, write_back_id=row.id)) for row in rows
        }
    if not rows:
        raise _nothing()
    total = len(rows) + sum(sizes.values())
    task.job.total(total)
    task.job.queue(((row.id, row.playlist_name) for row in rows), kind="playlist")
    writers, found = _writers(task), Counter[str]()
    for index, row in enumerate(rows, 1):
        task.job.raise_if_stopped()
        found.update(_write_list(task, writers, row, index, len(rows)))
    failed = found["failed"] + found["refused"]
    task.keep(
        succeeded=total - failed,
        failed=failed,
        written=found["written"],
        already=found["already"],
        lists=found["lists"],
    )


def _write_list(
    task: PipelineTask, writers: Writers, row: WriteBack, index: int, count: int
) -> Counter[str]:
    """Write one list; how many of its songs came to what, and whether it was written."""
    found: Counter[str] = Counter()
    label = row.playlist_name
    with task.item(row.id, kind="playlist", label=label, index=index, count=count) as item:
        act = None
        try:
            act = _act(task, writers, row)
            act.write()
        except NotWritable as error:
            item.fail(str(error))
        for song in act.songs() if act is not None else ():
            found[_tell(task, row, song, has_failed=item.error is not None)] += 1
    found["failed" if item.error is not None else "lists"] += 1
    return found


def _tell(task: PipelineTask, row: WriteBack, song: SongOutcome, *, has_failed: bool) -> str:
    """Report what came of a song."""
    key = f"{row.id}/{song.identity}"
    if not has_failed and (status := _TOLD.get(song.state)) is not None:
        task.job.item_status(key, status, kind="song", label=song.label)
        return song.state
    reason = song.reason or _NOT_REACHED
    task.item_failed(key, kind="song", label=song.label, reason=reason)
    return "refused"


def _undo(task: PipelineTask, write_back_id: UUID) -> None:
    mine = {"account_id": task.account_id, "write_back_id": write_back_id}
    with task.database.reading() as session:
        row = write_backs.get(session, **mine)
    if row is None:
        raise _nothing()
    task.job.total(1)
    with task.item(row.id, kind="playlist", label=row.playlist_name, index=1, count=1) as item:
        try:
            _act(task, _writers(task), row).undo()
        except NotWritable as error:
            item.fail(str(error))
    failed = int(item.error is not None)
    task.keep(succeeded=1 - failed, failed=failed, written=0, undone=1 - failed)


def _writers(task: PipelineTask) -> Writers:
    return Writers(task.database, cast("Runtime", task.app.runtime).settings, task.account_id)


def _act(task: PipelineTask, writers: Writers, row: WriteBack) -> Act:
    try:
        writer = writers.of(row.source_id)
    except NotWritable as error:
        with task.database.session() as session:
            write_backs.set_state(
                session,
                account_id=task.account_id,
                write_back_id=row.id,
                state="failed" if row.state in ("planned", "failed") else row.state,
                reason=str(error),
            )
        raise
    return Act(task.database.session, writer, task.account_id, row.id)
