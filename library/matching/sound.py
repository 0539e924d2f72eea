"""Sound: how well a song fits what playlists sound like, each seen as one bell (a Gaussian)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .songs import Floats, Places, Playlist, Songs

#: At most this many directions of sound are compared: those in which playlists differ most.
MAX_DIRECTIONS = 32
#: At most this many songs of a playlist are looked at for those that sound most like a song.
MAX_EXEMPLARS = 24
#: The least part of the covariance that is replaced by its mean variance.
_SHRINKAGE = 0.1
#: A playlist's mean and variance are its own as far as it has more songs than these.
_SONGS_FOR_MEAN = 2.0
_SONGS_FOR_VARIANCE = 30.0
#: Spreads are measured on at most this many songs.
_SAMPLE = 2_000
Matrix = npt.NDArray[np.float64]


class Sound:
    """What each playlist sounds like. Songs and playlists that nothing was heard of get 0.

    The numbers of a song are turned so that within playlists they are independent and vary by 1
    (linear discriminant analysis with a pooled covariance, Fisher 1936), and shrunk where few songs
    were heard (Friedman, Regularized Discriminant Analysis, 1989).
    """

    def __init__(self, songs: Songs, playlists: Sequence[Playlist]) -> None:
        self._heard = songs.heard
        members = [playlist.songs[self._heard[playlist.songs]] for playlist in playlists]
        self._known = np.array([len(places) > 0 for places in members])
        self.is_usable = sum(map(len, members)) >= 2
        if not self.is_usable:
            return
        groups = [songs.ranked_sounds[places].astype(np.float64) for places in members]
        turn = _directions(groups)
        self._turned = (songs.ranked_sounds @ turn.astype(np.float32)).astype(np.float32)
        self._fit_bells([self._turned[places] for places in members])
        #: The places of some songs of each playlist that were heard.
        self.exemplars = [_evenly(places, MAX_EXEMPLARS) for places in members]
        self._fit_spread(playlists)

    def _fit_bells(self, groups: Sequence[Floats]) -> None:
        everything = np.concatenate(groups)
        middle = everything.mean(axis=0)
        self._whole = everything.var(axis=0) + 1e-6
        means, variances = [], []
        for group in groups:
            n = len(group)
            own = group.mean(axis=0) if n else middle
            spread = group.var(axis=0) if n else self._whole
            means.append((n * own + _SONGS_FOR_MEAN * middle) / (n + _SONGS_FOR_MEAN))
            variances.append((n * spread + _SONGS_FOR_VARIANCE) / (n + _SONGS_FOR_VARIANCE))
        mean, variance = np.array(means), np.array(variances)
        self._middle = middle
        self._precision = (1 / variance).T.astype(np.float32)
        self._pull = (mean / variance).T.astype(np.float32)
        self._rest = (mean**2 / variance + np.log(variance)).sum(axis=1).astype(np.float32)

    def _fit_spread(self, playlists: Sequence[Playlist]) -> None:
        """Put the signal on one scale, whatever the number of directions."""
        self._spread = 1.0
        heard = np.flatnonzero(self._heard)
        sample = heard[:: max(1, len(heard) // _SAMPLE)]
        outside = np.ones((len(sample), len(playlists)), dtype=np.bool_)
        for column, playlist in enumerate(playlists):
            outside[:, column] = ~np.isin(sample, playlist.songs)
        values = self.signal(sample)
        apart = (values - values.mean(axis=1, keepdims=True))[outside]
        spread = float(apart.std()) if len(apart) else 0.0
        self._spread = spread if spread > 1e-6 else 1.0

    def signal(self, places: Places) -> Floats:
        """The log density of each playlist over that of all listed songs, in its usual spread."""
        size = (len(places), len(self._known))
        if not self.is_usable:
            return np.zeros(size, dtype=np.float32)
        points = self._turned[places]
        own = points**2 @ self._precision - 2 * points @ self._pull + self._rest
        whole = (points - self._middle) ** 2 / self._whole + np.log(self._whole)
        found = (whole.sum(axis=1, keepdims=True) - own) / (2 * self._spread)
        found[~(self._heard[places][:, None] & self._known[None, :])] = 0
        return np.asarray(found, dtype=np.float32)

    def nearest(self, places: Places, playlist: int, *, count: int) -> Places:
        """The places of a playlist's songs that sound most like each song, the nearest first."""
        mine = self.exemplars[playlist]
        points, others = self._turned[places], self._turned[mine]
        apart = (others**2).sum(axis=1) - 2 * points @ others.T
        return np.asarray(mine[np.argsort(apart, axis=1, kind="stable")[:, :count]])


def _directions(groups: Sequence[Matrix]) -> Matrix:
    """The turn after which sounds are independent within playlists, and the widest between them."""
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
    turned = (means - means.mean(axis=0)) @ white
    weights = np.array([len(group) for group in filled])
    _, axes = np.linalg.eigh(turned.T @ (turned * weights[:, None]))
    return np.asarray(white @ axes[:, ::-1][:, :MAX_DIRECTIONS])


def _evenly(places: Places, most: int) -> Places:
    """At most so many of some places, evenly over them."""
    if len(places) <= most:
        return places
    return places[np.linspace(0, len(places) - 1, most).astype(np.int64)]
