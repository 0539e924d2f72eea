"""Sound: what playlists sound like, and what they are like in all traits of their songs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .density import Bells, Kernels, evenly
from .directions import Directions
from .ranks import Floats
from .songs import Places, Playlist, Songs

#: At most this many directions are compared by bells, and by kernels.
_DIRECTIONS = 32
_KERNEL_DIRECTIONS = 12
#: Kernels see a direction at half its length where playlists vary by this part of their songs.
_HALF_LENGTH = 0.5
#: At most this many songs of a playlist are looked at for those that sound most like a song.
_EXEMPLARS = 24


class Sound:
    """The signals of what was heard; 0 for songs and playlists of which nothing was."""

    def __init__(self, songs: Songs, playlists: Sequence[Playlist]) -> None:
        self._columns = len(playlists)
        known = songs.heard
        members = [playlist.songs[known[playlist.songs]] for playlist in playlists]
        self.is_usable = sum(map(len, members)) >= 2
        if not self.is_usable:
            return
        sounds, everything = songs.ranked_sounds, songs.traits
        self._turned = _directions(sounds, members).widest(sounds, most=_DIRECTIONS)
        widest = _directions(everything, members)
        points = widest.widest(everything, most=_DIRECTIONS)
        short = widest.weighted(everything, most=_KERNEL_DIRECTIONS, half=_HALF_LENGTH)
        self._bells = Bells(self._turned, known, playlists)
        self._traits = Bells(points, known, playlists)
        self._kernels = Kernels(short, known, playlists)
        #: The places of some songs of each playlist that were heard.
        self._exemplars = [evenly(places, _EXEMPLARS) for places in members]

    def signals(self, places: Places) -> tuple[Floats, Floats, Floats]:
        """By bells of the sound, by bells of all traits, and by kernels of all traits."""
        if not self.is_usable:
            nothing = np.zeros((len(places), self._columns), dtype=np.float32)
            return nothing, nothing, nothing
        parts = (self._bells, self._traits, self._kernels)
        sound, bells, kernels = (part.signal(places) for part in parts)
        return sound, bells, kernels

    def nearest(self, places: Places, playlist: int, *, count: int) -> Places:
        """The places of a playlist's songs that sound most like each song, the nearest first."""
        mine = self._exemplars[playlist]
        points, others = self._turned[places], self._turned[mine]
        apart = (others**2).sum(axis=1) - 2 * points @ others.T
        return np.asarray(mine[np.argsort(apart, axis=1, kind="stable")[:, :count]])


def _directions(numbers: Floats, members: Sequence[Places]) -> Directions:
    return Directions.of([numbers[places].astype(np.float64) for places in members])
