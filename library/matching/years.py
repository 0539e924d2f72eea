"""Years: how many of a playlist's songs are of about the same year as a song."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .ranks import Floats
from .songs import Places, Playlist

#: The width of the kernels, in years: songs of the same year, and a little of those beside it.
_WIDTH = 0.5
_FIRST, _LAST = 1900, 2100
_YEARS = np.arange(_FIRST, _LAST + 1, dtype=np.float64)
#: A playlist is believed to have years as all do, with the weight of this many songs.
_SONGS_BELIEVED = 3.0
#: All years together are believed to be as likely, with the weight of this many songs.
_SONGS_ANYWHERE = 5.0


class Years:
    """The densities of years in each playlist over that in all, as logarithms; 0 where unknown."""

    def __init__(self, years: Floats, playlists: Sequence[Playlist]) -> None:
        known = np.isfinite(years)
        rows = np.clip(np.nan_to_num(years, nan=_FIRST), _FIRST, _LAST).astype(np.int64) - _FIRST
        #: The row of each song; the last one where no year is known.
        self._rows = np.where(known, rows, len(_YEARS))
        lists = [rows[p.songs[known[p.songs]]] for p in playlists]
        self._table = _table(lists)

    def signal(self, places: Places) -> Floats:
        """The logarithm for each song and playlist."""
        return np.asarray(self._table[self._rows[places]])


def _table(lists: Sequence[Places]) -> Floats:
    apart = (_YEARS[:, None] - _YEARS[None, :]) / _WIDTH
    kernel = np.exp(-(apart**2) / 2) / (_WIDTH * np.sqrt(2 * np.pi))
    counts = np.array([np.bincount(rows, minlength=len(_YEARS)) for rows in lists])
    densities = counts @ kernel
    whole = densities.sum(axis=0) + _SONGS_ANYWHERE / len(_YEARS)
    whole /= counts.sum() + _SONGS_ANYWHERE
    sizes = counts.sum(axis=1, keepdims=True)
    own = (densities + _SONGS_BELIEVED * whole) / (sizes + _SONGS_BELIEVED)
    table = np.zeros((len(_YEARS) + 1, len(lists)), dtype=np.float32)
    table[:-1] = np.log(own / whole).T
    return table
