"""From rows to what the matcher compares."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from uuid import UUID

import numpy as np

from .matching import PlaylistProfile, SongProfile
from .models import Features, Playlist, Song
from .timbre import TIMBRE_SIZE


def song_profile(song: Song, features: Features | None) -> SongProfile:
    """A song as the matcher sees it: not heard where another analyser's vector is all there is."""
    is_usable = features is not None and len(features.timbre) == 4 * TIMBRE_SIZE
    sound = _sound(features) if features is not None and is_usable else None
    return SongProfile(str(song.id), song.artist, song.album, song.year, sound)


def playlist_profiles(
    playlists: Sequence[Playlist],
    members: Mapping[UUID, Sequence[UUID]],
    songs: Mapping[UUID, SongProfile],
) -> list[PlaylistProfile]:
    """Playlists with the profiles of their songs."""
    return [
        PlaylistProfile(
            str(playlist.id),
            tuple(songs[song] for song in members.get(playlist.id, ()) if song in songs),
        )
        for playlist in playlists
    ]


def _sound(features: Features) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    # A tempo and its double are easily taken for each other: on a circle of octaves they
    # are the same point. How sure the beat is says how far from the middle the point lies.
    turn = 2 * math.pi * math.log2(max(features.tempo_bpm, 1.0))
    sure = features.tempo_confidence
    rhythm = [sure * math.cos(turn), sure * math.sin(turn), sure, features.loudness_lufs]
    timbre = np.frombuffer(features.timbre, dtype="<f4")
    return np.concatenate([timbre, np.array(rhythm, dtype=np.float32)])
