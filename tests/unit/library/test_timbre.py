"""The vector of a sound's colour: finite always, and different where sounds differ."""

from __future__ import annotations

import numpy as np
import pytest

from library.timbre import TIMBRE_SIZE, describe
from tests.unit.library.signals import RATE_HZ, Sound, beats, noise, tone

CENTROID, FLATNESS, ROLLOFF, FLUX, CROSSINGS, QUIET = 60, 62, 63, 64, 65, 66

SOUNDS = {
    "silence": np.zeros(RATE_HZ, np.float32),
    "one sample": np.ones(1, np.float32),
    "two samples": np.array([1, -1], np.float32),
    "dc": np.full(RATE_HZ, 0.5, np.float32),
    "click": np.eye(1, RATE_HZ, 100, dtype=np.float32)[0],
    "noise": noise(1),
    "tone": tone(440, 1),
    "very loud": tone(440, 1, 30_000),
    "very quiet": tone(440, 1, 1e-30),
}


@pytest.mark.parametrize("sound", SOUNDS.values(), ids=SOUNDS.keys())
def test_every_sound_is_described_by_finite_numbers(sound: Sound) -> None:
    found = describe(sound, RATE_HZ)
    assert found.shape == (TIMBRE_SIZE,)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 1e5


def test_a_brighter_sound_has_its_middle_higher() -> None:
    low, high = describe(tone(300), RATE_HZ), describe(tone(6000), RATE_HZ)
    assert low[CENTROID] == pytest.approx(300 / (RATE_HZ / 2), rel=0.3)
    assert high[CENTROID] == pytest.approx(6000 / (RATE_HZ / 2), rel=0.05)
    assert low[ROLLOFF] < high[ROLLOFF]


def test_most_of_white_noise_lies_below_85_percent_of_its_range() -> None:
    assert describe(noise(), RATE_HZ)[ROLLOFF] == pytest.approx(0.85, abs=0.01)


def test_noise_is_flatter_than_a_tone() -> None:
    assert describe(noise(), RATE_HZ)[FLATNESS] > 0.5
    assert describe(tone(440), RATE_HZ)[FLATNESS] < 0.05


def test_a_tone_crosses_zero_twice_in_a_period() -> None:
    assert describe(tone(1000), RATE_HZ)[CROSSINGS] == pytest.approx(2000 / RATE_HZ, rel=0.01)


def test_beats_change_more_and_leave_more_quiet_than_a_tone() -> None:
    beat, steady = describe(beats(120), RATE_HZ), describe(tone(440), RATE_HZ)
    assert beat[FLUX] > 10 * steady[FLUX]
    assert beat[QUIET] > 0.5
    assert steady[QUIET] == 0


def test_loudness_moves_only_the_first_coefficient_of_a_full_sound() -> None:
    loud, quiet = describe(noise(level=0.2), RATE_HZ), describe(noise(level=0.1), RATE_HZ)
    # 6 dB in each of 40 bands of an orthonormal transform: 6.02 × √40.
    assert loud[0] - quiet[0] == pytest.approx(6.02 * 40**0.5, rel=0.01)
    assert loud[1:] == pytest.approx(quiet[1:], abs=0.01)
