"""Songs, the liked ones among them, and what listening to them found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

import numpy as np
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from .listening import Listening
from .models import Features, LikedSong, Song, utc_now
from .sources.records import SongRecord


def save(session: Session, *, account_id: UUID, source_id: UUID, record: SongRecord) -> Song:
    """Add a song of a source, or bring it up to date."""
    song = session.scalar(
        select(Song).where(
            Song.account_id == account_id,
            Song.source_id == source_id,
            Song.external_id == record.external_id,
        )
    )
    if song is None:
        song = Song(account_id=account_id, source_id=source_id, external_id=record.external_id)
        session.add(song)
    for name, value in asdict(record).items():
        setattr(song, name, value)
    song.present = True
    session.flush()
    return song


def mark_gone(session: Session, *, source_id: UUID, present: Iterable[str]) -> int:
    """Mark the songs that their source has no longer; how many there are."""
    here = set(present)
    mine = select(Song.id, Song.external_id).where(Song.source_id == source_id, Song.present)
    gone = [song_id for song_id, external_id in session.execute(mine) if external_id not in here]
    for start in range(0, len(gone), 500):
        part = gone[start : start + 500]
        session.execute(update(Song).where(Song.id.in_(part)).values(present=False))
    return len(gone)


def ids_by_external(session: Session, *, source_id: UUID) -> dict[str, UUID]:
    """The ids of a source's present songs by the source's own names."""
    mine = select(Song.external_id, Song.id).where(Song.source_id == source_id, Song.present)
    return {external_id: song_id for external_id, song_id in session.execute(mine)}  # noqa: C416


def set_liked(session: Session, *, account_id: UUID, song_ids: Sequence[UUID]) -> None:
    """Make these the account's liked songs, and no others."""
    known = set(session.scalars(_liked_ids(account_id)))
    wanted = set(song_ids)
    for song_id in known - wanted:
        session.execute(
            delete(LikedSong).where(
                LikedSong.account_id == account_id, LikedSong.song_id == song_id
            )
        )
    session.add_all(LikedSong(account_id=account_id, song_id=song_id) for song_id in wanted - known)
    session.flush()


def _liked_ids(account_id: UUID):  # type: ignore[no-untyped-def] # SQLAlchemy infers it
    return select(LikedSong.song_id).where(LikedSong.account_id == account_id)


def liked_ids(session: Session, *, account_id: UUID) -> set[UUID]:
    """The ids of the account's liked songs."""
    return set(session.scalars(_liked_ids(account_id)))


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
) -> list[tuple[Song, Features | None, bool]]:
    """The account's songs by title, from the one after `after` on.

    Each comes with what was heard, and whether it is liked.
    """
    liked = LikedSong.song_id.is_not(None)
    query = (
        select(Song, Features, liked)
        .outerjoin(Features, Features.song_id == Song.id)
        .outerjoin(LikedSong, LikedSong.song_id == Song.id)
        .where(Song.account_id == account_id, Song.present)
    )
    if liked_only:
        query = query.where(liked)
    if search:
        like = f"%{_escaped(search.lower())}%"
        fields = (Song.title, Song.artist, Song.album)
        query = query.where(or_(*(func.lower(f).like(like, escape="\\") for f in fields)))
    if after is not None:
        mark = get(session, account_id=account_id, song_id=after)
        if mark is None:
            return []
        further = (Song.title == mark.title) & (Song.id > mark.id)
        query = query.where(or_(Song.title > mark.title, further))
    query = query.order_by(Song.title, Song.id).limit(limit)
    return [(song, features, bool(is_liked)) for song, features, is_liked in session.execute(query)]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def counts(session: Session, *, account_id: UUID) -> tuple[int, int, int]:
    """How many songs there are, how many are liked, and how many were listened to."""

    def count(query) -> int:  # type: ignore[no-untyped-def] # SQLAlchemy infers it
        return session.scalar(select(func.count()).select_from(query.subquery())) or 0

    mine = select(Song.id).where(Song.account_id == account_id, Song.present)
    return (
        count(mine),
        count(mine.join(LikedSong, LikedSong.song_id == Song.id)),
        count(mine.join(Features, Features.song_id == Song.id)),
    )


def to_analyse(session: Session, *, account_id: UUID, analyser_version: int) -> list[Song]:
    """The songs that were not heard yet, or heard in another form or by another analyser."""
    mine = (
        select(Song, Features.analyser_version, Features.content_key)
        .outerjoin(Features, Features.song_id == Song.id)
        .where(Song.account_id == account_id, Song.present)
        .order_by(Song.title, Song.id)
    )
    return [
        song
        for song, version, key in session.execute(mine)
        if version != analyser_version or key != content_key(song)
    ]


def heard_since(
    session: Session, *, account_id: UUID, analyser_version: int, since: datetime
) -> list[Song]:
    """The songs that were listened to, as they are now, from a time on."""
    mine = (
        select(Song, Features.content_key)
        .join(Features, Features.song_id == Song.id)
        .where(Song.account_id == account_id, Song.present)
        .where(Features.analyser_version == analyser_version, Features.analysed_at >= since)
        .order_by(Song.title, Song.id)
    )
    return [song for song, key in session.execute(mine) if key == content_key(song)]


def content_key(song: Song) -> str:
    """Names a file's content by its size and time, as good as a hash and without reading it."""
    return f"{song.size_bytes}:{song.modified_ns}"


def save_features(
    session: Session, *, song: Song, listening: Listening, analyser_version: int
) -> None:
    """Keep what listening to a song found."""
    features = session.get(Features, song.id) or Features(song_id=song.id)
    features.account_id = song.account_id
    features.analyser_version = analyser_version
    features.content_key = content_key(song)
    for name in (
        "tempo_bpm",
        "tempo_confidence",
        "loudness_lufs",
        "key",
        "key_confidence",
        "duration_seconds",
    ):
        setattr(features, name, getattr(listening, name))
    features.analysed_at = utc_now()
    features.timbre = np.asarray(listening.timbre, dtype="<f4").tobytes()
    session.add(features)
    session.flush()


def by_ids(session: Session, *, account_id: UUID, song_ids: Sequence[UUID]) -> list[Song]:
    """An account's own songs of these ids."""
    return list(
        session.scalars(select(Song).where(Song.account_id == account_id, Song.id.in_(song_ids)))
    )


def all_with_features(session: Session, *, account_id: UUID) -> list[tuple[Song, Features | None]]:
    """All present songs of an account, each with what was heard."""
    query = (
        select(Song, Features)
        .outerjoin(Features, Features.song_id == Song.id)
        .where(Song.account_id == account_id, Song.present)
        .order_by(Song.title, Song.id)
    )
    return [(song, features) for song, features in session.execute(query)]
