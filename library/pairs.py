"""Pairs that were decided about: those in force, and those decided while a matching ran."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, and_, delete, select
from sqlalchemy.orm import Session

from .models import Decision, Match, Playlist, Song
from .queues import requeue


class Pair(NamedTuple):
    """A decision in force, by the ids that song and playlist have now."""

    song_id: UUID
    playlist_id: UUID
    is_accepted: bool


def in_force(session: Session, *, account_id: UUID) -> list[Pair]:
    """The pairs that were decided about, of what is there, in the order of the decisions."""
    query = (
        _decided(account_id, Song.id, Playlist.id, Decision.verdict == "accepted")
        .where(Song.present, Playlist.gone_at.is_(None))
        .order_by(Decision.decided_at, Decision.id)
    )
    return [
        Pair(song, playlist, bool(accepted)) for song, playlist, accepted in session.execute(query)
    ]


def of_decision(
    session: Session, *, account_id: UUID, decision_id: UUID
) -> tuple[UUID, UUID] | None:
    """The song and the playlist of a decision, undone or not; None where one is not there."""
    query = _pairs(account_id, Song.id, Playlist.id).where(Decision.id == decision_id)
    found = session.execute(query.where(Song.present, Playlist.gone_at.is_(None))).first()
    return None if found is None else (found[0], found[1])


def settle(
    session: Session,
    *,
    account_id: UUID,
    since: datetime,
    song_ids: Collection[UUID] | None = None,
) -> int:
    """Take out the proposals of pairs that were decided about since a time; how many decisions.

    A matching calls it at its end, for what was decided while it scored. `song_ids`: of these songs
    alone, of which a statement has at most some hundred.
    """
    query = _decided(account_id, Song.id, Playlist.id).where(Decision.decided_at >= since)
    if song_ids is not None:
        query = query.where(Song.id.in_(song_ids))
    pairs = session.execute(query).all()
    for song_id, playlist_id in pairs:
        of_pair = Match.song_id == song_id, Match.playlist_id == playlist_id
        session.execute(delete(Match).where(Match.account_id == account_id, *of_pair))
    if pairs:
        requeue(session, account_id=account_id, song_ids={song_id for song_id, _ in pairs})
    return len(pairs)


def _decided(account_id: UUID, *columns: Any) -> Select[Any]:
    """A query of the decisions in force, each with its song and its playlist."""
    return _pairs(account_id, *columns).where(Decision.undone_at.is_(None))


def _pairs(account_id: UUID, *columns: Any) -> Select[Any]:
    song = and_(Song.account_id == account_id, Song.identity == Decision.song_identity)
    playlist = and_(
        Playlist.account_id == account_id, Playlist.identity == Decision.playlist_identity
    )
    return (
        select(*columns)
        .select_from(Decision)
        .join(Song, song)
        .join(Playlist, playlist)
        .where(Decision.account_id == account_id)
    )
