"""Directions: the turn of a song's numbers in which playlists differ most.

Linear discriminant analysis with a pooled covariance (Fisher 1936), shrunk where there are few
songs (Friedman, Regularized Discriminant Analysis, 1989).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .ranks import Floats

#: The least part of the covariance that is replaced by its mean variance.
_SHRINKAGE = 0.1
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """Turned numbers are independent within playlists, and vary by 1 there."""

    turn: Matrix
    #: How much playlists vary in each direction beside what their songs do, the most first.
    between: npt.NDArray[np.float64]

    @classmethod
    def of(cls, groups: Sequence[Matrix]) -> Directions:
        """The directions of the songs of each playlist; at least one has a song."""
        filled = [group for group in groups if len(group)]
        means = np.array([group.mean(axis=0) for group in filled])
        apart = np.concatenate([group - group.mean(axis=0) for group in filled])
        size = apart.shape[1]
        within = apart.T @ apart / max(1, len(apart) - len(filled))
        # The fewer songs for its size, the less the covariance is believed.
        shrinkage = _SHRINKAGE + (1 - _SHRINKAGE) * size / (size + len(apart))
        variance = max(float(np.trace(within)) / size, 1e-6)
        shrunk = (1 - shrinkage) * within + shrinkage * variance * np.eye(size)
        white = np.linalg.cholesky(np.linalg.inv(shrunk))
        weights = np.array([len(group) for group in filled])
        turned = (means - np.average(means, axis=0, weights=weights)) @ white
        between, axes = np.linalg.eigh(turned.T @ (turned * weights[:, None]) / weights.sum())
        return cls(white @ axes[:, ::-1], np.maximum(between[::-1], 0))

    def widest(self, numbers: Floats, *, most: int) -> Floats:
        """Numbers turned, in at most so many directions."""
        turn = self.turn[:, :most].astype(np.float32)
        return np.asarray(numbers @ turn, dtype=np.float32)

    def weighted(self, numbers: Floats, *, most: int, half: float) -> Floats:
        """The same, each direction the shorter the less playlists differ in it.

        One in which they vary by `half` is half as long.
        """
        lengths = self.between[:most] / (self.between[:most] + half)
        return np.asarray(self.widest(numbers, most=most) * lengths, dtype=np.float32)
