"""Traits: all numbers that tell a song from another, on one scale.

Counts and means are of the whole library, and of no playlist: what is asked about a song is never
part of the answer.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .ranks import Floats, ranked

Codes = npt.NDArray[np.int64]
#: How far apart yes and no are.
_YES = np.float32(2)


def traits(
    *,
    own: Floats,
    heard: npt.NDArray[np.bool_],
    artist_codes: Codes,
    album_codes: Codes,
    forms: Floats,
) -> Floats:
    """One row for each song; numbers that are the same for all are left out.

    `own` has its sound and year by ranks, `forms` what its title looks like (`wording.form`).
    Beside them: how far the middle of all songs by the artist is from this one, and how many songs
    of the library are by the artist and of the album.
    """
    counts = ranked(np.stack([_counts(artist_codes), _counts(album_codes)], axis=1))
    parts = (own, _from_artist(own, heard, artist_codes), counts, forms * _YES)
    found = np.concatenate(parts, axis=1)
    varies = (found != found[:1]).any(axis=0)
    varies[0] = True  # a song has at least one number
    return np.asarray(found[:, varies], dtype=np.float32)


def _from_artist(own: Floats, heard: npt.NDArray[np.bool_], artist_codes: Codes) -> Floats:
    known = heard & (artist_codes >= 0)
    apart = np.zeros_like(own)
    if not known.any():
        return apart
    _, artist = np.unique(artist_codes[known], return_inverse=True)
    counts = np.bincount(artist)
    for column in range(own.shape[1]):
        sums = np.bincount(artist, weights=own[known, column])
        apart[known, column] = (sums / counts)[artist] - own[known, column]
    return apart


def _counts(codes: Codes) -> Floats:
    known = codes >= 0
    found = np.full(len(codes), np.nan, dtype=np.float32)
    if known.any():
        found[known] = np.bincount(codes[known])[codes[known]]
    return found
