"""Playlists that are nearly the same: they have most of their songs in common."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Song = TypeVar("Song", bound=Hashable)
#: A song in more playlists than this makes no two of them alike: most people have none such.
_MOST_PLAYLISTS = 30


@dataclass(frozen=True, slots=True)
class Alike(Generic[Key]):
    """Two playlists with songs in common."""

    first: Key
    second: Key
    #: How many songs are in both.
    common: int
    #: 0…1: the songs in both over those in either (Jaccard 1901).
    overlap: float


def nearly_the_same(
    members: Mapping[Key, Sequence[Song]], *, least: float = 0.6
) -> list[Alike[Key]]:
    """The pairs of playlists that overlap by at least so much, the most alike first."""
    sets = {key: frozenset(songs) for key, songs in members.items()}
    lists_of: dict[Song, list[Key]] = {}
    for key, songs in sets.items():
        for song in songs:
            lists_of.setdefault(song, []).append(key)
    common: dict[tuple[Key, Key], int] = {}
    for keys in lists_of.values():
        for pair in combinations(keys, 2) if len(keys) <= _MOST_PLAYLISTS else ():
            common[pair] = common.get(pair, 0) + 1
    found = [
        Alike(a, b, count, count / (len(sets[a]) + len(sets[b]) - count))
        for (a, b), count in common.items()
    ]
    return sorted((x for x in found if x.overlap >= least), key=lambda x: -x.overlap)
