"""Analysis: listen to every song that was not heard yet, in chunks over all workers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

from celery import chord, shared_task

from library import songs
from library.analysis import ANALYSER_VERSION, analyse
from library.errors import UnreadableFile
from library.songs import SongToHear
from library.sources.folder import FolderSource
from progress.events import ItemStatus

from .base import PipelineTask

logger = logging.getLogger(__name__)

NAME = "earmark.analysis"

#: Songs a worker takes at once: long enough to outweigh the message, short enough to share out
#: evenly and to lose little when a worker is lost.
CHUNK_SONGS = 8


@shared_task(bind=True, base=PipelineTask, name=NAME)
def analysis(task: PipelineTask) -> None:
    """Find the songs to hear and share them out; `finish_analysis` takes this task's place."""
    heard, waiting = _songs(task)
    task.job.total(len(heard) + len(waiting))
    for song in heard:  # by an earlier attempt of this job
        task.job.item_status(song.id, ItemStatus.SUCCEEDED, kind="song", label=label(song))
    if not waiting:
        task.keep(succeeded=len(heard), failed=0, heard=len(heard))
        return
    task.job.queue(((song.id, label(song)) for song in waiting), kind="song")
    task.job.flush()
    ids = [str(song.id) for song in waiting]
    chunks = [ids[start : start + CHUNK_SONGS] for start in range(0, len(ids), CHUNK_SONGS)]
    task.replace(chord([analyse_chunk.s(chunk) for chunk in chunks], finish_analysis.si(ids)))


def _songs(task: PipelineTask) -> tuple[list[SongToHear], list[SongToHear]]:
    """What this job has heard, and what is to be heard."""
    account_id, since = task.account_id, task.begun_at
    with task.database.reading() as session:
        heard = songs.heard_since(
            session, account_id=account_id, analyser_version=ANALYSER_VERSION, since=since
        )
        waiting = songs.to_analyse(
            session, account_id=account_id, analyser_version=ANALYSER_VERSION
        )
        return list(heard), list(waiting)


@shared_task(bind=True, base=PipelineTask, name=f"{NAME}.chunk")
def analyse_chunk(task: PipelineTask, song_ids: Sequence[str]) -> None:
    """Listen to some songs. Never raises for a song: the job waits for every chunk."""
    _, folder = task.source()
    wanted = [UUID(song_id) for song_id in song_ids]
    with task.database.session() as session:
        found = songs.by_ids(session, account_id=task.account_id, song_ids=wanted)
    for song in found:
        with task.item(song.id, kind="song", label=label(song)) as item:
            try:
                _listen(task, folder, song)
            except UnreadableFile:
                raise
            except Exception:
                logger.exception(
                    "Song %s could not be heard.", song.id, extra={"action": "listening_failed"}
                )
                item.fail("Something went wrong while listening to this song.")
    task.failures.flush()


def _listen(task: PipelineTask, folder: FolderSource, song: SongToHear) -> None:
    listening = analyse(folder.path(song.external_id))
    with task.database.session() as session:
        songs.save_features(
            session,
            account_id=task.account_id,
            song_id=song.id,
            content_key=song.content_key,
            listening=listening,
            analyser_version=ANALYSER_VERSION,
        )


def label(song: SongToHear) -> str:
    """A song as it is named beside its progress."""
    return f"{song.artist} – {song.title}" if song.artist else song.title


@shared_task(bind=True, base=PipelineTask, name=f"{NAME}.finish")
def finish_analysis(task: PipelineTask, song_ids: Sequence[str]) -> None:
    """Count what was heard, when all chunks are done."""
    wanted = {UUID(song_id) for song_id in song_ids}
    heard, left = _songs(task)
    failed = sum(song.id in wanted for song in left)
    task.keep(succeeded=len(heard), failed=failed, heard=len(heard))
