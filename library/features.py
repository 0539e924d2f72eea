"""Songs for the pipelines: those to hear, the results of listening, and those to match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Session

from .listening import Listening
from .models import Features, Song, UnheardSong, utc_now

#: Rows of a whole library are fetched in parts of this many, and never all at once.
_FETCHED_ROWS = 1_000


#: Names what is to be heard: the sound, whatever is written into its tags. Where a source tells no
#: sound from another, a file's size and time.
CONTENT_KEY = func.coalesce(
    Song.audio_key,
    func.coalesce(cast(Song.size_bytes, String), "None")
    + ":"
    + func.coalesce(Song.modified_ns, "None"),
)


@dataclass(frozen=True, slots=True)
class SongToHear:
    """A song as an analysis needs it."""

    id: UUID
    source_id: UUID
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
    duration_seconds: float | None = None
    key: str | None = None
    key_confidence: float | None = None
    #: Little-endian float32.
    timbre: bytes | None = None
    #: Each artist by itself, where they are several.
    several_artists: Sequence[str] | None = None

    @property
    def artists(self) -> tuple[str, ...]:
        """Each of its artists by itself."""
        return tuple(self.several_artists or ((self.artist,) if self.artist else ()))


TO_HEAR = (Song.id, Song.source_id, Song.external_id, Song.title, Song.artist, CONTENT_KEY)


def to_analyse(
    session: Session,
    *,
    account_id: UUID,
    analyser_version: int,
    after: UUID | None = None,
    through: UUID | None = None,
    limit: int | None = None,
) -> Iterator[SongToHear]:
    """The songs that were not heard yet, or heard in another form or by another analyser.

    Those without sound are left out, and those that could not be heard as they are, by this
    analyser.
    In the order of their ids, from the one after `after` to `through`; fetched while they are read.
    """
    query = (
        select(*TO_HEAR)
        .outerjoin(Features, Features.song_id == Song.id)
        .where(Song.account_id == account_id, Song.present, Song.has_sound)
        .where(
            or_(
                Features.song_id.is_(None),
                Features.analyser_version != analyser_version,
                Features.content_key != CONTENT_KEY,
            )
        )
        .where(~_is_known_unheard(analyser_version))
        .where(*within(after, through))
        .order_by(Song.id)
        .limit(limit)
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
    limit: int | None = None,
) -> Iterator[SongToHear]:
    """The songs that were listened to, as they are now, from a time on; in the same order."""
    query = (
        select(*TO_HEAR)
        .join(Features, Features.song_id == Song.id)
        .where(Song.account_id == account_id, Song.present)
        .where(Features.analyser_version == analyser_version, Features.analysed_at >= since)
        .where(Features.content_key == CONTENT_KEY)
        .where(*within(after, through))
        .order_by(Song.id)
        .limit(limit)
    )
    return (SongToHear(*row) for row in _fetched(session, query))


def _is_known_unheard(analyser_version: int) -> ColumnElement[bool]:
    return exists().where(
        UnheardSong.account_id == Song.account_id,
        UnheardSong.song_id == Song.id,
        UnheardSong.analyser_version == analyser_version,
        UnheardSong.content_key == CONTENT_KEY,
    )


def within(after: UUID | None, through: UUID | None) -> list[ColumnElement[bool]]:
    """The songs from the one after an id on, to another one."""
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
    features.damage = listening.damage
    features.analysed_at = utc_now()
    features.timbre = np.asarray(listening.timbre, dtype="<f4").tobytes()
    session.add(features)
    session.execute(delete(UnheardSong).where(UnheardSong.song_id == song_id))
    session.flush()


def by_ids(session: Session, *, account_id: UUID, song_ids: Sequence[UUID]) -> list[SongToHear]:
    """An account's own songs of these ids."""
    query = select(*TO_HEAR).where(Song.account_id == account_id, Song.id.in_(song_ids))
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
            Features.duration_seconds,
            Features.key,
            Features.key_confidence,
            Features.timbre,
            Song.artists,
        )
        .outerjoin(Features, Features.song_id == Song.id)
        .where(Song.account_id == account_id, Song.present)
        .order_by(Song.id)
    )
    return (SongToMatch(*row) for row in _fetched(session, query))
