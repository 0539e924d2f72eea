"""Analysis: listen to every song that was not heard yet, in parts of a few songs on all workers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from uuid import UUID

from celery import shared_task
from sqlalchemy.orm import Session

from library import failures, features, parts, unheard
from library.analysis import ANALYSER_VERSION, analyse
from library.errors import UnhearableFile, UnreadableFile
from library.features import SongToHear
from library.sources.folder import FolderSource
from progress.errors import JobFailure
from progress.events import ItemStatus

from .base import PipelineTask, failing_with_the_source, reading

logger = logging.getLogger(__name__)

NAME = "earmark.analysis"

#: Songs of one part: enough to outweigh the message, few enough to share out evenly and to lose
#: little when a worker is lost.
CHUNK_SONGS = 8


@shared_task(bind=True, base=PipelineTask, name=NAME)
def analysis(task: PipelineTask) -> None:
    """Find the songs to hear and share them out over parts, of which a few are in the queue."""
    heard, lasts, waiting = _share_out(task)
    if waiting:
        _require(task.source()[1])
    task.job.total(heard + waiting)
    task.job.flush()
    task.fan_out(analyse_part.s(), parts=len(lasts), window=task.window, then=finish_analysis.si())


def _share_out(task: PipelineTask) -> tuple[int, list[UUID], int]:
    """Number of songs this job has heard, last song id of each part, number of songs left."""
    account_id, since, waiting = task.account_id, task.begun_at, 0

    def ids(session: Session) -> Iterator[UUID]:
        nonlocal waiting
        for song in features.to_analyse(
            session, account_id=account_id, analyser_version=ANALYSER_VERSION
        ):
            waiting += 1
            yield song.id

    with task.database.reading() as session:
        heard = 0
        for song in features.heard_since(
            session, account_id=account_id, analyser_version=ANALYSER_VERSION, since=since
        ):  # by an earlier attempt of this job
            heard += 1
            _tell_heard(task, song)
        lasts = parts.lasts(ids(session), size=CHUNK_SONGS)
    with task.database.session() as session:
        job_id = UUID(task.job.ref.job_id)
        parts.plan(
            session, account_id=account_id, job_id=job_id, attempt=task.job.attempt, lasts=lasts
        )
    return heard, lasts, waiting


@shared_task(bind=True, base=PipelineTask, name=f"{NAME}.part")
def analyse_part(task: PipelineTask, number: int) -> None:
    """Listen to the songs of one part. Never raises for a song: the job waits for every part.

    Raises:
        JobFailure: the folder that they are in went away.
    """
    _, folder = task.source()
    heard, unheard_before, waiting = _songs_of(task, number)
    for song in heard:  # by an execution that was lost before it could say so
        _tell_heard(task, song)
    for song, reason in unheard_before:
        task.item_failed(song.id, kind="song", label=label(song), reason=reason)
    task.job.queue(((song.id, label(song)) for song in waiting), kind="song")
    if waiting:
        # Its disk may have gone since the parts were shared out: no song fails for that.
        _require(folder)
    for song in waiting:
        with task.item(song.id, kind="song", label=label(song)) as item:
            try:
                with reading(folder, song.external_id):
                    _listen(task, folder, song)
            except UnhearableFile as error:
                _remember(task, song, error.reason)
                raise
            except (UnreadableFile, JobFailure, *task.autoretry_for):
                raise  # of a file, of the folder, or for the part to be tried again with this song
            except Exception:
                logger.exception(
                    "Song %s could not be heard.", song.id, extra={"action": "listening_failed"}
                )
                item.fail("Something went wrong while listening to this song.")
    task.failures.flush()


def _require(folder: FolderSource) -> None:
    with failing_with_the_source():
        folder.check()


def _songs_of(
    task: PipelineTask, number: int
) -> tuple[list[SongToHear], list[tuple[SongToHear, str]], list[SongToHear]]:
    """The songs of a part that this job has heard, those that it could not, and those left."""
    job_id, account_id, since = UUID(task.job.ref.job_id), task.account_id, task.begun_at
    with task.database.reading() as session:
        span = parts.span(session, job_id=job_id, attempt=task.job.attempt, number=number)
        if span is None:
            return [], [], []
        of_part = {"account_id": account_id, "analyser_version": ANALYSER_VERSION, **span._asdict()}
        heard = features.heard_since(session, since=since, **of_part)
        failed = unheard.since(session, since=since, **of_part)
        return list(heard), list(failed), list(features.to_analyse(session, **of_part))


def _tell_heard(task: PipelineTask, song: SongToHear) -> None:
    task.job.item_status(song.id, ItemStatus.SUCCEEDED, kind="song", label=label(song))


def _listen(task: PipelineTask, folder: FolderSource, song: SongToHear) -> None:
    listening = analyse(folder.path(song.external_id))
    with task.database.session() as session:
        features.save_features(
            session,
            account_id=task.account_id,
            song_id=song.id,
            content_key=song.content_key,
            listening=listening,
            analyser_version=ANALYSER_VERSION,
        )


def _remember(task: PipelineTask, song: SongToHear, reason: str) -> None:
    with task.database.session() as session:
        unheard.remember(
            session,
            account_id=task.account_id,
            song=song,
            analyser_version=ANALYSER_VERSION,
            reason=reason,
        )


def label(song: SongToHear) -> str:
    """A song as it is named beside its progress."""
    return f"{song.artist} – {song.title}" if song.artist else song.title


@shared_task(bind=True, base=PipelineTask, name=f"{NAME}.finish")
def finish_analysis(task: PipelineTask) -> None:
    """Count what was heard, when all parts are done."""
    job_id, account_id, since = UUID(task.job.ref.job_id), task.account_id, task.begun_at
    with task.database.reading() as session:
        found = features.heard_since(
            session, account_id=account_id, analyser_version=ANALYSER_VERSION, since=since
        )
        heard = sum(1 for _ in found)
        failed = failures.count(session, account_id=account_id, job_id=job_id)
    task.keep(succeeded=heard, failed=failed, heard=heard)
