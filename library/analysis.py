"""Listening: measures tempo, key, loudness and timbre of an audio file.

A file is decoded once, in blocks. Loudness is measured at its own rate, all else in mono at
22.05 kHz.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import rhythm, timbre, tonality
from .hearing import RATE_HZ, hear
from .listening import Listening

#: Raise it when what is heard changes, so that every song is heard again.
ANALYSER_VERSION = 3

STAGES = ("decode", "rhythm", "tonality", "timbre")


def analyse(path: Path, *, on_stage: Callable[[str], None] | None = None) -> Listening:
    """Listen to a file. `on_stage` is told each of `STAGES` as it begins.

    Raises:
        UnhearableFile: the file is empty, damaged, too short or of a form that is not known.
        UnreadableFile: the file is gone, or cannot be read at this time.
    """
    told = on_stage or (lambda _: None)
    told("decode")
    heard = hear(path)
    told("rhythm")
    tempo_bpm, tempo_confidence = rhythm.tempo(heard.mono, RATE_HZ)
    told("tonality")
    key, key_confidence = tonality.key(heard.mono, RATE_HZ)
    told("timbre")
    return Listening(
        tempo_bpm=tempo_bpm,
        tempo_confidence=tempo_confidence,
        loudness_lufs=heard.loudness_lufs,
        key=key,
        key_confidence=key_confidence,
        duration_seconds=heard.seconds,
        timbre=timbre.describe(heard.mono, RATE_HZ),
        damage=heard.damage,
    )
