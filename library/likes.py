"""What a person loves: rows by origin, of which the union counts.

A list and a rating are told by the source, and go when the source says so no longer. A heart is the
person's own on this site, and no sync takes it away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import and_, delete, func, insert, select, update
from sqlalchemy.orm import Session

from .models import LikedSong, Song, Source

LIST, RATING, HEART = "list", "rating", "heart"
#: A list or rating of a song that is the same, and for which this one is shown.
SAME = "same"
#: Rows are deleted in parts of this many.
_DELETED_ROWS = 1_000


def replace(
    session: Session,
    *,
    account_id: UUID,
    song_ids: Sequence[UUID],
    source_id: UUID | None = None,
    origin: str = LIST,
    said_by: Mapping[UUID, str] | None = None,
    is_unread: Callable[[str | None], bool] = lambda _: False,
) -> None:
    """Make these the songs that are loved by an origin, and no others, of those that are there.

    Where a source is named, the songs of others stay as they are. `said_by` has the external id of
    the list that names a song. What a list said before still holds where it `is_unread`.
    """
    mine = (LikedSong.account_id == account_id, LikedSong.origin == origin)
    present = (
        select(LikedSong.song_id, LikedSong.said_by)
        .join(Song, and_(LikedSong.account_id == Song.account_id, LikedSong.song_id == Song.id))
        .where(*mine, Song.gone_at.is_(None))
    )
    if source_id is not None:
        present = present.where(Song.source_id == source_id)
    known = {song_id: name for song_id, name in session.execute(present)}  # noqa: C416 - its types
    wanted = dict.fromkeys(song_ids) | dict(said_by or {})
    others = [key for key in known if key not in wanted and not is_unread(known[key])]
    for start in range(0, len(others), _DELETED_ROWS):
        part = LikedSong.song_id.in_(others[start : start + _DELETED_ROWS])
        session.execute(delete(LikedSong).where(*mine, part))
    rows = {
        key: {"account_id": account_id, "song_id": key, "origin": origin, "said_by": name}
        for key, name in wanted.items()
    }
    if new := [row for key, row in rows.items() if key not in known]:
        session.execute(insert(LikedSong), new)
    if changed := [row for key, row in rows.items() if key in known and known[key] != wanted[key]]:
        session.execute(update(LikedSong), changed)
    session.flush()


def follow_ratings(session: Session, *, account_id: UUID, source_id: UUID) -> None:
    """Love the songs with as many stars as the source's bound, and for their stars no others."""
    bound = session.scalar(select(Source.liked_from_stars).where(Source.id == source_id))
    rated: Sequence[UUID] = ()
    if bound:
        query = select(Song.id).where(Song.source_id == source_id, Song.rating_stars >= bound)
        rated = list(session.scalars(query.where(Song.gone_at.is_(None))))
    replace(session, account_id=account_id, source_id=source_id, origin=RATING, song_ids=rated)


def set_heart(session: Session, *, account_id: UUID, song_id: UUID, is_loved: bool) -> bool:
    """Give an account's own song a heart, or take it away; whether there is such a song."""
    mine = (Song.account_id == account_id, Song.id == song_id, Song.present)
    # Held, so that two clicks at once come one after the other.
    if session.scalar(select(Song.id).where(*mine).with_for_update()) is None:
        return False
    key = {"account_id": account_id, "song_id": song_id, "origin": HEART}
    known = session.get(LikedSong, key)
    if is_loved and known is None:
        session.add(LikedSong(**key))
    if not is_loved and known is not None:
        session.delete(known)
    session.flush()
    return True


def ids(session: Session, *, account_id: UUID) -> set[UUID]:
    """The ids of the songs that the account loves, by whatever origin."""
    return set(session.scalars(select(LikedSong.song_id).where(LikedSong.account_id == account_id)))


def hearts(session: Session, *, account_id: UUID, song_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these songs have a heart."""
    mine = (LikedSong.account_id == account_id, LikedSong.origin == HEART)
    query = select(LikedSong.song_id).where(*mine, LikedSong.song_id.in_(song_ids))
    return set(session.scalars(query))


def count(session: Session, *, account_id: UUID) -> int:
    """How many songs that are there are loved."""
    loved = func.count(LikedSong.song_id.distinct())
    mine = select(loved).where(LikedSong.account_id == account_id)
    gone = select(Song.id).where(Song.account_id == account_id, ~Song.present)
    in_all, of_gone = session.scalar(mine), session.scalar(mine.where(LikedSong.song_id.in_(gone)))
    return (in_all or 0) - (of_gone or 0)
