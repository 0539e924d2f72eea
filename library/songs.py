"""Songs, the liked ones among them, and what listening to them found."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from .identity import identity_of
from .listening import Listening
from .models import Features, LikedSong, Match, Song, utc_now
from .sources.records import SongRecord

#: Longest title, artist, album and genre. PostgreSQL takes no longer ones into an index.
MAX_TEXT = 300
_BOUNDED = frozenset({"title", "artist", "album", "album_artist", "genre"})

#: Rows of a whole library are fetched in parts of this many, and never all at once.
_FETCHED_ROWS = 1_000

#: Names a file's content by its size and time, without reading it; as good as a hash.
_CONTENT_KEY = (
    func.coalesce(cast(Song.size_bytes, String), "None")
    + ":"
    + func.coalesce(Song.modified_ns, "None")
)


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


@dataclass(frozen=True, slots=True)
class SongToHear:
    """A song as an analysis needs it."""

    id: UUID
    external_id: str
    title: str
    artist: str | None
    #: Names the content of the file as it was when this was read.
    content_key: str


@dataclass(frozen=True, slots=True)
class SongToMatch:
    """A song as a matching compares it; what was heard is None where nothing was."""

    id: UUID
    title: str
    artist: str | None
    album: str | None
    year: int | None
    tempo_bpm: float | None = None
    tempo_confidence: float | None = None
    loudness_lufs: float | None = None
    #: Little-endian float32.
    timbre: bytes | None = None


_TO_HEAR = (Song.id, Song.external_id, Song.title, Song.artist, _CONTENT_KEY)


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
        is_long = name in _BOUNDED and value is not None and len(value) > MAX_TEXT
        setattr(song, name, f"{value[: MAX_TEXT - 1]}…" if is_long else value)
    song.search_text = searchable(song.title, song.artist, song.album)
    song.present, song.gone_at = True, None
    song.identity = song.identity or identity_of(source_id, record.external_id)
    session.flush()
    return song


def ids_by_external(session: Session, *, source_id: UUID) -> dict[str, UUID]:
    """The ids of a source's present songs by the source's own names."""
    mine = select(Song.external_id, Song.id).where(Song.source_id == source_id, Song.present)
    return {external_id: song_id for external_id, song_id in session.execute(mine)}  # noqa: C416


def set_liked(
    session: Session,
    *,
    account_id: UUID,
    song_ids: Sequence[UUID],
    said_by: Mapping[UUID, str] | None = None,
    is_unread: Callable[[str | None], bool] = lambda _: False,
) -> None:
    """Make these the account's liked songs, and no others, of those that are there.

    `said_by` has the external id of the list that names a song. What a list said before still
    holds where it `is_unread`.
    """
    mine = (
        select(LikedSong.song_id, LikedSong.said_by)
        .join(Song, _is_liked())
        .where(LikedSong.account_id == account_id, Song.present)
    )
    known = {song_id: name for song_id, name in session.execute(mine)}  # noqa: C416 - for its types
    wanted = dict.fromkeys(song_ids) | dict(said_by or {})
    others = [key for key in known if key not in wanted and not is_unread(known[key])]
    for start in range(0, len(others), _FETCHED_ROWS):
        part = LikedSong.song_id.in_(others[start : start + _FETCHED_ROWS])
        session.execute(delete(LikedSong).where(LikedSong.account_id == account_id, part))
    rows = {
        key: {"account_id": account_id, "song_id": key, "said_by": name}
        for key, name in wanted.items()
    }
    if new := [row for key, row in rows.items() if key not in known]:
        session.execute(insert(LikedSong), new)
    if changed := [row for key, row in rows.items() if key in known and known[key] != wanted[key]]:
        session.execute(update(LikedSong), changed)
    session.flush()


def liked_ids(session: Session, *, account_id: UUID) -> set[UUID]:
    """The ids of the account's liked songs."""
    return set(session.scalars(select(LikedSong.song_id).where(LikedSong.account_id == account_id)))


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
    liked = LikedSong.song_id.is_not(None)
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
        )
        .outerjoin(Features, Features.song_id == Song.id)
        .outerjoin(LikedSong, _is_liked())
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
    return [ListedSong(*row) for row in session.execute(query)]


