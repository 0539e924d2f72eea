"""Decoding: an audio file as blocks of samples, by whichever of two decoders can open it.

libsndfile is the quicker and opens some files that FFmpeg refuses; FFmpeg (by PyAV) knows many more
formats, and goes on behind a damaged place where libsndfile ends.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

Samples = npt.NDArray[np.float32]

#: Numbers of a block: some seconds of stereo, 4 MB.
_BLOCK_NUMBERS = 1 << 20
#: Formats of sound alone: none that names other files or addresses, as playlists do.
_FORMATS = (
    "aac,ac3,aiff,amr,ape,asf,au,caf,dsf,eac3,flac,iff,matroska,mov,mp3,mpc,mpc8,ogg,shn,tak,tta,"
    "w64,wav,wv"
)
#: How FFmpeg is told to open nothing but the file it is given.
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "none"}
#: FFmpeg guesses the length of these from their first frames.
_GUESSED = frozenset({"aac", "ac3", "eac3", "mp3"})
#: How files of sound begin: what begins so and cannot be decoded is damaged, and else unknown.
_BEGINNINGS = (
    *(b"fLaC", b"OggS", b"RIFF", b"RF64", b"FORM", b"ID3", b"MAC ", b"wvpk", b"MPCK", b"MP+"),
    *(b"\x30\x26\xb2\x75", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xf1", b"\xff\xf9"),
    *(b"TTA1", b"DSD ", b"\x1aE\xdf\xa3"),
)


class CannotOpen(Exception):
    """A decoder knows nothing of a file."""


@dataclass(slots=True)
class Opened:
    """A file that a decoder reads."""

    #: The rate in Hz, and samples of the shape (frames, channels). It ends early where the file is
    #: damaged and the decoder cannot go on.
    blocks: Iterator[tuple[int, Samples]]
    #: How long the file says it is.
    announced_seconds: float | None = None
    #: What was left out because it could not be decoded, as far as is known by now.
    lost_seconds: float = field(default=0.0)


Decoder = Callable[[Path], AbstractContextManager[Opened]]


@contextmanager
def by_libsndfile(path: Path) -> Iterator[Opened]:
    """A file as libsndfile reads it.

    Raises:
        CannotOpen: it knows nothing of the file.
    """
    try:
        file = soundfile.SoundFile(os.fsencode(path))
    except (soundfile.SoundFileError, OSError, ValueError) as error:
        raise CannotOpen from error
    with file:
        yield Opened(_sndfile_blocks(file), file.frames / max(1, file.samplerate))


def _sndfile_blocks(file: Any) -> Iterator[tuple[int, Samples]]:
    frames = max(1, _BLOCK_NUMBERS // file.channels)
    while True:
        try:
            block = file.read(frames, dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, ValueError):
            return
        if not len(block):
            return
        yield int(file.samplerate), block


def _av() -> Any:
    """FFmpeg, loaded when it is needed: it takes 20 MB, and whoever syncs has no use for it."""
    return import_module("av")


@contextmanager
def by_ffmpeg(path: Path) -> Iterator[Opened]:
    """A file as FFmpeg reads it: sound alone, and no other file or address that it may name.

    Raises:
        CannotOpen: it knows nothing of the file, or finds no sound in it.
    """
    av = _av()
    with path.open("rb") as raw:
        try:
            container: Any = av.open(raw, mode="r", options=_OPTIONS)
        except (av.FFmpegError, ValueError, OSError) as error:
            raise CannotOpen from error
        with container:
            if not container.streams.audio:
                raise CannotOpen
            stream = container.streams.audio[0]
            opened = Opened(iter(()), _announced(container, stream))
            opened.blocks = _ffmpeg_blocks(container, stream, opened)
            yield opened


def _announced(container: Any, stream: Any) -> float | None:
    av = _av()
    if container.format.name in _GUESSED:
        return None
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _ffmpeg_blocks(container: Any, stream: Any, opened: Opened) -> Iterator[tuple[int, Samples]]:
    av, converter = _av(), _Converter()
    for packet in _packets(container, stream):
        try:
            frames = packet.decode()
        except av.FFmpegError:
            opened.lost_seconds += float((packet.duration or 0) * (packet.time_base or 0))
            continue
        for frame in frames:
            yield from converter.block(frame)


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    try:
        yield from container.demux(stream)
    except _av().FFmpegError:
        return


class _Converter:
    """Frames of any kind as floats of the rate and the channels of the first."""

    def __init__(self) -> None:
        self._wanted: tuple[str, int] | None = None
        self._resamplers: dict[tuple[str, str, int], Any] = {}

    def block(self, frame: Any) -> Iterator[tuple[int, Samples]]:
        """The samples of a frame."""
        layout = frame.layout.name
        self._wanted = self._wanted or (layout, frame.sample_rate)
        kind = (frame.format.name, layout, frame.sample_rate)
        if kind not in self._resamplers:
            wanted_layout, rate_hz = self._wanted
            self._resamplers[kind] = _av().AudioResampler("flt", wanted_layout, rate_hz)
        # Its time says nothing here, and a jump in it would be filled with silence.
        frame.pts = None
        for part in self._resamplers[kind].resample(frame):
            yield self._wanted[1], part.to_ndarray().reshape(-1, part.layout.nb_channels)


def begins_as_sound(path: Path) -> bool:
    """Whether a file begins as files of sound do."""
    with path.open("rb") as file:
        head = file.read(12)
    return head.startswith(_BEGINNINGS) or head[4:8] == b"ftyp"
