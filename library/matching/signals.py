"""Signals: all that speaks for putting a song into a playlist, as numbers of one meaning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .names import Counts, Words
from .songs import Floats, Places, Playlist, Songs
from .sound import Sound
from .years import Years

#: The signals in the order of `Signals.of`.
SIGNALS = (
    "sound", "artist", "company", "album", "year", "era", "title", "size", "variety",
)  # fmt: skip
#: What a person would call them: left out together in the benchmark.
GROUPS = {
    "sound": ("sound",),
    "artist": ("artist",),
    "company": ("company",),
    "album": ("album",),
    "year": ("year", "era"),
    "title": ("title",),
    "list": ("size", "variety"),
}


class Signals:
    """Playlists, learnt once; then songs are looked at in blocks of any size."""

    def __init__(self, songs: Songs, playlists: Sequence[Playlist]) -> None:
        self.songs = songs
        sizes = np.array([max(1, len(p.songs)) for p in playlists], dtype=np.float32)
        self.sound = Sound(songs, playlists)
        self.artists = _counted(songs.artist_codes, playlists, sizes)
        self.albums = _counted(songs.album_codes, playlists, sizes)
        self._years = Years(songs.years, playlists)
        self._words = Words(songs.words, playlists)
        self._tables = (self.artists.shares(), self.artists.company())
        self._album_table = self.albums.log_odds()
        distinct = [len(np.unique(songs.artist_codes[p.songs])) for p in playlists]
        self._size = np.log(sizes)
        self._variety = np.log(np.maximum(distinct, 1) / sizes).astype(np.float32)

    def of(self, places: Places) -> Floats:
        """Each signal for these songs and all playlists: shape (signals, songs, playlists)."""
        artists = self.artists.rows(self.songs.artist_codes[places])
        albums = self.albums.rows(self.songs.album_codes[places])
        shape = (len(places), len(self._size))
        found = (
            self.sound.signal(places),
            *(table[artists] for table in self._tables),
            self._album_table[albums],
            *self._years.signals(places),
            self._words.signal(places),
            np.broadcast_to(self._size, shape),
            np.broadcast_to(self._variety, shape),
        )
        return np.stack(found)

    def are_new(self, places: Places) -> npt.NDArray[np.bool_]:
        """Which of these songs are by artists that are in no playlist."""
        rows = self.artists.rows(self.songs.artist_codes[places])
        return np.asarray(rows == len(self.artists.counts) - 1)


def _counted(codes: Places, playlists: Sequence[Playlist], sizes: Floats) -> Counts:
    return Counts(codes, [codes[p.songs] for p in playlists], sizes)
