"""Names: what artists, albums and words say, counted in the playlists alone.

A song that is in no playlist adds nothing to these counts, so what is asked about it is never part
of the answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .ranks import Floats
from .songs import Named, Places, Playlist

#: A playlist is believed to have a name as often as all have, with the weight of this many songs.
_SONGS_BELIEVED = 3.0


class Counts:
    """How often names are in each playlist. The last row is for names that are in none."""

    def __init__(self, codes: Places, lists: Sequence[Places], sizes: Floats) -> None:
        listed = np.unique(np.concatenate(lists)) if lists else np.zeros(0, dtype=np.int64)
        listed = listed[listed >= 0]
        highest = max(int(codes.max(initial=-1)), int(listed.max(initial=-1)))
        #: The row of each code.
        self.row_of = np.full(highest + 2, len(listed), dtype=np.int64)
        self.row_of[listed] = np.arange(len(listed))
        self.counts = np.zeros((len(listed) + 1, len(lists)), dtype=np.float32)
        for column, names in enumerate(lists):
            rows = self.row_of[names[names >= 0]]
            self.counts[:, column] = np.bincount(rows, minlength=len(listed) + 1)
        self.sizes = sizes

    def rows(self, codes: Places) -> Places:
        """The row of each of these codes; that of none for -1."""
        return self.row_of[codes]

    @property
    def totals(self) -> Floats:
        """How often each name is in all playlists together."""
        return np.asarray(self.counts.sum(axis=1))

    def log_odds(self) -> Floats:
        """How much more of a playlist's songs have a name than of all, as a logarithm."""
        totals = np.maximum(self.totals, 1)
        rate = (totals / max(1.0, float(self.sizes.sum())))[:, None].astype(np.float32)
        expected = (self.counts + _SONGS_BELIEVED * rate) / (self.sizes + _SONGS_BELIEVED)
        found = np.log(expected / rate)
        found[-1] = 0  # nothing is known of it
        return np.asarray(found, dtype=np.float32)


class Artists:
    """What the artists of songs say, each of them where they are several."""

    def __init__(self, named: Named, playlists: Sequence[Playlist]) -> None:
        self._named = named
        self.counted = _counted(named, playlists)
        #: How often each artist is in playlists that share artists with each playlist.
        self._company = self.counted.counts @ _alike(self.counted)

    def counts(self, places: Places) -> Floats:
        """How many songs by its artists each playlist has."""
        codes, lengths = self._named.at(places)
        return _summed(self.counted.counts[self.counted.rows(codes)], lengths)

    def signals(self, places: Places) -> tuple[Floats, Floats]:
        """The part of the artists' songs that lies in each playlist, and that in its company.

        Less sure where there are few. In its company is in playlists that share artists with it.
        """
        codes, lengths = self._named.at(places)
        rows = self.counted.rows(codes)
        counts = _summed(self.counted.counts[rows], lengths)
        company = _summed(self._company[rows], lengths)
        whole = counts.sum(axis=1, keepdims=True) + 1
        return counts / whole, np.sqrt(company / whole)


class Words:
    """What the words of titles and albums say."""

    def __init__(self, named: Named, playlists: Sequence[Playlist]) -> None:
        self._named = named
        self._counted = _counted(named, playlists)
        self._said = self._counted.log_odds()
        self._said[self._counted.totals < 2] = 0  # a word of one song speaks for nothing

    def signal(self, places: Places) -> Floats:
        """The sum over a song's words of what each says."""
        codes, lengths = self._named.at(places)
        return _summed(self._said[self._counted.rows(codes)], lengths)


def _counted(named: Named, playlists: Sequence[Playlist]) -> Counts:
    sizes = np.array([max(1, len(playlist.songs)) for playlist in playlists], dtype=np.float32)
    return Counts(named.codes, [named.at(p.songs)[0] for p in playlists], sizes)


def _alike(counted: Counts) -> Floats:
    """How many artists each two playlists have in common, as the parts of each that add up to 1."""
    there = (counted.counts[:-1] > 0).astype(np.float32)
    roots = np.sqrt(np.maximum(there.sum(axis=0), 1))
    alike = there.T @ there / np.outer(roots, roots)
    np.fill_diagonal(alike, 0)
    alike /= alike.sum(axis=1, keepdims=True) + 0.05
    return np.asarray(alike, dtype=np.float32)


def _summed(rows: Floats, lengths: Places) -> Floats:
    """The sum of the rows of each song, which has so many of them, one song after another."""
    found = np.zeros((len(lengths), rows.shape[1]), dtype=np.float32)
    filled = lengths > 0
    if filled.any():
        begins = (np.cumsum(lengths) - lengths)[filled]
        found[filled] = np.add.reduceat(rows, begins, axis=0)
    return found
