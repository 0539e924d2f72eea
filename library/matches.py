"""The proposals: a playlist for a song."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.orm import Session

from .matching import Proposal
from .models import Match, Playlist, Song
from .songs import count_of_present


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
    """Drop the proposals for all other songs that are there: they have found their place."""
    wanted = set(song_ids)
    mine = (
        select(Match.song_id)
        .join(Song, and_(Song.account_id == Match.account_id, Song.id == Match.song_id))
        .where(Match.account_id == account_id, Song.present)
        .distinct()
    )
    for song_id in set(session.scalars(mine)) - wanted:
        session.execute(
            delete(Match).where(Match.account_id == account_id, Match.song_id == song_id)
        )


@dataclass(frozen=True, slots=True)
class ListedMatch:
    """One playlist for a song."""

    playlist_id: UUID
    name: str
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListedProposal:
    """A song with the playlists proposed for it, best first."""

    song_id: UUID
    title: str
    artist: str | None
    matches: tuple[ListedMatch, ...]

    @property
    def mark(self) -> Mark:
        """Its place among the proposals."""
        return self.matches[0].score, self.song_id


#: A place among the proposals: a best score, and the song that has it. It holds, too, when the
#: song's proposals are made anew.
Mark = tuple[float, UUID]

_BEST = 1


def page(
    session: Session, *, account_id: UUID, after: Mark | None = None, limit: int = 50
) -> list[ListedProposal]:
    """The songs with their proposals, the surest first, from the place after `after` on."""
    query = (
        select(Match.song_id, Song.title, Song.artist)
        .join(Song, and_(Song.account_id == Match.account_id, Song.id == Match.song_id))
        .join(Playlist, Playlist.id == Match.playlist_id)
        .where(Match.account_id == account_id, Match.rank == _BEST)
        .where(Song.present, Playlist.gone_at.is_(None))
    )
    if after is not None:
        score, song_id = after
        further = (Match.score == score) & (Match.song_id < song_id)
        query = query.where(Match.score <= score, or_(Match.score < score, further))
    # Both downwards, so that the index is read from its end.
    rows = session.execute(query.order_by(Match.score.desc(), Match.song_id.desc()).limit(limit))
    found = {song_id: (title, artist) for song_id, title, artist in rows}
    ranked = _ranked(session, list(found))
    return [
        ListedProposal(song_id, title, artist, tuple(ranked[song_id]))
        for song_id, (title, artist) in found.items()
    ]


def _ranked(session: Session, song_ids: list[UUID]) -> dict[UUID, list[ListedMatch]]:
    query = (
        select(Match.song_id, Match.playlist_id, Playlist.name, Match.score, Match.reasons)
        .join(Playlist, Playlist.id == Match.playlist_id)
        .where(Match.song_id.in_(song_ids), Playlist.gone_at.is_(None))
        .order_by(Match.song_id, Match.rank)
    )
    found: dict[UUID, list[ListedMatch]] = {}
    for song_id, playlist_id, name, score, reasons in session.execute(query):
        listed = ListedMatch(playlist_id, name, score, tuple(reasons))
        found.setdefault(song_id, []).append(listed)
    return found


def count(session: Session, *, account_id: UUID) -> int:
    """How many songs have a proposal."""
    of_account = Playlist.account_id == account_id
    gone = select(Playlist.id).where(of_account, Playlist.gone_at.is_not(None))
    conditions = [Match.rank == _BEST]
    if session.scalar(select(gone.exists())):  # else no row need be read for its playlist
        conditions.append(Match.playlist_id.not_in(gone))
    return count_of_present(session, Match, *conditions, account_id=account_id)


def count_of_job(session: Session, *, job_id: UUID) -> int:
    """The number of songs for which a job has made proposals."""
    query = select(func.count(Match.song_id.distinct())).where(Match.job_id == job_id)
    return session.scalar(query) or 0
