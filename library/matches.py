"""The proposals: a playlist for a song, and the queues in which songs wait for a decision.

A proposal is here until the person decides about it (`library.decisions`): a decision takes it out,
and one that is undone brings it back. Of a song's proposals the best one has the song's queue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, insert, or_, select
from sqlalchemy.orm import Session

from .matching import Proposal
from .models import Match, Playlist, Song

Query = TypeVar("Query", bound=Select[*tuple[Any, ...]])

#: A statement names at most this many songs: databases bound the number of its values.
_BATCH = 500


def replace(
    session: Session,
    *,
    account_id: UUID,
    job_id: UUID | None,
    proposals: Mapping[UUID, Sequence[Proposal]],
    queues: Mapping[UUID, str] | None = None,
    model_version: str | None = None,
) -> None:
    """Make these the proposals for these songs, best first, and no others.

    `queues` has the queue of each song that is to wait in one; None: all wait among the liked.
    """
    songs = list(proposals)
    for start in range(0, len(songs), _BATCH):
        part = Match.song_id.in_(songs[start : start + _BATCH])
        session.execute(delete(Match).where(Match.account_id == account_id, part))
    rows = [
        {
            "id": uuid4(),
            "account_id": account_id,
            "song_id": song_id,
            "playlist_id": UUID(proposal.playlist_id),
            "job_id": job_id,
            "score": proposal.score,
            "rank": rank,
            "queue": ("liked" if queues is None else queues.get(song_id)) if rank == 1 else None,
            "reasons": list(proposal.reasons),
            "model_version": model_version,
        }
        for song_id, found in proposals.items()
        for rank, proposal in enumerate(found, 1)
    ]
    if rows:
        session.execute(insert(Match), rows)


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


#: A place among the proposals: a score, and the song that has it. It holds, too, when the
#: song's proposals are made anew.
Mark = tuple[float, UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which of the songs that wait are asked for."""

    #: One of `models.QUEUES`.
    queue: str = "liked"
    #: The list that is proposed first.
    playlist_id: UUID | None = None
    artist: str | None = None
    #: 0…1: the least probability of the proposal.
    least: float = 0.0

    def conditions(self, account_id: UUID) -> Iterator[ColumnElement[bool]]:
        """What a row of `matches` has to be."""
        yield Match.account_id == account_id
        yield Match.queue == self.queue
        if self.playlist_id is not None:
            yield Match.playlist_id == self.playlist_id
        if self.least > 0:
            yield Match.score >= self.least
        if self.artist is not None:
            by_artist = Song.account_id == account_id, Song.artist == self.artist
            yield Match.song_id.in_(select(Song.id).where(*by_artist))


_LIKED = Wanted()


def page(
    session: Session,
    *,
    account_id: UUID,
    wanted: Wanted = _LIKED,
    after: Mark | None = None,
    limit: int = 50,
) -> list[ListedProposal]:
    """The songs of a queue with their proposals, the surest first, from the place after `after`."""
    query = (
        select(Match.song_id, Song.title, Song.artist)
        .join(Song, and_(Song.account_id == Match.account_id, Song.id == Match.song_id))
        .join(Playlist, Playlist.id == Match.playlist_id)
        .where(*wanted.conditions(account_id), Song.present, Playlist.gone_at.is_(None))
    )
    rows = session.execute(surest_first(query, after).limit(limit))
    found = {song_id: (title, artist) for song_id, title, artist in rows}
    ranked = _ranked(session, list(found))
    return [
        ListedProposal(song_id, title, artist, tuple(ranked[song_id]))
        for song_id, (title, artist) in found.items()
    ]


def surest_first(query: Query, after: Mark | None) -> Query:
    """A query of matches in the order of their scores, from the place after `after` on."""
    if after is not None:
        score, song_id = after
        further = (Match.score == score) & (Match.song_id < song_id)
        query = query.where(Match.score <= score, or_(Match.score < score, further))
    # Both downwards, so that the index is read from its end.
    return query.order_by(Match.score.desc(), Match.song_id.desc())


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


