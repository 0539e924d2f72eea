"""Matching: propose playlists for each song, and say how far that can be trusted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from celery import shared_task

from library import matches, pairs
from library.matching.trial import Trial
from library.models import utc_now
from library.proposing import Block, Proposing
from progress.errors import JobFailure

from .base import PipelineTask

NAME = "earmark.matching"

#: Clocks of web server and worker differ by less than this.
CLOCKS_APART = timedelta(minutes=1)


@shared_task(bind=True, base=PipelineTask, name=NAME)
def matching(task: PipelineTask) -> None:
    """Score every song against all playlists, those in a playlist by the others without it."""
    match(task)


def match(task: PipelineTask) -> None:
    """What the task does; the benchmark has a task of its own do it."""
    began = utc_now()
    with task.database.reading() as session:
        work = Proposing.read(session, account_id=task.account_id)
    if not work.playlists:
        raise JobFailure(
            "There are no playlists to sort songs into yet. Sync your library first.",
            code="no_playlists",
        )
    task.job.total(len(work.songs))
    task.job.note("Hiding your own songs from their playlists, to see how well they are found")
    placed = _write(task, work, work.of_placed(), done=0)
    trial = work.trial
    task.job.note(_sentence(trial))
    unplaced = _write(task, work, work.of_unplaced(), done=placed["done"])
    # The trial is told by the outcome from now on.
    task.job.note(_of_none(unplaced["none"]))
    with task.database.session() as session:
        since = began - CLOCKS_APART
        pairs.settle(session, account_id=task.account_id, since=since)
    result: dict[str, Any] = {
        "proposed": unplaced["liked"],
        "others": unplaced["other"],
        "none": unplaced["none"],
        "misplaced": placed["misplaced"],
        "model": work.weights.version,
        **_figures(trial),
    }
    task.keep(succeeded=len(work.songs), failed=0, **result)


def _write(
    task: PipelineTask, work: Proposing, blocks: Iterable[Block], *, done: int
) -> Counter[str]:
    """Write block after block, each told by one event; how many songs came to what."""
    found = Counter(done=done)
    for block in blocks:
        task.job.raise_if_stopped()
        with task.database.session() as session:
            matches.replace(
                session,
                account_id=task.account_id,
                job_id=UUID(task.job.ref.job_id),
                proposals=block.proposals,
                queues=block.queues,
                model_version=work.weights.version,
            )
        found.update(block.queues.values())
        found["none"] += sum(not proposed for proposed in block.proposals.values())
        found["done"] += len(block.proposals)
        task.job.counts(found["done"], len(work.songs))
    return found


def _figures(trial: Trial | None) -> dict[str, float]:
    if trial is None:
        return {}
    return {"asked": trial.songs, "hit1": round(trial.hit1, 3), "hit3": round(trial.hit3, 3)}


def _of_none(songs: int) -> str:
    if not songs:
        return "Each song without a playlist has a proposal"
    count = f"{songs:,} songs fit" if songs > 1 else "One song fits"
    return f"{count} none of your playlists"


def _sentence(trial: Trial | None) -> str:
    if trial is None:
        return "Your playlists have too few songs to try the matcher on"
    return (
        f"Tried on {trial.songs:,} songs of your playlists: {trial.hit1:.0%} were found first, "
        f"{trial.hit3:.0%} among the first three"
    )
