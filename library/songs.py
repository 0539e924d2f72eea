"""Songs, and the liked ones among them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Session

from . import likes
from .models import Features, LikedSong, Match, Song, UnheardSong
from .same_song import Named
from .song_batches import save_all, searchable
from .sources.records import SongRecord


@dataclass(frozen=True, slots=True)
class ListedSong:
    """A song as a list shows it, with what was heard where it was."""

    id: UUID
    title: str
    artist: str | None
    album: str | None
    is_liked: bool
    tempo_bpm: float | None
    key: str | None
    loudness_lufs: float | None
    #: What of it could not be heard, in a sentence.
    damage: str | None
    #: Why nothing of it could be heard.
    unheard: str | None
    #: Whether its source has sound for it.
    has_sound: bool = True


def save(session: Session, *, account_id: UUID, source_id: UUID, record: SongRecord) -> Song:
    """Add a song of a source, or bring it up to date. Of many, see `song_batches.save_all`."""
    save_all(session, account_id=account_id, source_id=source_id, records=[record])
    named = (Song.source_id == source_id, Song.external_id == record.external_id)
    query = select(Song).where(Song.account_id == account_id, *named)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def ids_by_external(session: Session, *, source_id: UUID) -> dict[str, UUID]:
    """The ids of the songs that a source has, by the source's own names."""
    there = Song.gone_at.is_(None)
    mine = select(Song.external_id, Song.id).where(Song.source_id == source_id, there)
    return {external_id: song_id for external_id, song_id in session.execute(mine)}  # noqa: C416


def named(session: Session, *, source_id: UUID) -> dict[str, Named]:
    """What the songs that a source has are called, by the source's own names, in their order."""
    mine = (
        select(
            Song.external_id,
            Song.title,
            Song.artist,
            Song.artists,
            Song.album,
            Song.duration_seconds,
        )
        .where(Song.source_id == source_id, Song.gone_at.is_(None))
        .order_by(Song.external_id)
    )
    return {
        name: Named(title, artist, tuple(artists or ()), album, seconds)
        for name, title, artist, artists, album, seconds in session.execute(mine)
    }


def get(session: Session, *, account_id: UUID, song_id: UUID) -> Song | None:
    """An account's own song."""
    return session.scalar(select(Song).where(Song.account_id == account_id, Song.id == song_id))


def page(
    session: Session,
    *,
    account_id: UUID,
    search: str = "",
    liked_only: bool = False,
    after: UUID | None = None,
    limit: int = 50,
) -> list[ListedSong]:
    """The account's songs by title, from the one after `after` on."""
    liked = _is_liked()
    query = (
        select(
            Song.id,
            Song.title,
            Song.artist,
            Song.album,
            liked,
            Features.tempo_bpm,
            Features.key,
            Features.loudness_lufs,
            Features.damage,
            UnheardSong.reason,
            Song.has_sound,
        )
        .outerjoin(Features, Features.song_id == Song.id)
        .outerjoin(UnheardSong, UnheardSong.song_id == Song.id)
        .where(Song.account_id == account_id, Song.present)
    )
    if liked_only:
        query = query.where(liked)
    if search:
        query = query.where(Song.search_text.contains(searchable(search), autoescape=True))
    if after is not None:
        mark = get(session, account_id=account_id, song_id=after)
        if mark is None:
            return []
        further = (Song.title == mark.title) & (Song.id > mark.id)
        query = query.where(Song.title >= mark.title, or_(Song.title > mark.title, further))
    query = query.order_by(Song.title, Song.id).limit(limit)
    rows: Iterable[Sequence[Any]] = session.execute(query).all()
    return [ListedSong(*row) for row in rows]


def _is_liked() -> ColumnElement[bool]:
    # On both columns: by the song alone, a database looks through all liked songs for each.
    return exists().where(LikedSong.account_id == Song.account_id, LikedSong.song_id == Song.id)


def counts(session: Session, *, account_id: UUID) -> tuple[int, int, int]:
    """How many songs there are, how many are liked, and how many were listened to."""
    mine = select(func.count()).select_from(Song).where(Song.account_id == account_id, Song.present)
    return (
        session.scalar(mine) or 0,
        likes.count(session, account_id=account_id),
        count_of_present(session, Features, account_id=account_id),
    )


def without_sound(session: Session, *, account_id: UUID) -> int:
    """How many songs that are there have no sound to listen to."""
    mine = (Song.account_id == account_id, Song.present, ~Song.has_sound)
    return session.scalar(select(func.count()).select_from(Song).where(*mine)) or 0


def count_of_present(
    session: Session,
    table: type[Features | Match],
    *conditions: ColumnElement[bool],
    account_id: UUID,
) -> int:
    """How many of an account's rows about songs are about songs that are there.

    It subtracts the rows of gone songs, which are few, from all rows, so that nearly no row is
    joined.
    """
    rows = select(func.count()).select_from(table).where(table.account_id == account_id)
    rows = rows.where(*conditions)
    # As a list, not a join, which SQLite would begin with the larger table.
    gone = select(Song.id).where(Song.account_id == account_id, ~Song.present)
    in_all, of_gone = session.scalar(rows), session.scalar(rows.where(table.song_id.in_(gone)))
    return (in_all or 0) - (of_gone or 0)
