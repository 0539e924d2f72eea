"""Reasons: what speaks for a proposal, in plain words and with the songs that say it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from .signals import Signals
from .songs import Places

#: A signal is named when it raises a playlist's odds over those of the others by this much
#: (the logarithm: 0.4 is by half).
_WORTH_SAYING = 0.4
#: So many songs that sound like one are named.
_NAMED = 2
#: A longer title is cut.
_LONGEST = 60

Vector = npt.NDArray[np.float64]


def tell(
    learnt: Signals,
    places: Places,
    columns: Places,
    said: Mapping[str, Vector],
) -> list[tuple[str, ...]]:
    """The reasons for each pair of song and column; `said` has how much each signal speaks."""
    songs = learnt.songs
    by_artist = learnt.artists.counts(places)[np.arange(len(places)), columns]
    by_album = learnt.albums.counts[learnt.albums.rows(songs.album_codes[places]), columns]
    alike = _alike(learnt, places, columns, said["sound"] > _WORTH_SAYING)
    years = said["year"] > _WORTH_SAYING
    company = said["company"] > _WORTH_SAYING
    found = []
    for pair, place in enumerate(places.tolist()):
        words = []
        if by_artist[pair]:
            number = int(by_artist[pair])
            count = "A song" if number == 1 else f"{number} songs"
            words.append(f"{count} by {songs.artists[place]} in it")
        if by_album[pair]:
            words.append(f"Songs of the album {_cut(songs.albums[place])} in it")
        if alike.get(pair):
            named = " and ".join(_cut(songs.titles[other]) for other in alike[pair])
            words.append(f"Sounds like {named} in it")
        if years[pair]:
            words.append("From the same years")
        if company[pair]:
            words.append("Your playlists put such artists together")
        found.append(tuple(words) or ("The closest of your playlists",))
    return found


def _alike(
    learnt: Signals,
    places: Places,
    columns: Places,
    speaks: npt.NDArray[np.bool_],
) -> dict[int, list[int]]:
    """For pairs whose sound speaks: the places of the playlist's songs that sound most like it."""
    found: dict[int, list[int]] = {}
    for column in np.unique(columns[speaks]).tolist():
        pairs = np.flatnonzero(speaks & (columns == column))
        nearest = learnt.sound.nearest(places[pairs], column, count=_NAMED)
        found.update(zip(pairs.tolist(), nearest.tolist(), strict=True))
    return found


def _cut(text: str | None) -> str:
    name = (text or "").strip()
    return f"“{name}”" if len(name) <= _LONGEST else f"“{name[:_LONGEST].rstrip()}…”"
