"""From rows to what the matcher compares."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from uuid import UUID

import numpy as np

from .features import SongToMatch
from .matching import PlaylistProfile, SongProfile
from .timbre import TIMBRE_SIZE


def song_profile(song: SongToMatch) -> SongProfile:
    """A song as the matcher sees it: not heard where another analyser's vector is all there is."""
    return SongProfile(str(song.id), song.artist, song.album, song.year, _sound(song))


def playlist_profiles(
    members: Mapping[UUID, Sequence[UUID]], songs: Mapping[UUID, SongProfile]
) -> list[PlaylistProfile]:
    """Playlists with the profiles of their songs."""
    return [
        PlaylistProfile(
            str(playlist_id),
            tuple(songs[song] for song in entries if song in songs),
        )
        for playlist_id, entries in members.items()
    ]


def _sound(song: SongToMatch) -> np.ndarray[tuple[int], np.dtype[np.float32]] | None:
    tempo_bpm, sure, loudness = song.tempo_bpm, song.tempo_confidence, song.loudness_lufs
    if song.timbre is None or len(song.timbre) != 4 * TIMBRE_SIZE:
        return None
    if tempo_bpm is None or sure is None or loudness is None:
        return None
    # A tempo and its double are easily taken for each other: on a circle of octaves they
    # are the same point. How sure the beat is says how far from the middle the point lies.
    turn = 2 * math.pi * math.log2(max(tempo_bpm, 1.0))
    rhythm = [sure * math.cos(turn), sure * math.sin(turn), sure, loudness]
    timbre = np.frombuffer(song.timbre, dtype="<f4")
    return np.concatenate([timbre, np.array(rhythm, dtype=np.float32)])
