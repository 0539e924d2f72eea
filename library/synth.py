"""A small synthesiser: enough to make songs that differ in tempo, key and timbre. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RATE_HZ = 44_100
Sound = npt.NDArray[np.float64]

_MAJOR, _MINOR = (0, 4, 7), (0, 3, 7)
#: Chords of a song as (steps above the tonic, whether minor).
_PROGRESSIONS = {
    "major": ((0, False), (5, False), (7, False), (0, False)),
    "minor": ((0, True), (5, True), (7, True), (0, True)),
}


@dataclass(frozen=True, slots=True)
class Score:
    """What is played."""

    style: str
    tempo_bpm: float
    #: 0 for C to 11 for B.
    tonic: int
    mode: str
    seed: int
    seconds: float = 10.0


def render(score: Score) -> Sound:
    """The music, mono at `RATE_HZ`, peaks at 0.8."""
    rng = np.random.default_rng(score.seed)
    total = int(score.seconds * RATE_HZ)
    out = np.zeros(total + RATE_HZ)
    beat = 60 / score.tempo_bpm
    progression = _PROGRESSIONS[score.mode]
    for number in range(int(score.seconds / beat)):
        steps, minor = progression[number // 4 % len(progression)]
        chord = [48 + score.tonic + steps + note for note in (_MINOR if minor else _MAJOR)]
        _STYLES[score.style](out, number * beat, beat, chord, number, rng)
    out = out[:total]
    fade = np.minimum(1, np.arange(total)[::-1] / (0.5 * RATE_HZ))
    return np.asarray(0.8 * out * fade / (np.abs(out).max() or 1.0))


def _add(out: Sound, at_seconds: float, sound: Sound) -> None:
    start = int(at_seconds * RATE_HZ)
    end = min(len(out), start + len(sound))
    out[start:end] += sound[: end - start]


def _hz(midi: float) -> float:
    return float(440 * 2 ** ((midi - 69) / 12))


def _time(seconds: float) -> Sound:
    return np.arange(int(seconds * RATE_HZ)) / RATE_HZ


def _pad(midi: float, seconds: float) -> Sound:
    """A soft tone that swells: a few sine harmonics."""
    t = _time(seconds)
    tone = sum(np.sin(2 * np.pi * _hz(midi) * n * t) / n**2 for n in (1, 2, 3))
    return np.asarray(tone * np.sin(np.pi * t / seconds) ** 0.5)


def _saw(midi: float, seconds: float) -> Sound:
    """A bright tone: a band-limited saw."""
    t, hz = _time(seconds), _hz(midi)
    harmonics = range(1, int(9_000 / hz))
    tone = sum(np.sin(2 * np.pi * hz * n * t) / n for n in harmonics)
    return np.asarray(tone * np.exp(-4 * t))


def _pluck(midi: float, seconds: float, rng: np.random.Generator) -> Sound:
    """A plucked string, after Karplus and Strong (1983)."""
    period = int(RATE_HZ / _hz(midi))
    line = rng.uniform(-1, 1, period)
    cycles = []
    for _ in range(int(seconds * RATE_HZ / period) + 1):
        cycles.append(line)
        line = 0.996 * 0.5 * (line + np.roll(line, 1))
    return np.concatenate(cycles)


def _kick() -> Sound:
    t = _time(0.25)
    return np.asarray(np.sin(2 * np.pi * (50 * t + 20 * (1 - np.exp(-30 * t)))) * np.exp(-12 * t))


def _noise(seconds: float, decay: float, rng: np.random.Generator) -> Sound:
    t = _time(seconds)
    return np.asarray(rng.normal(0, 0.5, len(t)) * np.exp(-decay * t))


def _calm(
    out: Sound, at: float, beat: float, chord: list[int], number: int, rng: np.random.Generator
) -> None:
    if number % 4 == 0:
        for note in chord:
            _add(out, at, 0.5 * _pad(note, 4 * beat))
    _add(out, at, 0.25 * _pad(chord[number % 3] + 12, beat))
    _add(out, at, 0.01 * _noise(beat, 1.0, rng))


def _dance(
    out: Sound, at: float, beat: float, chord: list[int], number: int, rng: np.random.Generator
) -> None:
    _add(out, at, 1.2 * _kick())
    _add(out, at + beat / 2, 0.3 * _noise(0.06, 60, rng))
    for half in (0, 0.5):
        _add(out, at + half * beat, 0.4 * _saw(chord[0] - 12, beat / 2))
    for note in chord:
        _add(out, at + beat / 2, 0.2 * _saw(note + 12, beat / 2))
    del number


def _strings(
    out: Sound, at: float, beat: float, chord: list[int], number: int, rng: np.random.Generator
) -> None:
    _add(out, at, 0.8 * _pluck(chord[0] - 12, beat, rng))
    for place, note in enumerate(chord):
        _add(out, at + place * beat / 3, 0.6 * _pluck(note + 12, beat, rng))
    if number % 2:
        _add(out, at, 0.5 * _noise(0.12, 25, rng))


_STYLES = {"calm": _calm, "dance": _dance, "strings": _strings}
