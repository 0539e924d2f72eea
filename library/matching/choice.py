"""Choice: which of several playlists a person puts a song into, as a conditional logit.

McFadden, "Conditional logit analysis of qualitative choice behavior", 1974: the probability of a
playlist is its share of exp(utility), and a utility is the weighted sum of the signals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .ranks import Floats
from .songs import Places

Vector = npt.NDArray[np.float64]
_STEPS = 60
#: With this many songs in playlists, half is believed of what says that a song fits none of them.
_SONGS_BELIEVED = 100


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """Songs that were put somewhere: their signals, and the column of the playlist chosen."""

    signals: Floats
    chosen: Places


def shares(utilities: npt.NDArray[np.floating]) -> Floats:
    """The probability of each column, row by row."""
    found = np.exp(utilities - utilities.max(axis=1, keepdims=True))
    return np.asarray(found / found.sum(axis=1, keepdims=True), dtype=np.float32)


def evidence(utilities: Floats, priors: Floats) -> Vector:
    """How much better the playlists fit a song than their sizes would have it, as a logarithm.

    `priors` is the part of the utilities that is the same for every song. Minus infinity for a song
    for which every playlist is left out.
    """
    return _log_sum(utilities) - _log_sum(priors)


def none_told(logs: Vector, *, playlists: int, listed: int) -> Floats:
    """What says that a song fits none: a column for each song, given its evidence.

    A constant, the evidence, and the logarithm of the number of playlists; all of them less, the
    fewer songs the playlists have.
    """
    told = np.stack([np.ones_like(logs), logs, np.full_like(logs, np.log(playlists))])
    return np.asarray(told * (listed / (listed + _SONGS_BELIEVED)), dtype=np.float32)


def _log_sum(values: Floats) -> Vector:
    most = values.max(axis=1, keepdims=True)
    most = np.where(np.isfinite(most), most, 0)
    with np.errstate(divide="ignore"):
        found = most[:, 0] + np.log(np.exp(values - most).sum(axis=1))
    return np.asarray(found, dtype=np.float64)


def fit(data: Sequence[Choices], *, prior: Vector, strength: Vector) -> Vector:
    """The weights that make the choices likeliest, by Newton's method.

    `strength` is how much each weight is held at its `prior`: the inverse of the variance of a
    normal distribution around it. The function has one maximum (its logarithm is concave).
    """
    weights: Vector = prior.copy()
    value, slope, curve = _likelihood(data, weights)
    for _ in range(_STEPS):
        apart = weights - prior
        value -= float(strength @ apart**2) / 2
        step = np.linalg.solve(curve + np.diag(strength), slope - strength * apart)
        weights, new = _climb(data, weights, np.asarray(step), value, prior, strength)
        if new is None:
            break
        gained = new - value
        value, slope, curve = _likelihood(data, weights)
        if gained < 1e-6 * max(1.0, abs(new)):
            break
    return weights


def _climb(
    data: Sequence[Choices],
    weights: Vector,
    step: Vector,
    value: float,
    prior: Vector,
    strength: Vector,
) -> tuple[Vector, float | None]:
    """The step, or the longest part of it by halves that gains; None where none does."""
    for halves in range(12):
        tried = weights + step / 2**halves
        new = _likelihood(data, tried)[0] - float(strength @ (tried - prior) ** 2) / 2
        if new > value:
            return tried, new
    return weights, None


def _likelihood(data: Sequence[Choices], weights: Vector) -> tuple[float, Vector, Vector]:
    """The logarithm of the likelihood, its slope and minus its curvature."""
    size = len(weights)
    value, slope, curve = 0.0, np.zeros(size), np.zeros((size, size))
    for part in data:
        if not len(part.chosen):
            continue
        rows = np.arange(len(part.chosen))
        probable = shares(np.tensordot(weights, part.signals, 1))
        value += float(np.log(np.maximum(probable[rows, part.chosen], 1e-30)).sum())
        mean = (part.signals * probable).sum(axis=2)
        slope += (part.signals[:, rows, part.chosen] - mean).sum(axis=1)
        apart = (part.signals - mean[:, :, None]).reshape(size, -1)
        curve += (apart * probable.reshape(-1)) @ apart.T
    return value, slope, curve
