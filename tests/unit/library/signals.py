"""Sounds whose tempo, key and loudness are known because they are made here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Sound = npt.NDArray[np.float32]
RATE_HZ = 22_050


def moments(seconds: float, rate_hz: int = RATE_HZ) -> npt.NDArray[np.float64]:
    return np.arange(int(seconds * rate_hz)) / rate_hz


def tone(hz: float, seconds: float = 5, level: float = 0.3, rate_hz: int = RATE_HZ) -> Sound:
    return (level * np.sin(2 * np.pi * hz * moments(seconds, rate_hz))).astype(np.float32)


def noise(seconds: float = 5, level: float = 0.1, seed: int = 1) -> Sound:
    rng = np.random.default_rng(seed)
    return rng.normal(0, level, int(seconds * RATE_HZ)).astype(np.float32)


def beats(bpm: float, seconds: float = 12) -> Sound:
    """A short burst of noise on every beat."""
    out = np.zeros(int(seconds * RATE_HZ), np.float32)
    for number in range(int(seconds * bpm / 60)):
        start = int(number * 60 / bpm * RATE_HZ)
        burst = noise(0.03, 0.5, seed=number)[: len(out) - start]
        out[start : start + len(burst)] += burst * np.linspace(1, 0, len(burst), dtype=np.float32)
    return out


def chords(roots: Sequence[int], intervals: Sequence[Sequence[int]], seconds: float = 1) -> Sound:
    """Chords after each other, of tones with four harmonics. Roots are MIDI notes."""
    parts = []
    for root, notes in zip(roots, intervals, strict=True):
        hz = [440 * 2 ** ((root + note - 69) / 12) * n for note in notes for n in (1, 2, 3, 4)]
        loud = [1 / n**2 for _ in notes for n in (1, 2, 3, 4)]
        parts.append(sum(tone(f, seconds, 0.1 * a) for f, a in zip(hz, loud, strict=True)))
    return np.concatenate(parts)


MAJOR, MINOR = (0, 4, 7), (0, 3, 7)


def cadence(tonic: int, mode: str) -> Sound:
    """I IV V I, or i iv V i, as in every book of harmony."""
    one, four = (MAJOR, MAJOR) if mode == "major" else (MINOR, MINOR)
    roots = [48 + tonic + step for step in (0, 5, 7, 0)]
    return chords(roots, [one, four, MAJOR, one])
