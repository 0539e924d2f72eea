"""Hearing: what two decoders make of a file, and how much of it has to be heard for it to count."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mutagen
import numpy as np
import pyebur128
import soxr
from mutagen.mp3 import BitrateMode, MPEGInfo

from .decoding import (
    CannotOpen,
    Decoder,
    Opened,
    Samples,
    begins_as_sound,
    by_ffmpeg,
    by_libsndfile,
)
from .errors import UnhearableFile, UnreadableFile
from .listening import SILENCE_LUFS

RATE_HZ = 22_050
#: A longer file is heard up to this point: enough for every figure, and a bound on memory.
MAX_SECONDS = 15 * 60
#: A shorter file is refused as too short.
MIN_SECONDS = 0.1
#: A rate below this is a damaged header's, and holds no music.
MIN_RATE_HZ = 2_000
#: A damaged song counts if at least this share of it can be heard: tempo, key and timbre of half a
#: song are those of the song.
LEAST_SHARE = 0.5
#: Decoders and headers disagree by so much about the length of a file that is whole.
_SLACK_SECONDS, _SLACK_SHARE = 0.5, 0.02
_PLAIN = frozenset({".wav", ".aif", ".aiff"})
#: Louder samples are damaged ones: 1 is full scale, files that hold integers as floats 32,768.
_LOUDEST = 32_768.0
#: EBU R 128 weighs the channels of 5.1: left, right, centre, the deepest, and two behind.
_MOST_CHANNELS = 6


@dataclass(frozen=True, slots=True)
class Heard:
    """What a decoder made of a file."""

    #: Mono at `RATE_HZ`.
    mono: Samples
    loudness_lufs: float
    seconds: float
    #: As far as is known, the length of all of it, or of what is heard of a very long one.
    whole_seconds: float
    #: Where the first thing is missing; None where nothing is.
    damaged_from_seconds: float | None

    @property
    def damage(self) -> str | None:
        """What is missing, in a sentence, or None."""
        if self.damaged_from_seconds is None:
            return None
        return (
            f"The file is damaged from {_minutes(self.damaged_from_seconds)} on: "
            f"{_minutes(self.seconds)} of {_minutes(self.whole_seconds)} can be heard."
        )


def hear(path: Path) -> Heard:
    """All that can be heard of a file, by the decoder that hears more of it.

    Raises:
        UnhearableFile: too little of it can be heard.
        UnreadableFile: it cannot be opened at all.
    """
    try:
        if not path.is_file():
            raise UnreadableFile("The file is gone.")
        if path.stat().st_size == 0:
            raise UnhearableFile("The file is empty.")
        heard = _by(by_libsndfile, path)
        if heard is None or heard.damaged_from_seconds is not None or _may_go_on(path, heard):
            other = _by(by_ffmpeg, path)
            heard = max((h for h in (heard, other) if h), key=lambda h: h.seconds, default=None)
    except OSError as error:
        raise UnreadableFile(f"The file cannot be read: {error.strerror}.") from error
    if heard is None:
        raise UnhearableFile(_why_not(path))
    _require_enough(heard)
    return heard


def _require_enough(heard: Heard) -> None:
    if not heard.seconds:
        raise UnhearableFile("There is no sound in this file.")
    if heard.damage and heard.seconds < LEAST_SHARE * heard.whole_seconds:
        raise UnhearableFile(f"{heard.damage} That is less than half, and does not count.")
    if heard.seconds < MIN_SECONDS:
        raise UnhearableFile(
            f"The file is too short to be heard: {heard.seconds:.2f} of at least {MIN_SECONDS} "
            "seconds."
        )


def _why_not(path: Path) -> str:
    if begins_as_sound(path):
        return "The file is damaged at its beginning: nothing of it can be heard."
    return "The file is in no format of sound that Earmark knows."


def _by(decoder: Decoder, path: Path) -> Heard | None:
    """What a decoder hears, or None where it cannot open the file."""
    ear = _Ear()
    try:
        with decoder(path) as opened:
            for rate_hz, block in opened.blocks:
                if rate_hz < MIN_RATE_HZ:
                    return None
                ear.listen(rate_hz, block)
                ear.note_loss(opened)
                if ear.seconds >= MAX_SECONDS:
                    break
            return ear.heard(opened, told_seconds=_told_by_header(path))
    except CannotOpen:
        return None


class _Ear:
    """Takes a file's blocks one by one, and keeps of each what is needed: so memory is bounded."""

    def __init__(self) -> None:
        # Pages that nothing is written to take no memory.
        self._mono = np.empty(MAX_SECONDS * RATE_HZ + 1, np.float32)
        self._filled = 0
        self._loudness: Any = None
        self._resampler: Any = None
        self._channels = 0
        self._first_loss: float | None = None
        self.seconds = 0.0

    def listen(self, rate_hz: int, block: Samples) -> None:
        """Hear the next block."""
        # A damaged float file may hold NaN or more than any sum takes, which would spread to all.
        block = np.clip(np.nan_to_num(block, nan=0.0), -_LOUDEST, _LOUDEST)
        left = max(0, round((MAX_SECONDS - self.seconds) * rate_hz))
        block = block[:left]
        if not self._channels:
            self._begin(rate_hz, block.shape[1])
        self._measure(block, rate_hz)
        mono = np.ascontiguousarray(block.mean(axis=1), dtype=np.float32)
        self._keep(mono if self._resampler is None else self._resampler.resample_chunk(mono))
        self.seconds += len(block) / rate_hz

    def _begin(self, rate_hz: int, channels: int) -> None:
        self._channels = min(_MOST_CHANNELS, channels)
        self._loudness = pyebur128.R128State(
            self._channels, rate_hz, pyebur128.MeasurementMode.MODE_I
        )
        if rate_hz != RATE_HZ:
            self._resampler = soxr.ResampleStream(rate_hz, RATE_HZ, 1, "float32", quality="MQ")

    def _measure(self, block: Samples, rate_hz: int) -> None:
        sound = np.ascontiguousarray(block[:, : self._channels])
        step = 10 * rate_hz
        for start in range(0, len(sound), step):
            part = sound[start : start + step]
            self._loudness.add_frames(part.reshape(-1), len(part))

    def _keep(self, mono: Samples) -> None:
        mono = mono[: len(self._mono) - self._filled]
        self._mono[self._filled : self._filled + len(mono)] = mono
        self._filled += len(mono)

    def note_loss(self, opened: Opened) -> None:
        """Remember where something was lost first."""
        if opened.lost_seconds and self._first_loss is None:
            self._first_loss = self.seconds

    def heard(self, opened: Opened, *, told_seconds: float | None) -> Heard:
        """What was heard, when all is."""
        if self._resampler is not None:
            self._keep(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
        announced = max(opened.announced_seconds or 0.0, told_seconds or 0.0)
        whole = min(MAX_SECONDS, max(announced, self.seconds + opened.lost_seconds))
        slack = max(_SLACK_SECONDS, _SLACK_SHARE * whole)
        is_short = whole - self.seconds > slack
        lost_at = self._first_loss if opened.lost_seconds > slack else None
        return Heard(
            self._mono[: self._filled],
            _lufs(self._loudness) if self.seconds else SILENCE_LUFS,
            self.seconds,
            whole,
            (lost_at if lost_at is not None else self.seconds) if is_short else None,
        )


def _lufs(state: Any) -> float:
    """Integrated loudness, EBU R 128; never below `SILENCE_LUFS`."""
    loudness = float(pyebur128.get_loudness_global(state))
    return max(SILENCE_LUFS, loudness) if math.isfinite(loudness) else SILENCE_LUFS


def _told_by_header(path: Path) -> float | None:
    """How long the header says that a file is, where a decoder does not tell it.

    Of an MP3 with a Xing or VBRI header, without which nothing is sure; and of WAV and AIFF, of
    which libsndfile tells what is there.
    """
    info = _mp3_info(path)
    if info is not None:
        return float(info.length) if info.bitrate_mode != BitrateMode.UNKNOWN else None
    if path.suffix.lower() not in _PLAIN:
        return None
    try:
        return float(mutagen.File(path).info.length)
    except (mutagen.MutagenError, AttributeError, ZeroDivisionError):
        return None


def _may_go_on(path: Path, heard: Heard) -> bool:
    """Whether an MP3 may hold more: libsndfile ends at a damaged place and takes it for the end."""
    info = _mp3_info(path)
    return info is not None and heard.seconds < 0.9 * min(MAX_SECONDS, info.length)


def _mp3_info(path: Path) -> Any:
    if path.suffix.lower() != ".mp3":
        return None
    try:
        with path.open("rb") as file:
            return MPEGInfo(file)
    except mutagen.MutagenError:
        return None


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
