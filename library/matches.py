"""The proposals: a playlist for a song."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from .matching import Proposal
from .models import Match, Playlist, Song


def replace(
    session: Session,
    *,
    account_id: UUID,
    song_id: UUID,
    job_id: UUID,
    proposals: Iterable[Proposal],
) -> None:
    """Make these the proposals for a song, and no others."""
    session.execute(delete(Match).where(Match.account_id == account_id, Match.song_id == song_id))
    session.add_all(
        Match(
            account_id=account_id,
            song_id=song_id,
            playlist_id=UUID(proposal.playlist_id),
            job_id=job_id,
            score=proposal.score,
            rank=rank,
            reasons=list(proposal.reasons),
        )
        for rank, proposal in enumerate(proposals, 1)
    )
    session.flush()


def keep_only(session: Session, *, account_id: UUID, song_ids: Iterable[UUID]) -> None:
    """Drop the proposals for all other songs: they have found their place, or are gone."""
    wanted = set(song_ids)
    mine = select(Match.song_id).where(Match.account_id == account_id).distinct()
    for song_id in set(session.scalars(mine)) - wanted:
        session.execute(
            delete(Match).where(Match.account_id == account_id, Match.song_id == song_id)
        )


def proposed(
    session: Session, *, account_id: UUID, limit: int = 500
) -> list[tuple[Song, list[tuple[Match, Playlist]]]]:
    """The songs with their proposals, best first; the songs most sure of first."""
    query = (
        select(Match, Song, Playlist)
        .join(Song, Song.id == Match.song_id)
        .join(Playlist, Playlist.id == Match.playlist_id)
        .where(Match.account_id == account_id, Song.present)
        .order_by(Match.rank, Match.score.desc(), Song.title)
        .limit(limit)
    )
    found: dict[UUID, tuple[Song, list[tuple[Match, Playlist]]]] = {}
    for match, song, playlist in session.execute(query):
        found.setdefault(song.id, (song, []))[1].append((match, playlist))
    return list(found.values())


def count(session: Session, *, account_id: UUID) -> int:
    """How many songs have a proposal."""
    query = select(func.count(Match.song_id.distinct())).where(Match.account_id == account_id)
    return session.scalar(query) or 0
