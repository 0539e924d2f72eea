"""Songs and playlists as the matcher compares them: in columns, for libraries of any size."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, eq=False)
class Songs:
    """What is known of songs. A song is named by its place, from 0."""

    ids: Sequence[str]
    titles: Sequence[str]
    artists: Sequence[str | None]
    albums: Sequence[str | None]
    #: NaN where no year is known.
    years: Floats
    #: What was heard, one row for each song; a row of NaN for a song not heard yet.
    sounds: Floats

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def artist_codes(self) -> Places:
        """The same number for the same artist, whatever the case; -1 where none is known."""
        return _codes(self.artists)

    @cached_property
    def album_codes(self) -> Places:
        """As `artist_codes`, for albums."""
        return _codes(self.albums)

    @cached_property
    def words(self) -> tuple[Places, Places]:
        """Numbers of the words of all titles in a row, and where each song's words begin."""
        known: dict[str, int] = {}
        found: list[int] = []
        begins = [0]
        for title in self.titles:
            words = dict.fromkeys(_WORD.findall(title.casefold()))
            found += [known.setdefault(word, len(known)) for word in words]
            begins.append(len(found))
        return np.array(found, dtype=np.int64), np.array(begins, dtype=np.int64)

    @cached_property
    def heard(self) -> npt.NDArray[np.bool_]:
        """Which songs were heard."""
        if not self.sounds.shape[1]:
            return np.zeros(len(self), dtype=np.bool_)
        return np.asarray(np.isfinite(self.sounds).all(axis=1))

    @cached_property
    def ranked_sounds(self) -> Floats:
        """Each number of the sound by its rank among all songs, spread as a normal distribution.

        So no number needs a scale of its own, and no outlier counts for more than its rank. 0, the
        middle, for songs that were not heard.
        """
        ranked = np.zeros(self.sounds.shape, dtype=np.float32)
        values = self.sounds[self.heard]
        for column in range(values.shape[1]):
            ordered = np.sort(values[:, column])
            below = np.searchsorted(ordered, values[:, column], "left")
            through = np.searchsorted(ordered, values[:, column], "right")
            share = (below + through) / (2 * max(1, len(ordered)))
            ranked[self.heard, column] = np.interp(share, _SHARES, _NORMAL)
        return ranked


@dataclass(frozen=True, slots=True, eq=False)
class Playlist:
    """A playlist, with the places of its songs."""

    playlist_id: str
    songs: Places

    @classmethod
    def of(cls, playlist_id: str, songs: Iterable[int]) -> Playlist:
        """A playlist with each of its songs once."""
        return cls(playlist_id, np.unique(np.fromiter(songs, dtype=np.int64)))

    def without(self, hidden: npt.NDArray[np.bool_]) -> Playlist:
        """The same without the songs at the places that are hidden."""
        return Playlist(self.playlist_id, self.songs[~hidden[self.songs]])


def _codes(names: Sequence[str | None]) -> Places:
    known: dict[str, int] = {"": -1}
    folded = [(name or "").casefold().strip() for name in names]
    return np.array([known.setdefault(n, len(known) - 1) for n in folded], dtype=np.int64)


def _normal_quantiles(count: int) -> tuple[Floats, Floats]:
    # Read from a fine table of the distribution: numpy has no inverse of it.
    values = np.linspace(-6, 6, 24_001)
    density = np.exp(-(values**2) / 2)
    shares = np.cumsum(density) / density.sum()
    wanted = (np.arange(count) + 0.5) / count
    return wanted.astype(np.float32), np.interp(wanted, shares, values).astype(np.float32)


_SHARES, _NORMAL = _normal_quantiles(1001)
