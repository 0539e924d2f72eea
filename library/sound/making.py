"""Making: one song's MP3 and waveform, written while others read what is there already."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..decoding import CannotOpen, Opened, Samples, by_ffmpeg, by_libsndfile
from ..errors import UnhearableFile
from . import mp3
from .waveform import Waveform

#: FFmpeg goes on behind a damaged place; libsndfile opens some files that it refuses.
_DECODERS = (by_ffmpeg, by_libsndfile)
_MIN_RATE_HZ = 2_000


def make(path: Path, *, frames: int | None, part: int | None, from_seconds: float = 0.0) -> bytes:
    """Write a file's MP3 to a descriptor, if there is one, and return its waveform.

    Args:
        path: What browsers do not play.
        frames: The number of frames that was announced, or None.
        part: Where the MP3 goes.
        from_seconds: What is before it is left out, of the waveform, too.

    Raises:
        UnhearableFile: no decoder makes anything of it.
        OSError: the disk cannot be read, or is full.
    """
    for decoder in _DECODERS:
        try:
            with decoder(path) as opened:
                return _make(opened, frames, part, from_seconds)
        except CannotOpen:
            continue
    raise UnhearableFile("It is damaged, or in no format of sound that Earmark knows.")


def _make(opened: Opened, frames: int | None, part: int | None, from_seconds: float) -> bytes:
    waveform = Waveform()
    blocks = _taken(_heard(opened.blocks, from_seconds), waveform)
    first = next(blocks, None)
    if first is None:
        raise CannotOpen
    if part is None:
        for _ in blocks:
            pass
        return waveform.peaks()
    with os.fdopen(os.dup(part), "wb") as file:
        for piece in mp3.encoded(_after(first, blocks), frames=frames):
            file.write(piece)
    return waveform.peaks()


def _after(
    first: tuple[int, Samples], rest: Iterator[tuple[int, Samples]]
) -> Iterator[tuple[int, Samples]]:
    yield first
    yield from rest


def _taken(
    blocks: Iterator[tuple[int, Samples]], waveform: Waveform
) -> Iterator[tuple[int, Samples]]:
    for rate_hz, block in blocks:
        waveform.take(rate_hz, block)
        yield rate_hz, block


def _heard(
    blocks: Iterator[tuple[int, Samples]], from_seconds: float
) -> Iterator[tuple[int, Samples]]:
    """Blocks from a moment on, to the bound of a song's length."""
    seconds = 0.0
    for rate_hz, block in blocks:
        # A damaged header tells of no rate, or of none that holds music.
        if rate_hz < _MIN_RATE_HZ or not block.size:
            return
        early = round((from_seconds - seconds) * rate_hz)
        seconds += len(block) / rate_hz
        if early < len(block):
            yield rate_hz, block[max(0, early) :]
        if seconds >= mp3.MAX_SECONDS:
            return
