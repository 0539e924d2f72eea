"""The tempo of sounds whose tempo is known, and of those that have none."""

from __future__ import annotations

import numpy as np
import pytest

from library.rhythm import FASTEST_BPM, SLOWEST_BPM, tempo
from tests.unit.library.signals import RATE_HZ, beats, noise, tone


@pytest.mark.parametrize("bpm", [60, 72, 90, 100, 120, 128, 140, 160, 174])
def test_the_tempo_of_a_steady_beat_is_found(bpm):
    found, confidence = tempo(beats(bpm), RATE_HZ)
    assert found == pytest.approx(bpm, rel=0.006)
    assert confidence > 0.6


@pytest.mark.parametrize("bpm", [48, 200])
def test_an_extreme_tempo_is_found_up_to_an_octave(bpm):
    found, _ = tempo(beats(bpm), RATE_HZ)
    assert min(abs(np.log2(found / bpm) - octave) for octave in (-1, 0, 1)) < 0.015


def test_a_short_recording_of_a_slow_beat_is_as_sure_as_a_long_one():
    _, long = tempo(beats(60, 20), RATE_HZ)
    _, short = tempo(beats(60, 4), RATE_HZ)
    assert short == pytest.approx(long, abs=0.12)


def test_a_beat_under_noise_is_found_with_less_confidence():
    clear = tempo(beats(120), RATE_HZ)
    covered = tempo(beats(120) + noise(12, 0.05), RATE_HZ)
    assert covered[0] == pytest.approx(120, rel=0.01)
    assert covered[1] < clear[1]


def test_a_quiet_recording_has_the_same_tempo():
    assert tempo(beats(120) * 0.01, RATE_HZ)[0] == pytest.approx(120, rel=0.01)


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(5 * RATE_HZ, np.float32),
        np.full(5 * RATE_HZ, 0.5, np.float32),
        tone(440),
        tone(441.3) + tone(554),
        noise(),
        noise(40, seed=2),
        noise(0.1),
        np.zeros(1, np.float32),
    ],
    ids=["silence", "dc", "tone", "two tones", "noise", "long noise", "short", "one sample"],
)
def test_what_has_no_beat_is_given_the_usual_tempo_with_no_confidence(sound):
    assert tempo(sound, RATE_HZ) == (120.0, 0.0)


def test_a_single_click_is_no_beat():
    click = np.zeros(5 * RATE_HZ, np.float32)
    click[RATE_HZ] = 1
    _, confidence = tempo(click, RATE_HZ)
    assert confidence < 0.05


@pytest.mark.parametrize("seconds", [0.3, 0.5, 1, 2])
def test_a_short_sound_has_a_tempo_within_the_range(seconds):
    found, confidence = tempo(beats(120, seconds), RATE_HZ)
    assert SLOWEST_BPM * 0.98 <= found <= FASTEST_BPM * 1.02
    assert 0 <= confidence <= 1
