"""Ranks: numbers of any scale put on one, by where each stands among all."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def ranked(columns: npt.NDArray[np.floating]) -> Floats:
    """Each column by the ranks of its numbers, spread as a normal distribution.

    So no number needs a scale of its own, and no outlier counts for more than its rank. 0, the
    middle, where a number is NaN.
    """
    found = np.zeros(columns.shape, dtype=np.float32)
    for column in range(columns.shape[1]):
        known = np.isfinite(columns[:, column])
        values = columns[known, column]
        ordered = np.sort(values)
        below = np.searchsorted(ordered, values, "left")
        through = np.searchsorted(ordered, values, "right")
        share = (below + through) / (2 * max(1, len(ordered)))
        found[known, column] = np.interp(share, _SHARES, _NORMAL)
    return found


def _normal_quantiles(count: int) -> tuple[Floats, Floats]:
    # Read from a fine table of the distribution: numpy has no inverse of it.
    values = np.linspace(-6, 6, 24_001)
    density = np.exp(-(values**2) / 2)
    shares = np.cumsum(density) / density.sum()
    wanted = (np.arange(count) + 0.5) / count
    return wanted.astype(np.float32), np.interp(wanted, shares, values).astype(np.float32)


_SHARES, _NORMAL = _normal_quantiles(1001)
