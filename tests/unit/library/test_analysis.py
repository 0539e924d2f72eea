"""Listening to files of every kind, from silence to damage."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile

from library import hearing
from library.analysis import STAGES, analyse
from library.errors import UnhearableFile, UnreadableFile
from library.hearing import MIN_RATE_HZ
from library.listening import SILENCE_LUFS, Listening
from tests.unit.library.signals import beats, cadence, noise, tone

RATE_HZ = 44_100


def heard(
    folder: Path, sound: np.ndarray, rate_hz: int = RATE_HZ, name: str = "a.wav"
) -> Listening:
    subtype = "FLOAT" if name.endswith(".wav") else None
    soundfile.write(folder / name, sound, rate_hz, subtype=subtype)
    return analyse(folder / name)


def numbers(listening: Listening) -> list[float]:
    return [
        listening.tempo_bpm,
        listening.tempo_confidence,
        listening.loudness_lufs,
        listening.key_confidence,
        listening.duration_seconds,
        *listening.timbre.tolist(),
    ]


def _spoilt(value: float) -> np.ndarray:
    sound = tone(440, 2, rate_hz=RATE_HZ)
    sound[::100] = value
    return sound


SOUNDS = {
    "silence": np.zeros(RATE_HZ * 3),
    "click": np.eye(1, RATE_HZ * 3, 1000)[0],
    "dc": np.full(RATE_HZ * 3, 0.5),
    "noise": noise(3),
    "very short": tone(440, 0.11, rate_hz=RATE_HZ),
    "half a second": tone(440, 0.5, rate_hz=RATE_HZ),
    "square": np.sign(tone(440, 3, rate_hz=RATE_HZ)),
    "very quiet": tone(440, 3, 1e-20, RATE_HZ),
    "integers as floats": tone(440, 3, 32_767, RATE_HZ),
    "far too loud": tone(440, 3, 1e30, RATE_HZ),
    "NaN in it": _spoilt(np.nan),
    "infinity in it": _spoilt(np.inf),
    "only NaN": np.full(RATE_HZ, np.nan),
    "out of phase": np.stack([tone(440, 3), -tone(440, 3)], axis=1),
    "six channels": np.stack([tone(440 + 10 * n, 3) for n in range(6)], axis=1),
}


@pytest.mark.parametrize("sound", SOUNDS.values(), ids=SOUNDS.keys())
def test_every_number_is_finite_whatever_sounds(tmp_path: Path, sound: np.ndarray) -> None:
    listening = heard(tmp_path, sound)
    assert all(map(math.isfinite, numbers(listening)))
    assert listening.loudness_lufs >= SILENCE_LUFS
    assert 0 <= listening.tempo_confidence <= 1
    assert -1 <= listening.key_confidence <= 1
    assert listening.duration_seconds == pytest.approx(len(sound) / RATE_HZ)


def test_silence_has_no_loudness_no_key_and_no_beat(tmp_path: Path) -> None:
    listening = heard(tmp_path, np.zeros(RATE_HZ * 3))
    assert listening.loudness_lufs == SILENCE_LUFS
    assert (listening.key, listening.tempo_confidence) == (None, 0.0)


def test_the_loudness_is_the_one_the_standard_states(tmp_path: Path) -> None:
    # EBU Tech 3341, test 1: a stereo sine of 1 kHz at -23 dBFS has -23 LUFS, within 0.1.
    sine = tone(1000, 20, 10 ** (-23 / 20), 48_000)
    listening = heard(tmp_path, np.stack([sine, sine], axis=1), 48_000)
    assert listening.loudness_lufs == pytest.approx(-23, abs=0.1)


def test_the_loudness_of_a_part_of_silence_is_gated_away(tmp_path: Path) -> None:
    sine = tone(1000, 20, 10 ** (-23 / 20), 48_000)
    quiet = np.zeros(48_000 * 40, np.float32)
    both = np.concatenate([sine, quiet])
    assert heard(tmp_path, np.stack([both, both], axis=1), 48_000).loudness_lufs == pytest.approx(
        -23, abs=0.2
    )


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_tempo_and_key_do_not_hang_on_the_rate(tmp_path: Path, rate_hz: int) -> None:
    import soxr

    sound = np.tile(cadence(9, "minor"), 3) + beats(120, 12)
    listening = heard(tmp_path, soxr.resample(sound, 22_050, rate_hz), rate_hz)
    assert listening.tempo_bpm == pytest.approx(120, rel=0.01)
    assert listening.key == "A minor"


@pytest.mark.parametrize("name", ["a.flac", "a.ogg", "a.mp3", "a.aiff"])
def test_a_song_is_heard_alike_in_every_format(tmp_path: Path, name: str) -> None:
    sound = np.tile(cadence(2, "major"), 3) * 0.3 + beats(100, 12) * 0.5
    plain = heard(tmp_path, sound, 22_050)
    coded = heard(tmp_path, sound, 22_050, name)
    assert coded.tempo_bpm == pytest.approx(plain.tempo_bpm, rel=0.01)
    assert coded.loudness_lufs == pytest.approx(plain.loudness_lufs, abs=0.5)
    assert coded.key == plain.key == "D major"
    assert coded.duration_seconds == pytest.approx(plain.duration_seconds, abs=0.1)


def test_the_same_file_is_heard_the_same_twice(tmp_path: Path) -> None:
    first = heard(tmp_path, noise(3))
    assert numbers(first) == numbers(analyse(tmp_path / "a.wav"))


def test_stages_are_told_in_their_order(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(1), 22_050)
    told: list[str] = []
    analyse(tmp_path / "a.wav", on_stage=told.append)
    assert tuple(told) == STAGES


def test_a_long_file_is_heard_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "MAX_SECONDS", 2)
    assert heard(tmp_path, noise(5), 22_050).duration_seconds == 2


@pytest.mark.parametrize(
    ("samples", "rate_hz", "reason"),
    [
        (0, RATE_HZ, "There is no sound in this file."),
        (1, RATE_HZ, "The file is too short to be heard: 0.00 of at least 0.1 seconds."),
        (4_000, RATE_HZ, "The file is too short to be heard: 0.09 of at least 0.1 seconds."),
        (
            4_000,
            MIN_RATE_HZ - 1,
            "The file is damaged at its beginning: nothing of it can be heard.",
        ),
    ],
)
def test_what_holds_no_music_says_so(
    tmp_path: Path, samples: int, rate_hz: int, reason: str
) -> None:
    with pytest.raises(UnhearableFile) as caught:
        heard(tmp_path, np.zeros(samples), rate_hz)
    assert caught.value.reason == reason


@pytest.mark.parametrize("path", ["gone.ogg", "."])
def test_what_is_no_file_is_gone(tmp_path: Path, path: str) -> None:
    with pytest.raises(UnreadableFile, match="The file is gone"):
        analyse(tmp_path / path)


@pytest.mark.parametrize("name", ["a.flac", "a.ogg", "a.mp3", "a.wav"])
def test_a_file_cut_anywhere_is_heard_or_says_so(tmp_path: Path, name: str) -> None:
    soundfile.write(tmp_path / name, noise(1), 22_050)
    data = (tmp_path / name).read_bytes()
    for end in (1, 10, 44, 100, 500, len(data) // 2, len(data) - 1):
        (tmp_path / name).write_bytes(data[:end])
        with suppress(UnreadableFile):
            assert all(map(math.isfinite, numbers(analyse(tmp_path / name))))
