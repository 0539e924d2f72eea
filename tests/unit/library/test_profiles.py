"""From rows to what the matcher compares."""

from __future__ import annotations

from uuid import UUID, uuid4

import numpy as np
import pytest

from library.features import SongToMatch
from library.profiles import playlist_profiles, song_profile
from library.timbre import TIMBRE_SIZE

HEARD = {
    "tempo_bpm": 120.0,
    "tempo_confidence": 0.5,
    "loudness_lufs": -14.0,
    "timbre": np.arange(TIMBRE_SIZE, dtype="<f4").tobytes(),
}


def song(song_id: UUID | None = None, **heard: object) -> SongToMatch:
    return SongToMatch(song_id or uuid4(), "T", "A", "L", 1998, **heard)  # type: ignore[arg-type]


def heard(**values: object) -> SongToMatch:
    return song(**{**HEARD, **values})


def test_a_song_is_what_is_known_of_it_and_what_was_heard():
    row = heard()
    profile = song_profile(row)
    assert (profile.song_id, profile.artist, profile.album, profile.year) == (
        str(row.id),
        "A",
        "L",
        1998,
    )
    assert profile.sound is not None
    assert profile.sound.dtype == np.float32
    assert profile.sound[:TIMBRE_SIZE].tolist() == list(range(TIMBRE_SIZE))
    assert profile.sound[-2:].tolist() == [0.5, -14.0]


def test_a_song_that_was_not_heard_has_no_sound():
    assert song_profile(song()).sound is None


@pytest.mark.parametrize("size", [0, 1, TIMBRE_SIZE - 1, TIMBRE_SIZE + 1])
def test_what_another_analyser_heard_is_not_compared(size):
    timbre = np.zeros(size, dtype="<f4").tobytes()
    assert song_profile(heard(timbre=timbre)).sound is None


@pytest.mark.parametrize("bpm", [60.0, 87.5, 140.0])
def test_a_tempo_and_its_double_are_the_same_point(bpm):
    slow = song_profile(heard(tempo_bpm=bpm)).sound
    fast = song_profile(heard(tempo_bpm=2 * bpm)).sound
    assert slow == pytest.approx(fast, abs=1e-5)


def test_a_tempo_half_an_octave_away_is_across_the_circle():
    a = song_profile(heard(tempo_bpm=100.0, tempo_confidence=1.0)).sound
    b = song_profile(heard(tempo_bpm=100.0 * 2**0.5, tempo_confidence=1.0)).sound
    assert a is not None
    assert b is not None
    assert np.linalg.norm(a[-4:-2] - b[-4:-2]) == pytest.approx(2, abs=1e-5)


def test_an_unsure_beat_lies_in_the_middle():
    sound = song_profile(heard(tempo_confidence=0.0)).sound
    assert sound is not None
    assert sound[-4:-1].tolist() == [0, 0, 0]


def test_a_playlist_has_its_songs_in_order_without_those_that_are_gone():
    first, second, gone = uuid4(), uuid4(), uuid4()
    known = {sid: song_profile(song(sid)) for sid in (first, second)}
    full, empty = uuid4(), uuid4()
    found = playlist_profiles({full: [second, gone, first], empty: []}, known)
    assert [profile.playlist_id for profile in found] == [str(full), str(empty)]
    assert [s.song_id for s in found[0].songs] == [str(second), str(first)]
    assert found[1].songs == ()
