"""The trial: how often a person's own songs are found where the person has put them.

Songs of the playlists are hidden, a part at a time, and asked for. So each is scored by playlists
that do not have it: also whether it looks misplaced where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .matcher import Chances, Matcher
from .ranks import Floats
from .songs import Places, Playlist, Songs
from .weights import Weights

#: A fifth of each playlist is hidden at a time.
PARTS = 5
#: Songs scored at once.
BLOCK = 512
#: A song looks misplaced where its own playlists are less likely than this together, and another
#: one is more likely than that.
_OWN_BELOW = 0.05
_OTHER_ABOVE = 0.6


@dataclass(frozen=True, slots=True)
class Trial:
    """How well hidden songs were found, of those that are in one playlist."""

    #: How many songs were asked for.
    songs: int
    hit1: float
    hit3: float


@dataclass(frozen=True, slots=True, eq=False)
class Hidden:
    """Some hidden songs, as playlists without them see them."""

    matcher: Matcher
    places: Places
    chances: Chances
    #: Which columns each song is really in.
    is_in: npt.NDArray[np.bool_]

    def others(self) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """The likelihood of playlists that a song is not in; whether it looks misplaced."""
        shares = self.chances.shares
        elsewhere = np.where(self.is_in, 0, shares).astype(np.float32)
        own = shares.sum(axis=1) - elsewhere.sum(axis=1)
        misplaced = (own < _OWN_BELOW) & (elsewhere.max(axis=1) > _OTHER_ABOVE)
        return elsewhere, misplaced


def hide(
    songs: Songs,
    playlists: Sequence[Playlist],
    *,
    weights: Weights,
    none_of: float,
    most: int | None = None,
) -> Iterator[Hidden]:
    """The listed songs, each hidden once, in blocks; at most `most` of them, evenly chosen."""
    listed = np.unique(np.concatenate([p.songs for p in playlists])) if playlists else np.zeros(0)
    places = listed.astype(np.int64)
    part_of = np.zeros(len(songs), dtype=np.int64)
    for playlist in playlists:  # each playlist loses a part of its own
        part_of[playlist.songs] = np.arange(len(playlist.songs)) % PARTS
    asked = places[:: max(1, -(-len(places) // most))] if most else places
    for part in range(PARTS):
        hidden = np.zeros(len(songs), dtype=np.bool_)
        hidden[asked[part_of[asked] == part]] = True
        left = [playlist.without(hidden) for playlist in playlists]
        matcher = Matcher(songs, left, weights=weights)
        if matcher.learnt is not None:
            yield from _ask(matcher, playlists, np.flatnonzero(hidden), none_of)


def _ask(
    matcher: Matcher, playlists: Sequence[Playlist], places: Places, none_of: float
) -> Iterator[Hidden]:
    whole = {playlist.playlist_id: playlist for playlist in playlists}
    in_column = [whole[p.playlist_id].songs for p in matcher.playlists]
    for start in range(0, len(places), BLOCK):
        block = places[start : start + BLOCK]
        is_in = np.stack([np.isin(block, members, kind="sort") for members in in_column], axis=1)
        yield Hidden(matcher, block, matcher.chances(block, without={}, none_of=none_of), is_in)


class Tally:
    """Counts how hidden songs were found, block by block."""

    def __init__(self) -> None:
        self._songs = self._first = self._third = 0

    def add(self, hidden: Hidden) -> None:
        """Count the songs of a block that are in one playlist."""
        single = hidden.is_in.sum(axis=1) == 1
        shares, right = hidden.chances.shares[single], hidden.is_in[single].argmax(axis=1)
        before = (shares > shares[np.arange(len(right)), right][:, None]).sum(axis=1)
        self._songs += len(right)
        self._first += int((before < 1).sum())
        self._third += int((before < 3).sum())

    def trial(self) -> Trial | None:
        """What was counted; None where nothing could be asked."""
        if not self._songs:
            return None
        return Trial(self._songs, self._first / self._songs, self._third / self._songs)


def run(
    songs: Songs,
    playlists: Sequence[Playlist],
    *,
    weights: Weights,
    most: int | None = None,
    each: Callable[[Hidden], None] = lambda _: None,
) -> Trial | None:
    """Hide and ask for the listed songs; `each` is given every block."""
    tally = Tally()
    for hidden in hide(songs, playlists, weights=weights, none_of=0.2, most=most):
        tally.add(hidden)
        each(hidden)
    return tally.trial()
