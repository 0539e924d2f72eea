"""Key: the scale whose profile the sounding pitch classes fit best."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .spectrum import Array, magnitudes

NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")

_SIZE, _HOP = 8192, 4096
_LOWEST_HZ, _HIGHEST_HZ = 65.0, 2100.0
#: Below this correlation there is no key to speak of. White noise comes to 0.33, since the pitch
#: classes are of unlike width; 26 of 28 recordings come to more than this (docs/benchmarks.md).
_LEAST_CONFIDENCE = 0.45

#: Temperley, "What's key for key?", Music Perception 17 (1999), pp. 65-100.
_MAJOR = (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0)
_MINOR = (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0)


def key(signal: Array, rate_hz: int) -> tuple[str | None, float]:
    """The key, such as ``A minor``, and the correlation with its profile, -1…1.

    Linear magnitudes, each frame of the same norm, correlated with Temperley's profiles in
    all 24 keys. None where none fits.
    """
    chroma = pitch_classes(signal, rate_hz)
    if not chroma.any() or float(chroma.std()) < 1e-9:
        return None, 0.0
    fits = [
        (float(np.corrcoef(np.roll(profile, tonic), chroma)[0, 1]), f"{NAMES[tonic]} {mode}")
        for mode, profile in (("major", _MAJOR), ("minor", _MINOR))
        for tonic in range(12)
    ]
    confidence, name = max(fits)
    return (name if confidence >= _LEAST_CONFIDENCE else None), confidence


def pitch_classes(signal: Array, rate_hz: int) -> npt.NDArray[np.float64]:
    """How much of each pitch class sounds, from C on; sums to 1, or to 0 in silence."""
    bands = _chroma_bands(rate_hz)
    blocks = magnitudes(signal, size=_SIZE, hop=_HOP)
    chroma = np.concatenate([spectra @ bands for spectra in blocks])
    norms = np.linalg.norm(chroma, axis=1, keepdims=True)
    loud = norms[:, 0] > 1e-3 * max(float(norms.max()), 1e-9)
    if not loud.any() or float(norms.max()) < 1e-6:
        return np.zeros(12)
    total = (chroma[loud] / norms[loud]).sum(axis=0).astype(np.float64)
    return np.asarray(total / total.sum(), dtype=np.float64)


@lru_cache(maxsize=2)
def _chroma_bands(rate_hz: int) -> Array:
    frequencies = np.fft.rfftfreq(_SIZE, 1 / rate_hz)
    bands = np.zeros((len(frequencies), 12), dtype=np.float32)
    heard = (frequencies >= _LOWEST_HZ) & (frequencies <= _HIGHEST_HZ)
    midi = 69 + 12 * np.log2(frequencies[heard] / 440)
    bands[np.flatnonzero(heard), np.round(midi).astype(int) % 12] = 1
    return bands
