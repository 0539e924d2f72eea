"""Songs that fit none of a person's playlists: how well the matcher tells so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from library.matching import STRICTNESS, Matcher
from library.matching.matcher import NONE_OF_LOVED

from ._playlists import Person


@dataclass(frozen=True, eq=False)
class _Asked:
    """What was answered for some songs."""

    #: The probability that each fits none.
    none: np.ndarray
    #: The score of its first proposal, and whether that is right.
    score: np.ndarray
    is_right: np.ndarray

    def proposed(self, least: float) -> np.ndarray:
        """Which of them get a proposal that is at least so sure."""
        return (self.none <= 0.5) & (self.score >= least)


def of_strangers(group: Sequence[Person], size: int) -> Iterator[dict[str, object]]:
    """How well songs of other playlists are told from those that fit one, and what is proposed.

    The rows of a strictness say how many hidden songs and strangers get a proposal that is so sure,
    and how often that of a hidden song is right.
    """
    hidden, strangers = _ask(group)
    fits = np.sort(hidden.none)
    sides = (np.searchsorted(fits, strangers.none, side) for side in ("left", "right"))
    row = {"bench": "matching", "who": "none of these", "k": size}
    yield row | {
        "auc": round(float(sum(sides).mean()) / 2 / len(fits), 4),
        "found_at_5_false": _part(strangers.none > np.quantile(fits, 0.95)),
        "found_at_10_false": _part(strangers.none > np.quantile(fits, 0.90)),
        "found": _part(strangers.none > 0.5),
        "false": _part(fits > 0.5),
    }
    for name, least in STRICTNESS.items():
        proposed = hidden.proposed(least)
        yield row | {
            "who": f"{name}, at least {least:.0%} sure",
            "proposed": _part(proposed),
            "right": _part(hidden.is_right[proposed]) if proposed.any() else None,
            "strangers_proposed": _part(strangers.proposed(least)),
        }


def _ask(group: Sequence[Person]) -> tuple[_Asked, _Asked]:
    hidden, strangers = [], []
    for person in group:
        matcher = Matcher(person.songs, person.playlists)
        columns = np.array([matcher.column(p.playlist_id) for p in person.playlists])
        for places, found in ((person.hidden, hidden), (person.strangers, strangers)):
            chances = matcher.chances(places, without={}, none_of=NONE_OF_LOVED)
            first = chances.shares.argmax(axis=1)
            right = first == columns[person.belongs] if places is person.hidden else first < 0
            found.append(_Asked(chances.none, chances.shares.max(axis=1), right))
    return _joined(hidden), _joined(strangers)


def _joined(parts: Sequence[_Asked]) -> _Asked:
    return _Asked(*(np.concatenate([getattr(part, name) for part in parts]) for name in _NAMES))


_NAMES = ("none", "score", "is_right")


def _part(of: np.ndarray) -> float:
    return round(float(of.mean()), 4)
