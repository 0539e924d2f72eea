"""Signals: all that speaks for putting a song into a playlist, as numbers of one meaning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .names import Artists, Counts, Words
from .ranks import Floats
from .songs import Places, Playlist, Songs
from .sound import Sound
from .years import Years

#: The signals in the order of `Signals.of`.
SIGNALS = (
    "sound", "traits", "neighbours", "artist", "company", "album", "year", "words", "size",
    "variety",
)  # fmt: skip
#: What a person would call them: left out together in the benchmark.
GROUPS = {
    "sound": ("sound",),
    "traits": ("traits",),
    "neighbours": ("neighbours",),
    "artist": ("artist",),
    "company": ("company",),
    "album": ("album",),
    "year": ("year",),
    "words": ("words",),
    "list": ("size", "variety"),
}


class Signals:
    """Playlists, learnt once; then songs are looked at in blocks of any size."""

    def __init__(self, songs: Songs, playlists: Sequence[Playlist]) -> None:
        self.songs = songs
        sizes = np.array([max(1, len(p.songs)) for p in playlists], dtype=np.float32)
        self.sound = Sound(songs, playlists)
        self.artists = Artists(songs.credits, playlists)
        codes = songs.album_codes
        self.albums = Counts(codes, [codes[p.songs] for p in playlists], sizes)
        self._album_table = self.albums.log_odds()
        self._years = Years(songs.years, playlists)
        self._words = Words(songs.words, playlists)
        distinct = [len(np.unique(songs.artist_codes[p.songs])) for p in playlists]
        self._size = np.log(sizes)
        self._variety = np.log(np.maximum(distinct, 1) / sizes).astype(np.float32)

    def of(self, places: Places) -> Floats:
        """Each signal for these songs and all playlists: shape (signals, songs, playlists)."""
        albums = self.albums.rows(self.songs.album_codes[places])
        shape = (len(places), len(self._size))
        found = (
            *self.sound.signals(places),
            *self.artists.signals(places),
            self._album_table[albums],
            self._years.signal(places),
            self._words.signal(places),
            np.broadcast_to(self._size, shape),
            np.broadcast_to(self._variety, shape),
        )
        return np.stack(found)

    def are_new(self, places: Places) -> npt.NDArray[np.bool_]:
        """Which of these songs are by artists that are in no playlist."""
        return np.asarray(self.artists.counts(places).sum(axis=1) == 0)
