"""Density: how likely a song's numbers are in each playlist, beside all playlists together.

Bells see a playlist as one cloud (a Gaussian with independent directions), kernels as its songs.
Songs and playlists of which nothing is known get 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .ranks import Floats
from .songs import Places, Playlist

#: A playlist's mean and variance are its own as far as it has more songs than these.
_SONGS_FOR_MEAN = 2.0
_SONGS_FOR_VARIANCE = 30.0
#: Spreads are measured on at most this many songs.
_SAMPLE = 2_000
#: How far a song of a playlist reaches, in what songs of one playlist vary by.
_WIDTH = 0.6
#: At most this many songs stand for a playlist.
_EXEMPLARS = 64
#: A playlist is believed to be as all are, with the weight of this many songs.
_SONGS_BELIEVED = 5.0
#: Spreads below this are those of rounding.
_ROUNDING = 1e-3
Known = npt.NDArray[np.bool_]


class Bells:
    """One bell for each playlist; the signal is in its usual spread, whatever it is of."""

    def __init__(self, points: Floats, known: Known, playlists: Sequence[Playlist]) -> None:
        self._points, self._known = points, known
        members = [playlist.songs[known[playlist.songs]] for playlist in playlists]
        self._filled = np.array([len(places) > 0 for places in members])
        self._fit([points[places].astype(np.float64) for places in members])
        self._spread = 1.0
        self._spread = self._measured(playlists)

    def _fit(self, groups: Sequence[npt.NDArray[np.float64]]) -> None:
        everything = np.concatenate(groups)
        self._middle = everything.mean(axis=0)
        counts = np.array([len(group) for group in groups])
        means, variances = [], []
        for group in groups:
            n = len(group)
            own = group.mean(axis=0) if n else self._middle
            spread = group.var(axis=0) if n else np.ones_like(own)
            means.append((n * own + _SONGS_FOR_MEAN * self._middle) / (n + _SONGS_FOR_MEAN))
            variances.append((n * spread + _SONGS_FOR_VARIANCE) / (n + _SONGS_FOR_VARIANCE))
        mean, variance = np.array(means), np.array(variances)
        # That of all songs is what playlists vary by, and their songs: so that none is wider.
        self._whole = np.average(variance + (mean - self._middle) ** 2, axis=0, weights=counts)
        self._precision = (1 / variance).T.astype(np.float32)
        self._pull = (mean / variance).T.astype(np.float32)
        self._rest = (mean**2 / variance + np.log(variance)).sum(axis=1).astype(np.float32)

    def _measured(self, playlists: Sequence[Playlist]) -> float:
        """How far the signal of songs varies over the playlists that they are not in."""
        known = np.flatnonzero(self._known)
        sample = known[:: max(1, len(known) // _SAMPLE)]
        outside = np.ones((len(sample), len(playlists)), dtype=np.bool_)
        for column, playlist in enumerate(playlists):
            outside[:, column] = ~np.isin(sample, playlist.songs)
        values = self.signal(sample)
        apart = (values - values.mean(axis=1, keepdims=True))[outside]
        spread = float(apart.std()) if len(apart) else 0.0
        return spread if spread > _ROUNDING else 1.0

    def signal(self, places: Places) -> Floats:
        """The log density of each playlist over that of all listed songs."""
        points = self._points[places]
        own = points**2 @ self._precision - 2 * points @ self._pull + self._rest
        whole = (points - self._middle) ** 2 / self._whole + np.log(self._whole)
        found = (whole.sum(axis=1, keepdims=True) - own) / (2 * self._spread)
        found[~(self._known[places][:, None] & self._filled)] = 0
        return np.asarray(found, dtype=np.float32)


class Kernels:
    """A small bell around each song of a playlist, or around some, evenly chosen."""

    def __init__(self, points: Floats, known: Known, playlists: Sequence[Playlist]) -> None:
        self._points, self._known = points, known
        members = [evenly(p.songs[known[p.songs]], _EXEMPLARS) for p in playlists]
        counts = np.array([len(places) for places in members])
        self._filled = counts > 0
        self._counts = counts[self._filled].astype(np.float32)
        self._begins = np.cumsum(counts[self._filled]) - counts[self._filled]
        exemplars = points[np.concatenate(members)] / np.float32(_WIDTH)
        self._exemplars = exemplars.T.copy()
        self._squares = (exemplars**2).sum(axis=1) / 2

    def signal(self, places: Places) -> Floats:
        """The log density of each playlist over that of all of them."""
        points = self._points[places] / np.float32(_WIDTH)
        near = points @ self._exemplars
        near -= self._squares
        near -= (points**2).sum(axis=1, keepdims=True) / 2
        np.exp(near, out=near)
        sums = np.add.reduceat(near, self._begins, axis=1)
        whole = sums.sum(axis=1, keepdims=True) / self._counts.sum() + np.float32(1e-12)
        believed = np.float32(_SONGS_BELIEVED) * whole
        own = (sums + believed) / (self._counts + np.float32(_SONGS_BELIEVED))
        found = np.zeros((len(places), len(self._filled)), dtype=np.float32)
        found[:, self._filled] = np.log(own / whole)
        found[~self._known[places]] = 0
        return found


def evenly(places: Places, most: int) -> Places:
    """At most so many of some places, evenly over them."""
    if len(places) <= most:
        return places
    return places[np.linspace(0, len(places) - 1, most).astype(np.int64)]
