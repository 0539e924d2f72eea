"""Sync: read the account's music library into the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from uuid import UUID

from celery import shared_task

from library import playlists, songs
from library.errors import SourceUnavailable
from library.sources.folder import Contents, FolderSource, SongIndex
from library.sources.records import PlaylistRecord
from progress.errors import JobFailure

from .base import PipelineTask

NAME = "earmark.sync"


@dataclass
class _Tally:
    """What one sync came to."""

    succeeded: int = 0
    failed: int = 0
    read: list[str] = field(default_factory=list)
    playlists: list[PlaylistRecord] = field(default_factory=list)


@shared_task(bind=True, base=PipelineTask, name=NAME)
def sync(task: PipelineTask) -> None:
    """Read songs and playlists. What cannot be read fails by itself, and the job goes on."""
    source_id, folder = task.source()
    try:
        contents = folder.scan()
    except SourceUnavailable as error:
        raise JobFailure(str(error), code="source_unavailable") from error
    task.job.plan(("songs", 8.0), ("playlists", 1.0), ("liked songs", 1.0))
    tally = _Tally()
    _read_songs(task, source_id, folder, contents, tally)
    with task.database.session() as session:
        gone = songs.mark_gone(session, source_id=source_id, present=tally.read)
    _read_playlists(task, source_id, folder, contents, tally)
    liked = _read_liked(task, source_id, tally)
    task.keep(
        succeeded=tally.succeeded,
        failed=tally.failed,
        songs=len(tally.read),
        playlists=sum(not playlist.is_liked for playlist in tally.playlists),
        liked=liked,
        gone=gone,
    )


def _read_songs(
    task: PipelineTask, source_id: UUID, folder: FolderSource, contents: Contents, tally: _Tally
) -> None:
    job, account_id = task.job, task.account_id
    count = len(contents.songs)
    with job.phase("songs", total=count):
        for index, name in enumerate(contents.songs, 1):
            label = PurePosixPath(name).stem
            tally.failed += 1
            with task.item(name, kind="song", label=label, index=index, count=count):
                record = folder.read_song(name)
                with task.database.session() as session:
                    songs.save(session, account_id=account_id, source_id=source_id, record=record)
                tally.read.append(name)
                tally.succeeded += 1
                tally.failed -= 1


def _read_playlists(
    task: PipelineTask, source_id: UUID, folder: FolderSource, contents: Contents, tally: _Tally
) -> None:
    job = task.job
    index = SongIndex(tally.read)
    with task.database.session() as session:
        ids = songs.ids_by_external(session, source_id=source_id)
    with job.phase("playlists", total=len(contents.playlists)):
        for name in contents.playlists:
            tally.failed += 1
            with task.item(name, kind="playlist", label=PurePosixPath(name).stem):
                record = folder.read_playlist(name, index)
                if not record.is_liked:
                    _save_playlist(task, source_id, record, ids)
                tally.playlists.append(record)
                tally.succeeded += 1
                tally.failed -= 1
            if tally.playlists and tally.playlists[-1].external_id == name:
                tally.failed += _report_missing(task, tally.playlists[-1])
    with task.database.session() as session:
        kept = [playlist.external_id for playlist in tally.playlists if not playlist.is_liked]
        playlists.remove_others(session, source_id=source_id, present=kept)


def _save_playlist(
    task: PipelineTask, source_id: UUID, record: PlaylistRecord, ids: dict[str, UUID]
) -> None:
    with task.database.session() as session:
        playlists.save(
            session,
            account_id=task.account_id,
            source_id=source_id,
            external_id=record.external_id,
            name=record.name,
            song_ids=[ids[song] for song in record.songs if song in ids],
        )


def _report_missing(task: PipelineTask, record: PlaylistRecord) -> int:
    """Say which entries of a playlist name files that are not there."""
    missing = tuple(dict.fromkeys(record.missing))
    if missing:
        task.job.add_total(len(missing))
    for entry in missing:
        task.item_failed(
            f"{record.external_id}\n{entry}",
            kind="song",
            label=PurePosixPath(entry).name or entry,
            reason=f"The playlist “{record.name}” names a file that is not in the folder.",
        )
    return len(missing)


def _read_liked(task: PipelineTask, source_id: UUID, tally: _Tally) -> int:
    names = {song for record in tally.playlists if record.is_liked for song in record.songs}
    with task.job.phase("liked songs"), task.database.session() as session:
        ids = songs.ids_by_external(session, source_id=source_id)
        wanted = [ids[name] for name in sorted(names) if name in ids]
        songs.set_liked(session, account_id=task.account_id, song_ids=wanted)
        return len(wanted)
