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
    cepstra_of, shapes, fluxes = [], [], []
    before: Array | None = None
    for spectra in magnitudes(signal, size=_SIZE, hop=_HOP):
        cepstra_of.append(_cepstra(spectra, rate_hz))
        shapes.append(_shape(spectra))
        unit = spectra / (spectra.sum(axis=1, keepdims=True) + 1e-10)
        joined = unit if before is None else np.concatenate([before, unit])
        fluxes.append(np.abs(np.diff(joined, axis=0)).sum(axis=1))
        before = unit[-1:]
    cepstra, flux = np.concatenate(cepstra_of), np.concatenate(fluxes)
    steps = np.abs(np.diff(cepstra, axis=0)) if len(cepstra) > 1 else np.zeros_like(cepstra)
    described = np.concatenate(
        [
            cepstra.mean(axis=0),
            cepstra.std(axis=0),
            steps.mean(axis=0),
            _summed(signal, np.concatenate(shapes), flux),
        ]
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


def _shape(spectra: Array) -> Array:
    """Of each frame its sum, centroid, flatness and roll-off, shape (frames, 4)."""
    total = spectra.sum(axis=1) + 1e-10
    places = np.linspace(0, 1, spectra.shape[1], dtype=np.float32)
    centroid = spectra @ places / total
    flatness = np.exp(np.log(spectra + 1e-10).mean(axis=1)) / (total / spectra.shape[1])
    rolloff = (np.cumsum(spectra, axis=1) < 0.85 * total[:, None]).mean(axis=1)
    return np.stack([total, centroid, flatness, rolloff], axis=1)


def _summed(signal: Array, shape: Array, flux: Array) -> Array:
    total, centroid, flatness, rolloff = shape.T
    return np.array(
        [
            centroid.mean(),
            centroid.std(),
            flatness.mean(),
            rolloff.mean(),
            flux.mean() if len(flux) else 0.0,
            _crossings(signal),
            (total < 0.5 * total.mean()).mean(),
        ],
        dtype=np.float32,
    )


def _crossings(signal: Array) -> float:
    """The share of samples whose sign is not that of the one before."""
    if len(signal) < 2:
        return 0.0
    signs = np.signbit(signal)
    return float(np.count_nonzero(signs[1:] != signs[:-1]) / (len(signal) - 1))
