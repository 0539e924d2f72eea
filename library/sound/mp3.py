"""MP3 of any sound, with frames that are all alike.

At 48 kHz a frame of constant rate has the same number of bytes as every other, and none leans on
the one before. So the size of a whole song is known before it is made, and each second of it has
its place: a player can seek where nothing has been made yet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Any

import av
import numpy as np

from ..decoding import Samples

RATE_HZ = 48_000
BITS_PER_SECOND = 128_000
FRAME_BYTES = 384
FRAME_SAMPLES = 1_152
#: What is made of a longer song ends here.
MAX_SECONDS = 60 * 60
#: Of 0 to 9, the best to the quickest: 5 takes half as long again.
_QUALITY = "7"
#: Names the form. Another encoder makes other bytes, of which no part fits these.
FORM = f"mp3-{BITS_PER_SECOND}-{av.__version__}"


def frames_of(seconds: float) -> int:
    """The number of frames of so many seconds, to the bound."""
    return math.ceil(min(max(seconds, 0.0), MAX_SECONDS) * RATE_HZ / FRAME_SAMPLES)


def encoded(blocks: Iterable[tuple[int, Samples]], *, frames: int | None) -> Iterator[bytes]:
    """The MP3 of some samples, in pieces of whole frames.

    Args:
        blocks: Rates in Hz and samples of the shape (frames, channels).
        frames: How many there are to be: what is longer is cut, and silence fills what is shorter,
            so that the size is the one that was announced. None: as many as there are.
    """
    most = frames_of(MAX_SECONDS) if frames is None else frames
    made = 0
    for data in _music(blocks):
        piece = data[: (most - made) * FRAME_BYTES]
        made += len(piece) // FRAME_BYTES
        yield piece
        if made == most:
            return
    if frames is not None and made < frames:
        yield _silence() * (frames - made)


def _music(blocks: Iterable[tuple[int, Samples]]) -> Iterator[bytes]:
    encoder = _encoder()
    for frame in chain(_resampled(blocks), (None,)):
        for packet in encoder.encode(frame):
            yield bytes(packet)


def _resampled(blocks: Iterable[tuple[int, Samples]]) -> Iterator[Any]:
    resampler = av.AudioResampler("fltp", "stereo", RATE_HZ, frame_size=FRAME_SAMPLES)
    ends = repeat(None, 1)
    for frame in chain((_frame(rate_hz, block) for rate_hz, block in blocks), ends):
        for part in resampler.resample(frame):
            part.pts = None
            yield part


def _frame(rate_hz: int, block: Samples) -> Any:
    if block.shape[1] > 2:
        block = block.mean(axis=1, keepdims=True)
    # Damaged files of floats hold NaN, or more than any encoder takes.
    sound = np.clip(np.nan_to_num(block), -1, 1)
    layout = "mono" if sound.shape[1] == 1 else "stereo"
    flat = np.ascontiguousarray(sound.reshape(1, -1), dtype=np.float32)
    frame = av.AudioFrame.from_ndarray(flat, format="flt", layout=layout)
    frame.sample_rate = rate_hz
    return frame


def _silence() -> bytes:
    """One frame of silence."""
    nothing = np.zeros((4 * FRAME_SAMPLES, 1), np.float32)
    return b"".join(_music([(RATE_HZ, nothing)]))[-FRAME_BYTES:]


def _encoder() -> Any:
    encoder: Any = av.CodecContext.create("libmp3lame", "w")
    encoder.sample_rate, encoder.bit_rate = RATE_HZ, BITS_PER_SECOND
    encoder.layout, encoder.format = "stereo", "fltp"
    # Without a reservoir no frame holds bits of another.
    encoder.options = {"reservoir": "0", "compression_level": _QUALITY}
    return encoder