def of_song(session: Session, *, account_id: UUID, song_id: UUID) -> list[ListedMatch]:
    """All playlists that are proposed for one of the account's songs, best first."""
    mine = Match.account_id == account_id, Match.song_id == song_id
    if session.scalar(select(exists().where(*mine))):
        return _ranked(session, [song_id]).get(song_id, [])
    return []


@dataclass(frozen=True, slots=True)
class ListedCandidate:
    """A song of the library that may belong into a playlist."""

    song_id: UUID
    title: str
    artist: str | None
    score: float
    reasons: tuple[str, ...]

    @property
    def mark(self) -> Mark:
        """Its place among the candidates."""
        return self.score, self.song_id


def candidates(
    session: Session,
    *,
    account_id: UUID,
    playlist_id: UUID,
    least: float = 0.0,
    after: Mark | None = None,
    limit: int = 50,
) -> list[ListedCandidate]:
    """Songs of the whole library that are proposed for one playlist, the surest first.

    Also those that are in another playlist, and those for which it is not the best one.
    """
    query = (
        select(Match.song_id, Song.title, Song.artist, Match.score, Match.reasons)
        .join(Song, and_(Song.account_id == Match.account_id, Song.id == Match.song_id))
        .where(Match.account_id == account_id, Match.playlist_id == playlist_id)
        .where(Match.score >= least, Song.present)
    )
    rows = session.execute(surest_first(query, after).limit(limit))
    return [ListedCandidate(*row[:4], tuple(row[4])) for row in rows]


@dataclass(frozen=True, slots=True)
class Sum:
    """How many songs wait, and how sure their best proposals are."""

    count: int
    #: How many of them are expected to be right: the sum of the probabilities.
    expected_right: float
    least: float | None
    most: float | None


def total(session: Session, *, account_id: UUID, wanted: Wanted = _LIKED) -> Sum:
    """How many songs of a queue there are, and how sure."""
    gone_songs = select(Song.id).where(Song.account_id == account_id, ~Song.present)
    gone_lists = select(Playlist.id).where(
        Playlist.account_id == account_id, Playlist.gone_at.is_not(None)
    )
    score = Match.score
    query = (
        select(func.count(), func.sum(score), func.min(score), func.max(score))
        .where(*wanted.conditions(account_id))
        # As lists, not joins, which would look up a song and a playlist for each proposal.
        .where(Match.song_id.not_in(gone_songs))
    )
    if session.scalar(select(gone_lists.exists())):
        # No index has the playlist beside the queue: each proposal's row is read.
        query = query.where(Match.playlist_id.not_in(gone_lists))
    count, expected, least, most = session.execute(query).one()
    return Sum(count, expected or 0.0, least, most)


def count(session: Session, *, account_id: UUID, wanted: Wanted = _LIKED) -> int:
    """How many songs wait in a queue."""
    return total(session, account_id=account_id, wanted=wanted).count


def count_of_job(session: Session, *, job_id: UUID) -> int:
    """The number of songs for which a job has made proposals."""
    query = select(func.count(Match.song_id.distinct())).where(Match.job_id == job_id)
    return session.scalar(query) or 0


def proposed_for(
    session: Session, *, account_id: UUID, playlist_id: UUID, limit: int
) -> list[UUID]:
    """The songs that are proposed for a playlist, the surest first, at most `limit`."""
    of_list = Match.account_id == account_id, Match.playlist_id == playlist_id
    query = select(Match.song_id).where(*of_list)
    return list(session.scalars(surest_first(query, None).limit(limit)))


def put_off(session: Session, *, account_id: UUID) -> set[UUID]:
    """The songs that were put off for later."""
    later = Match.account_id == account_id, Match.queue == "later"
    return set(session.scalars(select(Match.song_id).where(*later)))
