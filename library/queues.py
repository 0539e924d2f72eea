"""Queues: where songs wait, found anew after what is proposed or decided has changed."""

from __future__ import annotations

from collections.abc import Collection
from itertools import groupby
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from .models import Decision, LikedSong, Match, Playlist, PlaylistEntry, Song


def requeue(
    session: Session,
    *,
    account_id: UUID,
    song_ids: Collection[UUID],
    put_off: Collection[UUID] = (),
) -> None:
    """Have songs wait by their best proposals; `put_off`, and what was so before, for later."""
    of_songs = Match.account_id == account_id, Match.song_id.in_(song_ids)
    in_order = (Match.song_id, Match.score.desc(), Match.rank)
    found = session.scalars(select(Match).where(*of_songs).order_by(*in_order)).all()
    queues = _queues(session, account_id, song_ids)
    for song_id, of_song in groupby(found, key=lambda match: match.song_id):
        ranked = list(of_song)
        queue = queues.get(song_id)
        if queue and (song_id in put_off or any(match.queue == "later" for match in ranked)):
            queue = "later"
        for rank, match in enumerate(ranked, 1):
            match.rank, match.queue = rank, queue if rank == 1 else None
    session.flush()


def _queues(session: Session, account_id: UUID, song_ids: Collection[UUID]) -> dict[UUID, str]:
    """Where songs wait by themselves; those that are in a playlist or accepted for one do not."""
    of_song = Decision.song_identity == Song.identity
    accepted = exists().where(
        Decision.account_id == Song.account_id, of_song, Decision.verdict == "accepted",
        Decision.undone_at.is_(None),
    )  # fmt: skip
    in_one = exists().where(
        PlaylistEntry.song_id == Song.id, PlaylistEntry.playlist_id == Playlist.id,
        Playlist.gone_at.is_(None),
    )  # fmt: skip
    liked = exists().where(LikedSong.account_id == Song.account_id, LikedSong.song_id == Song.id)
    query = select(Song.id, liked).where(Song.account_id == account_id, Song.id.in_(song_ids))
    rows = session.execute(query.where(~or_(accepted, in_one)))
    return {song_id: "liked" if is_liked else "other" for song_id, is_liked in rows}
