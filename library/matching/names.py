"""Names: what artists, albums and words of titles say, counted in the playlists alone.

A song that is in no playlist adds nothing to these counts, so what is asked about it is never part
of the answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .songs import Floats, Places, Playlist

#: A playlist is believed to have a name as often as the whole library does, with the weight of this
#: many songs.
_SONGS_BELIEVED = 3.0
#: Added to each name's count in the whole.
_SEEN = 0.5


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
        """How much more often each playlist has a name than all have together, as a logarithm."""
        totals = self.totals
        rate = (totals + _SEEN) / (totals.sum() + _SEEN * max(1, len(totals) - 1))
        rate = rate[:, None].astype(np.float32)
        expected = (self.counts + _SONGS_BELIEVED * rate) / (self.sizes + _SONGS_BELIEVED)
        found = np.log(expected / rate)
        found[-1] = 0  # nothing is known of it
        return np.asarray(found, dtype=np.float32)

    def shares(self) -> Floats:
        """The part of a name's songs that lies in each playlist, less sure where it has few."""
        return np.asarray(self.counts / (self.totals[:, None] + 1))

    def company(self) -> Floats:
        """How much a name is in playlists that have other names in common with each playlist."""
        there = (self.counts[:-1] > 0).astype(np.float32)
        roots = np.sqrt(np.maximum(there.sum(axis=0), 1))
        alike = there.T @ there / np.outer(roots, roots)
        np.fill_diagonal(alike, 0)
        alike /= alike.sum(axis=1, keepdims=True) + 0.05
        return np.asarray(np.sqrt(self.shares() @ alike), dtype=np.float32)


class Words:
    """What the words of titles say."""

    def __init__(self, words: tuple[Places, Places], playlists: Sequence[Playlist]) -> None:
        self._words, self._begins = words
        sizes = np.array([len(playlist.songs) for playlist in playlists], dtype=np.float32)
        lists = [self._words[_within(self._begins, p.songs)[0]] for p in playlists]
        counts = Counts(self._words, lists, sizes)
        said = counts.log_odds()
        said[counts.totals < 2] = 0  # a word of one song speaks for nothing
        self._rows, self._said = counts.rows(self._words), said

    def signal(self, places: Places) -> Floats:
        """The sum over a title's words of what each says."""
        within, lengths = _within(self._begins, places)
        found = np.zeros((len(places), self._said.shape[1]), dtype=np.float32)
        np.add.at(found, np.repeat(np.arange(len(places)), lengths), self._said[self._rows[within]])
        return found


def _within(begins: Places, places: Places) -> tuple[Places, Places]:
    """Where the words of these songs stand, and how many each has."""
    lengths = begins[places + 1] - begins[places]
    ends = np.cumsum(lengths)
    offsets = np.arange(lengths.sum()) - np.repeat(ends - lengths, lengths)
    return np.repeat(begins[places], lengths) + offsets, lengths
