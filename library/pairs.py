"""Pairs that were decided about: those in force, and those that playlists do not have yet."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, delete, select
from sqlalchemy.orm import Session

from .models import Decision, Match, Playlist, PlaylistEntry, Song
from .queues import requeue


class Pair(NamedTuple):
    """A decision in force, by the ids that song and playlist have now."""

    song_id: UUID
    playlist_id: UUID
    is_accepted: bool


def in_force(session: Session, *, account_id: UUID) -> list[Pair]:
    """The pairs that were decided about, of what is there, in the order of the decisions."""
    query = (
        select(Song.id, Playlist.id, Decision.verdict == "accepted")
        .select_from(Decision)
        .join(Song, and_(Song.account_id == account_id, Song.identity == Decision.song_identity))
        .join(
            Playlist,
            and_(
                Playlist.account_id == account_id,
                Playlist.identity == Decision.playlist_identity,
            ),
        )
        .where(Decision.account_id == account_id, Decision.undone_at.is_(None))
        .where(Song.present, Playlist.gone_at.is_(None))
        .order_by(Decision.decided_at, Decision.id)
    )
    return [
        Pair(song, playlist, bool(accepted)) for song, playlist, accepted in session.execute(query)
    ]


def to_write(session: Session, *, account_id: UUID) -> list[Pair]:
    """The accepted pairs whose playlist does not have the song yet, the earliest first."""
    accepted = [pair for pair in in_force(session, account_id=account_id) if pair.is_accepted]
    mine = select(PlaylistEntry.song_id, PlaylistEntry.playlist_id)
    rows = session.execute(mine.where(PlaylistEntry.account_id == account_id))
    there = {(song_id, playlist_id) for song_id, playlist_id in rows}
    return [pair for pair in accepted if (pair.song_id, pair.playlist_id) not in there]


def settle(session: Session, *, account_id: UUID, since: datetime) -> int:
    """Take out the proposals of pairs that were decided about since a time; how many decisions.

    A matching calls it at its end, for what was decided while it scored.
    """
    query = (
        select(Song.id, Playlist.id)
        .select_from(Decision)
        .join(Song, and_(Song.account_id == account_id, Song.identity == Decision.song_identity))
        .join(
            Playlist,
            and_(
                Playlist.account_id == account_id,
                Playlist.identity == Decision.playlist_identity,
            ),
        )
        .where(Decision.account_id == account_id, Decision.decided_at >= since)
        .where(Decision.undone_at.is_(None))
    )
    pairs = session.execute(query).all()
    for song_id, playlist_id in pairs:
        of_pair = Match.song_id == song_id, Match.playlist_id == playlist_id
        session.execute(delete(Match).where(Match.account_id == account_id, *of_pair))
    requeue(session, account_id=account_id, song_ids={song_id for song_id, _ in pairs})
    return len(pairs)
