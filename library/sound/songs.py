"""Songs as a player needs them: how long they are, how loud, and where their sound is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from ..account_sources import row_of
from ..models import Features, Song, Source
from ..sources.source import SourceRow

#: Songs are played as loud as this: quiet recordings keep their peaks.
TARGET_LUFS = -18.0


@dataclass(frozen=True, slots=True)
class Playable:
    """A song for a player."""

    id: UUID
    seconds: float | None
    loudness_lufs: float | None
    has_sound: bool

    @property
    def volume(self) -> float:
        """0…1: how far a player turns it down, so that songs are alike. Nothing is turned up."""
        return volume_of(self.loudness_lufs)


def volume_of(loudness_lufs: float | None) -> float:
    """See `Playable.volume`. What was not heard yet is played as it is."""
    if loudness_lufs is None:
        return 1.0
    return float(min(1.0, 10 ** ((TARGET_LUFS - loudness_lufs) / 20)))


def of_songs(
    session: Session, *, account_id: UUID, song_ids: Sequence[UUID]
) -> dict[UUID, Playable]:
    """Some of the account's songs, by their ids."""
    heard = and_(Features.account_id == Song.account_id, Features.song_id == Song.id)
    query = (
        select(
            Song.id,
            Song.duration_seconds,
            Features.duration_seconds,
            Features.loudness_lufs,
            Song.has_sound,
        )
        .outerjoin(Features, heard)
        .where(Song.account_id == account_id, Song.id.in_(song_ids))
    )
    return {
        key: Playable(key, measured or told, loudness, has_sound)
        for key, told, measured, loudness, has_sound in session.execute(query)
    }


@dataclass(frozen=True, slots=True)
class Place:
    """Where a song's sound is."""

    song_id: UUID
    #: The kind of its source, and what that kind opens it by.
    kind: str
    source: SourceRow
    external_id: str
    #: What its content is known by, as far as its source told.
    version: str
    seconds: float | None
    has_sound: bool


def place(session: Session, *, account_id: UUID, song_id: UUID) -> Place | None:
    """Where the sound of one of the account's songs is; None where it has no such song."""
    heard = and_(Features.account_id == Song.account_id, Features.song_id == Song.id)
    query = (
        select(Song, Source, Features.duration_seconds)
        .join(Source, and_(Source.account_id == Song.account_id, Source.id == Song.source_id))
        .outerjoin(Features, heard)
        .where(Song.account_id == account_id, Song.id == song_id, Song.present)
        .where(Source.removed_at.is_(None))
    )
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    song, source, measured = row
    return Place(
        song.id,
        source.kind,
        row_of(source),
        song.external_id,
        f"{song.size_bytes}:{song.modified_ns}",
        measured or song.duration_seconds,
        song.has_sound,
    )
