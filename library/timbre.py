"""Timbre: the colour of a sound as a vector."""

from __future__ import annotations

import numpy as np

from .spectrum import Array, magnitudes, mel_bands

_SIZE, _HOP, _BANDS, _CEPSTRA = 2048, 1024, 40, 20
#: Three statistics of each cepstral coefficient, and seven of the spectrum's shape.
TIMBRE_SIZE = 3 * _CEPSTRA + 7


def describe(signal: Array, rate_hz: int) -> Array:
    """`TIMBRE_SIZE` finite numbers.

    The mean, the deviation and the mean step of 20 mel-frequency cepstral coefficients; then
    the spectrum's centroid (mean and deviation, of the half rate), flatness, 85 % roll-off,
    flux, the rate of zero crossings, and the share of quiet frames.
    """
    spectra = magnitudes(signal, size=_SIZE, hop=_HOP)
    cepstra = _cepstra(spectra, rate_hz)
    steps = np.abs(np.diff(cepstra, axis=0)) if len(cepstra) > 1 else np.zeros_like(cepstra)
    described = np.concatenate(
        [cepstra.mean(axis=0), cepstra.std(axis=0), steps.mean(axis=0), _shape(signal, spectra)]
    )
    return np.asarray(np.nan_to_num(described), dtype=np.float32)


def _cepstra(spectra: Array, rate_hz: int) -> Array:
    power = (spectra**2) @ mel_bands(_BANDS, _SIZE, rate_hz)
    levels = 10 * np.log10(np.maximum(power, 1e-10))
    # A DCT-II, orthonormal.
    n = np.arange(_BANDS)
    basis = np.cos(np.pi * np.outer(n + 0.5, np.arange(_CEPSTRA)) / _BANDS) * np.sqrt(2 / _BANDS)
    basis[:, 0] /= np.sqrt(2)
    return np.asarray(levels @ basis, dtype=np.float32)


def _shape(signal: Array, spectra: Array) -> Array:
    total = spectra.sum(axis=1) + 1e-10
    places = np.linspace(0, 1, spectra.shape[1], dtype=np.float32)
    centroid = spectra @ places / total
    flatness = np.exp(np.log(spectra + 1e-10).mean(axis=1)) / (total / spectra.shape[1])
    rolloff = (np.cumsum(spectra, axis=1) < 0.85 * total[:, None]).mean(axis=1)
    unit = spectra / total[:, None]
    flux = np.abs(np.diff(unit, axis=0)).sum(axis=1).mean() if len(unit) > 1 else 0.0
    crossings = np.mean(np.diff(np.signbit(signal).astype(np.int8)) != 0) if len(signal) > 1 else 0
    quiet = (total < 0.5 * total.mean()).mean()
    return np.array(
        [
            centroid.mean(),
            centroid.std(),
            flatness.mean(),
            rolloff.mean(),
            flux,
            crossings,
            quiet,
        ],
        dtype=np.float32,
    )
