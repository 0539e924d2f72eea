"""From rows to the columns that the matcher compares."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import numpy as np

from .features import SongToMatch
from .matching import Playlist, Songs
from .matching.ranks import Floats
from .timbre import TIMBRE_SIZE

#: Beside the timbre: two for the tempo, how sure it is, loudness, length, and mode.
_OTHERS = 6
#: Number of values a song's sound has.
SOUND_SIZE = TIMBRE_SIZE + _OTHERS


def columns(rows: Iterable[SongToMatch]) -> tuple[Songs, dict[UUID, int]]:
    """The songs in columns, and the place of each.

    A song is not heard where another analyser's vector is all there is.
    """
    known = list(rows)
    songs = Songs(
        ids=[str(song.id) for song in known],
        titles=[song.title for song in known],
        artists=[song.artist for song in known],
        albums=[song.album for song in known],
        years=np.array([song.year or math.nan for song in known], dtype=np.float32),
        sounds=_sounds(known),
        several_artists=[song.artists for song in known],
    )
    return songs, {song.id: place for place, song in enumerate(known)}


def playlists(members: Mapping[UUID, Sequence[UUID]], places: Mapping[UUID, int]) -> list[Playlist]:
    """Playlists with the places of their songs; songs without a place are left out."""
    return [
        Playlist.of(str(key), (places[song] for song in entries if song in places))
        for key, entries in members.items()
    ]


def _sounds(songs: Sequence[SongToMatch]) -> Floats:
    """One row for each song, of NaN where it was not heard."""
    found = np.full((len(songs), SOUND_SIZE), np.nan, dtype=np.float32)
    heard = [place for place, song in enumerate(songs) if _was_heard(song)]
    if not heard:
        return found
    timbre = b"".join(songs[place].timbre or b"" for place in heard)
    found[heard, :TIMBRE_SIZE] = np.frombuffer(timbre, dtype="<f4").reshape(-1, TIMBRE_SIZE)
    found[heard, TIMBRE_SIZE:] = _others([songs[place] for place in heard])
    return found


def _was_heard(song: SongToMatch) -> bool:
    numbers = (song.tempo_bpm, song.tempo_confidence, song.loudness_lufs, song.duration_seconds)
    is_whole = song.timbre is not None and len(song.timbre) == 4 * TIMBRE_SIZE
    return is_whole and None not in numbers


def _others(songs: Sequence[SongToMatch]) -> Floats:
    tempo = np.array([song.tempo_bpm for song in songs], dtype=np.float64)
    sure = np.array([song.tempo_confidence for song in songs], dtype=np.float64)
    loudness = np.array([song.loudness_lufs for song in songs], dtype=np.float64)
    length = np.array([song.duration_seconds for song in songs], dtype=np.float64)
    mode = np.array([_mode(song.key) * (song.key_confidence or 0) for song in songs])
    # A tempo and its double are easily taken for each other: on a circle of octaves they
    # are the same point. How sure the beat is says how far from the middle the point lies.
    turn = 2 * np.pi * np.log2(np.maximum(tempo, 1.0))
    around = (sure * np.cos(turn), sure * np.sin(turn), sure)
    rest = (loudness, np.log(np.maximum(length, 1.0)), mode)
    return np.stack([*around, *rest], axis=1).astype(np.float32)


def _mode(key: str | None) -> float:
    """1 for a major key, -1 for a minor one, 0 where none was heard."""
    if not key:
        return 0.0
    return 1.0 if key.endswith("major") else -1.0
