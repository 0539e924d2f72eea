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
from library.models import WriteBack, WrittenSong
from library.write_backs import UNDOABLE
from library.writeback.acts import Act
from library.writeback.errors import NotWritable
from progress.errors import JobFailure
from progress.events import ItemStatus

from .base import PipelineTask
from .runtime import Runtime
from .writers import Writers

NAME = "earmark.write_back"

#: The parameters of a job, one of which it has: the act whose lists are to be written, the one
#: write-back to undo, the act whose lists are all to be put back.
BATCH, UNDO, UNDO_BATCH = "batch", "undo", "undo_batch"

#: How the states of a song are told as items.
_TOLD = {"written": ItemStatus.SUCCEEDED, "already": ItemStatus.SUCCEEDED}
_NOT_REACHED = "The list could not be written."


@shared_task(bind=True, base=PipelineTask, name=NAME)
def write_back(task: PipelineTask) -> None:
    """Write some lists, or put one back. One that cannot be written fails by itself."""
    parameters = _parameters(task)
    _settle_others(task, {str(value) for value in parameters.values()})
    if BATCH in parameters:
        _write(task, UUID(parameters[BATCH]))
    elif UNDO in parameters or UNDO_BATCH in parameters:
        _undo(task, _to_undo(task, parameters))
    else:
        raise _nothing()


def _parameters(task: PipelineTask) -> dict[str, Any]:
    with task.database.reading() as session:
        job = jobs.load(session, job_id=UUID(task.job.ref.job_id))
        return job.parameters if job is not None else {}


def _settle_others(task: PipelineTask, mine: set[str]) -> None:
    """Find out what became of lists that a job which is over did not end with.

    No job but this one, whose ids are `mine`, is at the account's lists now.
    """
    with task.database.reading() as session:
        rows = write_backs.unsettled(session, account_id=task.account_id)
    writers = _writers(task)
    for row in rows:
        if not mine & {str(row.id), str(row.batch_id)}:
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
    label, mine = row.playlist_name, {"account_id": task.account_id}
    with task.item(row.id, kind="playlist", label=label, index=index, count=count) as item:
        try:
            _act(task, writers, row).write()
        except NotWritable as error:
            item.fail(str(error))
        with task.database.reading() as session:
            songs = write_backs.songs(session, **mine, write_back_id=row.id)
        for song in songs:
            found[_tell(task, song, has_failed=item.error is not None)] += 1
    found["failed" if item.error is not None else "lists"] += 1
    return found


def _tell(task: PipelineTask, song: WrittenSong, *, has_failed: bool) -> str:
    """Report what came of a song."""
    key = f"{song.write_back_id}/{song.song_identity}"
    if not has_failed and (status := _TOLD.get(song.state)) is not None:
        task.job.item_status(key, status, kind="song", label=song.label)
        return song.state
    reason = song.reason or _NOT_REACHED
    task.item_failed(key, kind="song", label=song.label, reason=reason)
    return "refused"


def _undo(task: PipelineTask, rows: list[WriteBack]) -> None:
    """Put lists back. One that cannot be put back fails by itself."""
    if not rows:
        raise _nothing()
    task.job.total(len(rows))
    task.job.queue(((row.id, row.playlist_name) for row in rows), kind="playlist")
    writers, failed = _writers(task), 0
    for index, row in enumerate(rows, 1):
        task.job.raise_if_stopped()
        label = row.playlist_name
        with task.item(row.id, kind="playlist", label=label, index=index, count=len(rows)) as item:
            try:
                _act(task, writers, row).undo()
            except NotWritable as error:
                item.fail(str(error))
        failed += item.error is not None
    undone = len(rows) - failed
    task.keep(succeeded=undone, failed=failed, written=0, undone=undone)


def _to_undo(task: PipelineTask, parameters: dict[str, Any]) -> list[WriteBack]:
    """The lists that a job is to put back; those that an attempt before has put back among them."""
    mine = {"account_id": task.account_id}
    with task.database.reading() as session:
        if UNDO_BATCH in parameters:
            rows = write_backs.of_batch(session, **mine, batch_id=UUID(parameters[UNDO_BATCH]))
            return [row for row in rows if row.state in (*UNDOABLE, "undone")]
        row = write_backs.get(session, **mine, write_back_id=UUID(parameters[UNDO]))
        return [row] if row is not None else []


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
