"""Matching: propose a playlist for each liked song that is in none."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from sqlalchemy.orm import Session

from library import features, matches, playlists, songs
from library.matching import Matcher, PlaylistProfile, Proposal, SongProfile
from library.profiles import playlist_profiles, song_profile
from progress.errors import JobFailure

from .base import PipelineTask

NAME = "earmark.matching"

#: Songs that are scored and written at once: to score one takes less time than to report it.
BATCH_SONGS = 50


@shared_task(bind=True, base=PipelineTask, name=NAME)
def matching(task: PipelineTask) -> None:
    """Score the liked songs that have no place yet against all playlists."""
    kept, everything, waiting = _read(task)
    if not kept:
        raise JobFailure(
            "There are no playlists to sort songs into yet. Sync your library first.",
            code="no_playlists",
        )
    task.job.total(len(waiting))
    matcher = Matcher(kept)
    matcher.fit_scales(list(everything.values()))
    proposed = 0
    for start in range(0, len(waiting), BATCH_SONGS):
        task.job.raise_if_stopped()
        proposed += _match(task, matcher, waiting[start : start + BATCH_SONGS])
    with task.database.session() as session:
        placed = everything.keys() - {UUID(profile.song_id) for profile, _ in waiting}
        _replace(task, session, {key: [] for key in placed})
    task.keep(succeeded=len(waiting), failed=0, proposed=proposed)


Waiting = list[tuple[SongProfile, str]]


def _read(task: PipelineTask) -> tuple[list[PlaylistProfile], dict[UUID, SongProfile], Waiting]:
    """The playlists, all songs, and the liked songs that are in none with their titles."""
    account_id = task.account_id
    with task.database.reading() as session:
        liked = songs.liked_ids(session, account_id=account_id)
        members = playlists.members(session, account_id=account_id)
        placed = {song for entries in members.values() for song in entries}
        profiles: dict[UUID, SongProfile] = {}
        waiting: Waiting = []
        for song in features.to_match(session, account_id=account_id):
            profiles[song.id] = profile = song_profile(song)
            if song.id in liked and song.id not in placed:
                waiting.append((profile, song.title))
    kept = [p for p in playlist_profiles(members, profiles) if p.songs]
    return kept, profiles, waiting


def _match(task: PipelineTask, matcher: Matcher, batch: Waiting) -> int:
    proposals = matcher.propose([profile for profile, _ in batch])
    found = {UUID(p.song_id): made for (p, _), made in zip(batch, proposals, strict=True)}
    with task.database.session() as session:
        _replace(task, session, found)
    for profile, title in batch:
        with task.job.item(profile.song_id, kind="match", label=title):
            pass  # written above, all together: the database first, then the report
    return sum(bool(found) for found in proposals)


def _replace(task: PipelineTask, session: Session, found: dict[UUID, list[Proposal]]) -> None:
    job_id = UUID(task.job.ref.job_id)
    matches.replace(session, account_id=task.account_id, job_id=job_id, proposals=found)
