"""Samples: the songs of a playlist that best speak for another one's belonging there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from ..models import Features, Match, PlaylistEntry, Song

#: So many samples of so many seconds are played.
SAMPLES, SAMPLE_SECONDS = 3, 10.0
#: Of a longer playlist, only the first so many songs are looked at.
_MOST_SONGS = 2_000


@dataclass(frozen=True, slots=True)
class Clip:
    """Some seconds of a song, made into MP3 by themselves."""

    from_seconds: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Sample:
    """Some seconds of one song."""

    song_id: UUID
    title: str
    artist: str | None
    start_seconds: float
    loudness_lufs: float | None


@dataclass(frozen=True, slots=True)
class _Heard:
    song_id: UUID
    title: str
    artist: str | None
    album: str | None
    seconds: float | None
    loudness_lufs: float | None
    timbre: bytes | None


def of_playlist(
    session: Session, *, account_id: UUID, song_id: UUID, playlist_id: UUID
) -> list[Sample]:
    """Samples of one of the account's playlists, for one of its songs, the best first.

    First come songs that the proposal's reasons name, then those of the same artist or album, then
    those that sound most like it.
    """
    (song,) = _heard(session, account_id, Song.id == song_id) or (None,)
    if song is None:
        return []
    entries = select(PlaylistEntry.song_id).where(
        PlaylistEntry.account_id == account_id, PlaylistEntry.playlist_id == playlist_id
    )
    others = _heard(session, account_id, Song.id.in_(entries), Song.id != song_id)
    said = session.scalar(
        select(Match.reasons).where(
            Match.account_id == account_id,
            Match.song_id == song_id,
            Match.playlist_id == playlist_id,
        )
    )
    return [_sample(other) for other in _best(song, others, " ".join(said or ()))]


def _heard(session: Session, account_id: UUID, *conditions: ColumnElement[bool]) -> list[_Heard]:
    told = and_(Features.account_id == Song.account_id, Features.song_id == Song.id)
    query = (
        select(
            Song.id,
            Song.title,
            Song.artist,
            Song.album,
            func.coalesce(Features.duration_seconds, Song.duration_seconds),
            Features.loudness_lufs,
            Features.timbre,
        )
        .outerjoin(Features, told)
        .where(Song.account_id == account_id, Song.present, Song.has_sound, *conditions)
        .order_by(Song.id)
        .limit(_MOST_SONGS)
    )
    return [_Heard(*row) for row in session.execute(query)]


def _best(song: _Heard, others: Sequence[_Heard], reasons: str) -> list[_Heard]:
    distances = _distances(song, others)
    ranked = sorted(
        zip(others, distances, strict=True),
        key=lambda pair: (
            f"“{pair[0].title}”" not in reasons,
            not _is_kin(song, pair[0]),
            pair[1],
            pair[0].song_id,
        ),
    )
    return [other for other, _ in ranked[:SAMPLES]]


def _is_kin(song: _Heard, other: _Heard) -> bool:
    return bool(song.artist and song.artist == other.artist) or bool(
        song.album and song.album == other.album
    )


def _distances(song: _Heard, others: Sequence[_Heard]) -> list[float]:
    """How unlike the song each of the others sounds; what was not heard comes last."""
    size = len(song.timbre or b"")
    places = [n for n, other in enumerate(others) if size and len(other.timbre or b"") == size]
    found = [float("inf")] * len(others)
    if not places:
        return found
    numbers = b"".join([song.timbre or b"", *(others[n].timbre or b"" for n in places)])
    table = np.frombuffer(numbers, "<f4").reshape(len(places) + 1, -1).astype(np.float64)
    # Each number counts as much as it differs within the playlist.
    table = (table - table.mean(axis=0)) / np.maximum(table.std(axis=0), 1e-6)
    for n, distance in zip(places, np.linalg.norm(table[1:] - table[0], axis=1), strict=True):
        found[n] = float(distance)
    return found


def _sample(song: _Heard) -> Sample:
    """From a third of a song on: introductions are behind it, and the end is not near."""
    seconds = song.seconds or 0.0
    start = max(0.0, min(seconds / 3, seconds - SAMPLE_SECONDS))
    return Sample(song.song_id, song.title, song.artist, round(start, 1), song.loudness_lufs)
