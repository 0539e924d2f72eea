"""Short-time spectra."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


#: Frames of a block: all frames of a long song would take hundreds of megabytes.
_BLOCK = 512


def magnitudes(signal: Array, *, size: int, hop: int) -> Iterator[Array]:
    """Magnitude spectra of Hann windows in blocks of the shape (frames, size // 2 + 1).

    There is one frame at least.
    """
    if len(signal) < size:
        signal = np.pad(signal, (0, size - len(signal)))
    frames = np.lib.stride_tricks.sliding_window_view(signal, size)[::hop]
    window = _window(size)
    for start in range(0, len(frames), _BLOCK):
        block = np.fft.rfft(frames[start : start + _BLOCK] * window, axis=1)
        yield np.abs(block).astype(np.float32)


@lru_cache(maxsize=8)
def _window(size: int) -> Array:
    return np.hanning(size + 1)[:-1].astype(np.float32)


@lru_cache(maxsize=4)
def mel_bands(bands: int, size: int, rate_hz: int) -> Array:
    """Triangular filters on O'Shaughnessy's mel scale, shape (size // 2 + 1, bands)."""
    top = 2595 * np.log10(1 + (rate_hz / 2) / 700)
    edges_hz = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    bins_hz = np.fft.rfftfreq(size, 1 / rate_hz)[:, None]
    low, centre, high = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rising = (bins_hz - low) / (centre - low)
    falling = (high - bins_hz) / (high - centre)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
