"""A matching's blocks have each song once, also one that cannot be hidden from its playlist."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import numpy as np
import pytest

from library import proposing
from library.matching import Playlist, Songs
from library.proposing import Proposing


def work(count: int, *lists: range) -> Proposing:
    ids = [UUID(int=n) for n in range(count)]
    nothing = np.full((count, 1), np.nan, dtype=np.float32)
    songs = Songs([str(key) for key in ids], [""] * count, ["Ann"] * count, [None] * count,
                  nothing[:, 0], nothing)  # fmt: skip
    kept = [Playlist.of(str(UUID(int=100 + n)), places) for n, places in enumerate(lists)]
    return Proposing(songs, {key: place for place, key in enumerate(ids)}, kept)


@pytest.mark.parametrize(
    ("lists", "most_hidden"),
    [((range(1),), 9), ((range(1), range(1, 2)), 9), ((range(4), range(3, 8)), 2), ((), 9)],
    ids=["a playlist of one song", "two of one", "more than are hidden", "no playlist"],
)
def test_each_song_is_looked_at_once(
    lists: tuple[range, ...], most_hidden: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposing, "MOST_HIDDEN", most_hidden)
    found = work(10, *lists)
    seen = Counter(
        song
        for blocks in (found.of_placed(), found.of_unplaced())
        for block in blocks
        for song in block.proposals
    )
    assert seen == dict.fromkeys(found.places, 1)
