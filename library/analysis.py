"""Listening: measures tempo, key, loudness and timbre of an audio file.

A file is decoded once. Loudness is measured at its own rate, all else in mono at 22.05 kHz.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyebur128
import soundfile
import soxr

from . import rhythm, timbre, tonality
from .errors import UnreadableFile
from .listening import SILENCE_LUFS, Listening

#: Raise it when what is heard changes, so that every song is heard again.
ANALYSER_VERSION = 2

RATE_HZ = 22_050
#: A longer file is heard up to this point: enough for every figure, and a bound on memory.
MAX_SECONDS = 15 * 60
#: Numbers decoded at most: 15 minutes of stereo at 48 kHz; more channels are heard for less long.
MAX_NUMBERS = MAX_SECONDS * 48_000 * 2
#: A shorter file is refused as too short.
MIN_SECONDS = 0.1
#: A rate below this is a damaged header's, and holds no music.
MIN_RATE_HZ = 2_000
#: Louder samples are damaged ones: 1 is full scale, files that hold integers as floats 32,768.
_LOUDEST = 32_768.0

STAGES = ("decode", "loudness", "rhythm", "tonality", "timbre")

Samples = npt.NDArray[np.float32]


def analyse(path: Path, *, on_stage: Callable[[str], None] | None = None) -> Listening:
    """Listen to a file. `on_stage` is told each of `STAGES` as it begins.

    Raises:
        UnreadableFile: the file is empty, damaged, too short or of a form that is not known.
    """
    told = on_stage or (lambda _: None)
    told("decode")
    samples, rate_hz = _decode(path)
    duration_seconds = len(samples) / rate_hz
    if duration_seconds < MIN_SECONDS:
        raise UnreadableFile("There is nothing to hear in this file.")
    told("loudness")
    loudness = _loudness(samples, rate_hz)
    mono = np.ascontiguousarray(samples.mean(axis=1), dtype=np.float32)
    if rate_hz != RATE_HZ:
        mono = soxr.resample(mono, rate_hz, RATE_HZ, quality="MQ")
    told("rhythm")
    tempo_bpm, tempo_confidence = rhythm.tempo(mono, RATE_HZ)
    told("tonality")
    key, key_confidence = tonality.key(mono, RATE_HZ)
    told("timbre")
    return Listening(
        tempo_bpm=tempo_bpm,
        tempo_confidence=tempo_confidence,
        loudness_lufs=loudness,
        key=key,
        key_confidence=key_confidence,
        duration_seconds=duration_seconds,
        timbre=timbre.describe(mono, RATE_HZ),
    )


def _decode(path: Path) -> tuple[Samples, int]:
    if not path.is_file():
        raise UnreadableFile("The file is gone.")
    if path.stat().st_size == 0:
        raise UnreadableFile("The file is empty.")
    try:
        with soundfile.SoundFile(os.fsencode(path)) as file:
            frames = min(MAX_SECONDS * file.samplerate, MAX_NUMBERS // file.channels)
            samples = file.read(frames, dtype="float32", always_2d=True)
            rate_hz = int(file.samplerate)
    except (soundfile.SoundFileError, OSError, ValueError) as error:
        raise UnreadableFile("The file is damaged or is not audio that can be read.") from error
    if not len(samples):
        raise UnreadableFile("There is no sound in this file.")
    if rate_hz < MIN_RATE_HZ:
        raise UnreadableFile("The file is damaged or is not audio that can be read.")
    # A damaged float file may hold NaN or more than any sum takes, which would spread to all.
    np.nan_to_num(samples, copy=False, nan=0.0)
    return np.clip(samples, -_LOUDEST, _LOUDEST, out=samples), rate_hz


def _loudness(samples: Samples, rate_hz: int) -> float:
    """Integrated loudness in LUFS, EBU R 128; never below `SILENCE_LUFS`."""
    channels = min(2, samples.shape[1])
    state = pyebur128.R128State(channels, rate_hz, pyebur128.MeasurementMode.MODE_I)
    sound = np.ascontiguousarray(samples[:, :channels], dtype=np.float32)
    block = 10 * rate_hz
    for start in range(0, len(sound), block):
        part = sound[start : start + block]
        state.add_frames(part.reshape(-1), len(part))
    loudness = pyebur128.get_loudness_global(state)
    return max(SILENCE_LUFS, float(loudness)) if math.isfinite(loudness) else SILENCE_LUFS
