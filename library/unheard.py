"""Songs that could not be heard: remembered, so that no analysis tries the same content again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from .features import CONTENT_KEY, TO_HEAR, SongToHear, within
from .models import Song, UnheardSong, utc_now


def remember(
    session: Session, *, account_id: UUID, song: SongToHear, analyser_version: int, reason: str
) -> None:
    """Keep why a song could not be heard, as it is, by an analyser."""
    row = session.get(UnheardSong, song.id) or UnheardSong(song_id=song.id)
    row.account_id, row.analyser_version = account_id, analyser_version
    row.content_key, row.reason, row.failed_at = song.content_key, reason, utc_now()
    session.add(row)
    session.flush()


def since(
    session: Session,
    *,
    account_id: UUID,
    analyser_version: int,
    since: datetime,
    after: UUID | None = None,
    through: UUID | None = None,
    limit: int | None = None,
) -> Iterator[tuple[SongToHear, str]]:
    """The songs that could not be heard, as they are now, from a time on, with the reasons.

    In the order of their ids.
    """
    query = (
        select(*TO_HEAR, UnheardSong.reason)
        .join(UnheardSong, UnheardSong.song_id == Song.id)
        .where(Song.account_id == account_id, Song.present, UnheardSong.failed_at >= since)
        .where(UnheardSong.analyser_version == analyser_version)
        .where(UnheardSong.content_key == CONTENT_KEY)
        .where(*within(after, through))
        .order_by(Song.id)
        .limit(limit)
    )
    return ((SongToHear(*row[:-1]), row[-1]) for row in session.execute(query))


def count(session: Session, *, account_id: UUID) -> int:
    """How many songs that are there could not be heard."""
    rows = select(func.count()).select_from(UnheardSong)
    mine = rows.where(UnheardSong.account_id == account_id)
    there = select(Song.id).where(Song.account_id == account_id, Song.present)
    return session.scalar(mine.where(UnheardSong.song_id.in_(there))) or 0
