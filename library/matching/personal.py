"""Personal weights: moved by what an account accepted and rejected, and by no more than a bound.

The move is fitted with the public weights as its prior, held to half of each weight, and then taken
as far as there are decisions: after five of them no weight is moved by more than a fourteenth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .choice import Choices, Vector, fit
from .matcher import Matcher
from .ranks import Floats
from .songs import Places, Playlist, Songs
from .weights import Weights

#: No weight moves further than by this part of itself.
FURTHEST = 0.5
#: With this many decisions, half of the way is gone.
HALF_WAY = 30
#: Older decisions are left to the playlists, which have what was accepted.
MOST_DECISIONS = 500
#: How much the public weights are believed, as a number of decisions.
_BELIEVED = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """Decisions about songs, as playlists without them see them."""

    #: Shape (signals, songs, playlists).
    signals: Floats
    #: The column decided about, for each song.
    columns: Places
    #: Whether it was accepted.
    accepted: Sequence[bool]


def moved(weights: Vector, decided: Decided) -> Vector:
    """The weights after these decisions."""
    count = len(decided.columns)
    if count == 0:
        return weights
    strength = _BELIEVED / np.maximum(weights**2, 1e-2)
    wanted = fit(_choices(decided), prior=weights, strength=strength)
    furthest = FURTHEST * np.abs(weights)
    step = np.clip(np.nan_to_num(wanted - weights), -furthest, furthest)
    return np.asarray(weights + step * count / (count + HALF_WAY))


def _choices(decided: Decided) -> list[Choices]:
    """What was accepted won against all; what was rejected lost against the middle of all."""
    accepted = np.asarray(decided.accepted, dtype=np.bool_)
    chosen = Choices(decided.signals[:, accepted], decided.columns[accepted])
    rejected = [_against(decided.signals[:, row], int(decided.columns[row]))
                for row in np.flatnonzero(~accepted)]  # fmt: skip
    if not rejected or decided.signals.shape[2] < 2:
        return [chosen]
    rows = np.stack(rejected, axis=1)
    return [chosen, Choices(rows, np.zeros(rows.shape[1], dtype=np.int64))]


def _against(signals: Floats, column: int) -> Floats:
    """The middle of the other playlists, and the one rejected: two columns."""
    others = np.delete(signals, column, axis=1)
    middle = others.mean(axis=1) if others.shape[1] else signals[:, column]
    return np.stack([middle, signals[:, column]], axis=1)


def own_weights(
    songs: Songs,
    playlists: Sequence[Playlist],
    decided: Sequence[tuple[int, str, bool]],
    weights: Weights,
) -> Weights:
    """The weights of an account that decided about these pairs, the newest last.

    Each pair is a song's place, a playlist's id and whether it was accepted. What was accepted is
    hidden from its playlist, so that it does not speak for itself.
    """
    newest = decided[-MOST_DECISIONS:]
    if not newest:
        return weights
    hidden = np.zeros(len(songs), dtype=np.bool_)
    hidden[[place for place, _, accepted in newest if accepted]] = True
    matcher = Matcher(songs, [p.without(hidden) for p in playlists], weights=weights)
    pairs = [
        (place, column, accepted)
        for place, playlist_id, accepted in newest
        if (column := matcher.column(playlist_id)) is not None
    ]
    if matcher.learnt is None or not pairs:
        return weights
    places, columns, accepted = (np.array(values) for values in zip(*pairs, strict=True))
    new = matcher.learnt.are_new(places)
    fitted = []
    for is_new, before in ((False, weights.known), (True, weights.new)):
        of = new == is_new
        signals = matcher.learnt.of(places[of])
        fitted.append(moved(before, Decided(signals, columns[of], accepted[of].tolist())))
    return weights.moved(*fitted)
