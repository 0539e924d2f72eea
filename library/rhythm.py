"""Tempo: the period at which onsets recur."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .spectrum import Array, magnitudes, mel_bands

_SIZE, _HOP, _BANDS = 1024, 256, 40
SLOWEST_BPM, FASTEST_BPM = 45.0, 220.0
#: Listeners tap near this tempo; it decides between one and its double.
_USUAL_BPM, _USUAL_OCTAVES = 120.0, 0.9
#: The least rise, summed over the bands in nepers, that may be an onset. The ripple of steady
#: tones and of noise stays below it; its own period would else be taken for a sure beat.
_LEAST_RISE = 6.0
#: A sound without a beat is given the usual tempo, with no confidence.
_NO_BEAT = (_USUAL_BPM, 0.0)


def tempo(signal: Array, rate_hz: int) -> tuple[float, float]:
    """The tempo in beats a minute, and 0…1 how much the beat stands out.

    Spectral flux in mel bands, its autocorrelation, each lag summed with its multiples and
    weighted by a log-normal preference around 120 (after Ellis, "Beat tracking by dynamic
    programming", 2007).
    """
    flux = _flux(signal, rate_hz)
    if len(flux) < 32 or flux.max() < _LEAST_RISE:
        return _NO_BEAT
    frames_per_second = rate_hz / _HOP
    correlation = _autocorrelation(flux)
    lags = np.arange(1, len(correlation))
    bpm = 60 * frames_per_second / lags
    usable = (bpm >= SLOWEST_BPM) & (bpm <= FASTEST_BPM)
    if not usable.any() or correlation[0] <= 0:
        return _NO_BEAT
    strength = correlation[1:] / correlation[0]
    preference = np.exp(-0.5 * (np.log2(bpm / _USUAL_BPM) / _USUAL_OCTAVES) ** 2)
    score = np.where(usable, _with_multiples(strength) * preference, -np.inf)
    best = int(np.argmax(score))
    found = 60 * frames_per_second / (lags[best] + _offset(strength, best))
    return float(found), float(np.clip(strength[best], 0, 1))


def _flux(signal: Array, rate_hz: int) -> npt.NDArray[np.float64]:
    bands = mel_bands(_BANDS, _SIZE, rate_hz)
    blocks = magnitudes(signal, size=_SIZE, hop=_HOP)
    levels = np.concatenate([np.log1p(100 * spectra @ bands) for spectra in blocks])
    rises = np.maximum(0, np.diff(levels, axis=0)).sum(axis=1).astype(np.float64)
    # Against slow swells: what counts is a rise above the mean of about a second.
    width = min(len(rises), int(rate_hz / _HOP) | 1)
    if width < 3:
        return np.asarray(rises)
    local = np.convolve(rises, np.ones(width) / width, mode="same")[: len(rises)]
    return np.asarray(np.maximum(0, rises - local))


def _autocorrelation(flux: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    centred = flux - flux.mean()
    size = 1 << (2 * len(centred) - 1).bit_length()
    power = np.abs(np.fft.rfft(centred, size)) ** 2
    correlation = np.fft.irfft(power, size)[: len(centred)]
    # Unbiased: fewer products enter at long lags.
    return np.asarray(correlation * (len(centred) / np.arange(len(centred), 0, -1)))


def _with_multiples(strength: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Each lag's strength with that of two, three and four times the lag: bars, not echoes."""
    total = strength.copy()
    for multiple, weight in ((2, 0.5), (3, 0.25), (4, 0.25)):
        reached = np.arange(1, len(strength) // multiple + 1)
        total[: len(reached)] += weight * strength[reached * multiple - 1]
    return total


def _offset(strength: npt.NDArray[np.float64], peak: int) -> float:
    """Where between the lags the peak is, by a parabola through three of them."""
    if peak < 1 or peak + 1 >= len(strength):
        return 0.0
    left, middle, right = strength[peak - 1 : peak + 2]
    curve = left - 2 * middle + right
    if curve >= 0:
        return 0.0
    return float(np.clip(0.5 * (left - right) / curve, -0.5, 0.5))