def searchable(*texts: str | None) -> str:
    """Texts as a search compares them: one a line, without case and accents."""
    joined = "\n".join(text for text in texts if text)
    parts = unicodedata.normalize("NFKD", joined.casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def _is_liked() -> ColumnElement[bool]:
    # On the whole of the key: by the song alone, a database looks through all liked songs for each.
    return and_(LikedSong.account_id == Song.account_id, LikedSong.song_id == Song.id)


def counts(session: Session, *, account_id: UUID) -> tuple[int, int, int]:
    """How many songs there are, how many are liked, and how many were listened to."""
    mine = select(func.count()).select_from(Song).where(Song.account_id == account_id, Song.present)
    return (
        session.scalar(mine) or 0,
        count_of_present(session, LikedSong, account_id=account_id),
        count_of_present(session, Features, account_id=account_id),
    )


def count_of_present(
    session: Session,
    table: type[LikedSong | Features | Match],
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


def to_analyse(
    session: Session,
    *,
    account_id: UUID,
    analyser_version: int,
    after: UUID | None = None,
    through: UUID | None = None,
) -> Iterator[SongToHear]:
    """The songs that were not heard yet, or heard in another form or by another analyser.

    In the order of their ids, from the one after `after` to `through`; fetched while they are read.
    """
    query = (
        select(*_TO_HEAR)
        .outerjoin(Features, Features.song_id == Song.id)
        .where(Song.account_id == account_id, Song.present)
        .where(
            or_(
                Features.song_id.is_(None),
                Features.analyser_version != analyser_version,
                Features.content_key != _CONTENT_KEY,
            )
        )
        .where(*_within(after, through))
        .order_by(Song.id)
    )
    return (SongToHear(*row) for row in _fetched(session, query))


def heard_since(
    session: Session,
    *,
    account_id: UUID,
    analyser_version: int,
    since: datetime,
    after: UUID | None = None,
    through: UUID | None = None,
) -> Iterator[SongToHear]:
    """The songs that were listened to, as they are now, from a time on; in the same order."""
    query = (
        select(*_TO_HEAR)
        .join(Features, Features.song_id == Song.id)
        .where(Song.account_id == account_id, Song.present)
        .where(Features.analyser_version == analyser_version, Features.analysed_at >= since)
        .where(Features.content_key == _CONTENT_KEY)
        .where(*_within(after, through))
        .order_by(Song.id)
    )
    return (SongToHear(*row) for row in _fetched(session, query))


def _within(after: UUID | None, through: UUID | None) -> list[ColumnElement[bool]]:
    bounds = [] if after is None else [Song.id > after]
    return bounds if through is None else [*bounds, Song.id <= through]


def _fetched(session: Session, query: Select[*tuple[Any, ...]]) -> Iterator[Any]:
    return session.execute(query.execution_options(yield_per=_FETCHED_ROWS))


def save_features(
    session: Session,
    *,
    account_id: UUID,
    song_id: UUID,
    content_key: str,
    listening: Listening,
    analyser_version: int,
) -> None:
    """Keep what listening to a song found, in the form that was heard."""
    features = session.get(Features, song_id) or Features(song_id=song_id)
    features.account_id = account_id
    features.analyser_version = analyser_version
    features.content_key = content_key
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


def by_ids(session: Session, *, account_id: UUID, song_ids: Sequence[UUID]) -> list[SongToHear]:
    """An account's own songs of these ids."""
    query = select(*_TO_HEAR).where(Song.account_id == account_id, Song.id.in_(song_ids))
    return [SongToHear(*row) for row in session.execute(query)]


def to_match(session: Session, *, account_id: UUID) -> Iterator[SongToMatch]:
    """All present songs of an account, each with what was heard; fetched while they are read."""
    query = (
        select(
            Song.id,
            Song.title,
            Song.artist,
            Song.album,
            Song.year,
            Features.tempo_bpm,
            Features.tempo_confidence,
            Features.loudness_lufs,
            Features.timbre,
        )
        .outerjoin(Features, Features.song_id == Song.id)
        .where(Song.account_id == account_id, Song.present)
        .order_by(Song.id)
    )
    return (SongToMatch(*row) for row in _fetched(session, query))
