"""From rows to the columns that the matcher compares."""

from __future__ import annotations

import math
from uuid import UUID, uuid4

import numpy as np
import pytest

from library.features import SongToMatch
from library.profiles import SOUND_SIZE, columns, playlists
from library.timbre import TIMBRE_SIZE

HEARD = {
    "tempo_bpm": 120.0,
    "tempo_confidence": 0.5,
    "loudness_lufs": -14.0,
    "duration_seconds": math.e,
    "key": "C minor",
    "key_confidence": 0.25,
    "timbre": np.arange(TIMBRE_SIZE, dtype="<f4").tobytes(),
}


def song(song_id: UUID | None = None, **heard: object) -> SongToMatch:
    return SongToMatch(song_id or uuid4(), "T", "A", "L", 1998, **heard)  # type: ignore[arg-type]


def heard(**values: object) -> SongToMatch:
    return song(**{**HEARD, **values})


def sound(row: SongToMatch) -> np.ndarray:
    return columns([row])[0].sounds[0]


def test_a_song_is_what_is_known_of_it_and_what_was_heard():
    row = heard()
    songs, places = columns([song(), row])
    assert places[row.id] == 1
    assert (songs.ids[1], songs.titles[1], songs.artists[1]) == (str(row.id), "T", "A")
    assert (songs.albums[1], songs.years[1]) == ("L", 1998)
    assert songs.sounds.dtype == np.float32
    assert songs.sounds.shape == (2, SOUND_SIZE)
    assert songs.sounds[1, :TIMBRE_SIZE].tolist() == list(range(TIMBRE_SIZE))
    assert songs.sounds[1, -4:].tolist() == pytest.approx([0.5, -14.0, 1.0, -0.25])
    assert songs.heard.tolist() == [False, True]


def test_a_song_without_a_year_has_none():
    assert math.isnan(columns([SongToMatch(uuid4(), "T", None, None, None)])[0].years[0])


@pytest.mark.parametrize(("key", "mode"), [("C♯ major", 0.25), ("A minor", -0.25), (None, 0)])
def test_a_key_is_major_or_minor_as_far_as_it_is_sure(key, mode):
    assert sound(heard(key=key))[-1] == mode


@pytest.mark.parametrize("size", [0, 1, TIMBRE_SIZE - 1, TIMBRE_SIZE + 1])
def test_what_another_analyser_heard_is_not_compared(size):
    timbre = np.zeros(size, dtype="<f4").tobytes()
    assert np.isnan(sound(heard(timbre=timbre))).all()


@pytest.mark.parametrize("bpm", [60.0, 87.5, 140.0])
def test_a_tempo_and_its_double_are_the_same_point(bpm):
    assert sound(heard(tempo_bpm=bpm)) == pytest.approx(sound(heard(tempo_bpm=2 * bpm)), abs=1e-5)


def test_a_tempo_half_an_octave_away_is_across_the_circle():
    around = slice(TIMBRE_SIZE, TIMBRE_SIZE + 2)
    a = sound(heard(tempo_bpm=100.0, tempo_confidence=1.0))[around]
    b = sound(heard(tempo_bpm=100.0 * 2**0.5, tempo_confidence=1.0))[around]
    assert np.linalg.norm(a - b) == pytest.approx(2, abs=1e-5)


def test_an_unsure_beat_lies_in_the_middle():
    assert sound(heard(tempo_confidence=0.0))[TIMBRE_SIZE : TIMBRE_SIZE + 3].tolist() == [0, 0, 0]


def test_a_playlist_has_its_songs_once_without_those_that_are_gone():
    first, second, gone = uuid4(), uuid4(), uuid4()
    _, places = columns([song(first), song(second)])
    full, empty = uuid4(), uuid4()
    found = playlists({full: [second, gone, first, second], empty: []}, places)
    assert [playlist.playlist_id for playlist in found] == [str(full), str(empty)]
    assert [playlist.songs.tolist() for playlist in found] == [[0, 1], []]
