"""The key of sounds whose key is known, and of those that have none."""

from __future__ import annotations

import numpy as np
import pytest

from library.tonality import NAMES, key, pitch_classes
from tests.unit.library.signals import RATE_HZ, beats, cadence, noise, tone


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", range(12))
def test_the_key_of_a_cadence_is_found(tonic, mode):
    name, confidence = key(cadence(tonic, mode), RATE_HZ)
    assert name == f"{NAMES[tonic]} {mode}"
    assert confidence > 0.6


def test_a_quiet_recording_has_the_same_key():
    assert key(cadence(3, "minor") * 1e-3, RATE_HZ)[0] == "E♭ minor"


@pytest.mark.parametrize("midi", [45, 57, 60, 69, 76, 84])
def test_a_tone_sounds_in_its_pitch_class(midi):
    classes = pitch_classes(tone(440 * 2 ** ((midi - 69) / 12)), RATE_HZ)
    assert classes.argmax() == midi % 12
    assert classes.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(5 * RATE_HZ, np.float32),
        np.full(5 * RATE_HZ, 0.5, np.float32),
        noise(),
        noise(60, seed=3),
        beats(120),
        np.zeros(1, np.float32),
        cadence(0, "major") * 1e-10,
        tone(30),
        tone(5000),
    ],
    ids=[
        "silence",
        "dc",
        "noise",
        "long noise",
        "drums",
        "one sample",
        "inaudible",
        "too low",
        "too high",
    ],
)
def test_what_has_no_key_is_given_none(sound):
    name, confidence = key(sound, RATE_HZ)
    assert name is None
    assert -1 <= confidence <= 1


def test_silence_has_no_pitch_class():
    assert not pitch_classes(np.zeros(RATE_HZ, np.float32), RATE_HZ).any()
