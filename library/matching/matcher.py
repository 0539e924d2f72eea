"""The matcher: for each song its likeliest playlists, how likely each is, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import reasons
from .choice import evidence, none_told, shares
from .ranks import Floats
from .signals import GROUPS, SIGNALS, Signals
from .songs import Places, Playlist, Songs
from .weights import Weights, read

#: At most this many playlists are proposed for a song.
MAX_PROPOSALS = 3
#: A playlist that is less likely is not proposed.
LEAST_SCORE = 0.05
#: Bounds on the score between which a person chooses: everything, rather right than wrong, sure.
STRICTNESS = {"open": 0.0, "balanced": 0.5, "strict": 0.9}
#: The share of songs believed to fit none of the playlists: of those the person loves, and of the
#: others. Nobody told so far.
NONE_OF_LOVED = 0.2
NONE_OF_OTHERS = 0.5


@dataclass(frozen=True, slots=True)
class Proposal:
    """A playlist for a song."""

    song_id: str
    playlist_id: str
    #: 0…1: the probability of this playlist, if the song fits any.
    score: float
    #: Short sentences for the person.
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Chances:
    """How likely each playlist is for some songs."""

    #: One row for each song, which sums to 1; 0 for playlists that are left out.
    shares: Floats
    #: The probability that a song fits none of the playlists.
    none: Floats
    #: What speaks for each: shape (signals, songs, playlists).
    signals: Floats


class Matcher:
    """The playlists, learnt once; then songs are scored in blocks of any size."""

    def __init__(
        self, songs: Songs, playlists: Sequence[Playlist], *, weights: Weights | None = None
    ) -> None:
        self.songs = songs
        # By id: what is proposed does not hang on the order in which playlists are given.
        kept = [playlist for playlist in playlists if len(playlist.songs)]
        self.playlists = sorted(kept, key=lambda playlist: playlist.playlist_id)
        self.weights = weights or read()
        self.learnt = Signals(songs, self.playlists) if self.playlists else None
        self._columns = {p.playlist_id: column for column, p in enumerate(self.playlists)}

    def column(self, playlist_id: str) -> int | None:
        """Where a playlist stands; None where it has no songs."""
        return self._columns.get(playlist_id)

    def chances(
        self, places: Places, *, without: Mapping[int, Collection[int]], none_of: float
    ) -> Chances:
        """How likely each playlist is; `without` has the columns to leave out for a song."""
        if self.learnt is None:
            raise ValueError("There are no playlists to choose from.")
        signals, new = self.learnt.of(places), self.learnt.are_new(places)
        utilities = self._utilities(signals, new)
        for row, place in enumerate(places.tolist()):
            if place in without:
                utilities[row, list(without[place])] = -np.inf
        is_free = np.isfinite(utilities.max(axis=1))
        logs = evidence(utilities, self._utilities(signals, new, only=GROUPS["list"]))
        utilities[~is_free] = 0
        none = np.where(is_free, self._none(np.where(is_free, logs, 0), new, none_of), 1.0)
        return Chances(shares(utilities), none.astype(np.float32), signals)

    def _utilities(
        self, signals: Floats, new: npt.NDArray[np.bool_], *, only: Sequence[str] = SIGNALS
    ) -> Floats:
        chosen = [SIGNALS.index(name) for name in only]
        whole = signals if only is SIGNALS else signals[chosen]
        known = np.tensordot(self.weights.known[chosen].astype(np.float32), whole, 1)
        if new.any():
            of_new = self.weights.new[chosen].astype(np.float32)
            known[new] = np.tensordot(of_new, whole[:, new], 1)
        return np.asarray(known)

    def _none(
        self, logs: npt.NDArray[np.float64], new: npt.NDArray[np.bool_], none_of: float
    ) -> npt.NDArray[np.float64]:
        listed = sum(len(playlist.songs) for playlist in self.playlists)
        told = none_told(logs, playlists=len(self.playlists), listed=listed)
        logit = np.where(new, self.weights.none_new @ told, self.weights.none_known @ told)
        return np.asarray(1 / (1 + np.exp(-np.clip(logit, -30, 30)) * (1 - none_of) / none_of))

    def propose(
        self,
        places: Places,
        *,
        without: Mapping[int, Collection[int]],
        none_of: float = NONE_OF_LOVED,
    ) -> list[list[Proposal]]:
        """For each song its likeliest playlists, best first, at most `MAX_PROPOSALS`.

        None for a song that fits none of them more likely than not.
        """
        if self.learnt is None or not len(places):
            return [[] for _ in places]
        found = self.chances(places, without=without, none_of=none_of)
        return self.proposals(places, found.shares, found)

    def proposals(self, places: Places, scores: Floats, found: Chances) -> list[list[Proposal]]:
        """Proposals of the columns that have the highest scores, with what speaks for each."""
        count = min(MAX_PROPOSALS, len(self.playlists))
        # A stable sort: level playlists stand in the order of their ids.
        best = np.argsort(-scores, axis=1, kind="stable")[:, :count]
        top = np.take_along_axis(scores, best, axis=1)
        rows, ranks = np.nonzero((top >= LEAST_SCORE) & (found.none <= 0.5)[:, None])
        columns = best[rows, ranks]
        words = self._reasons(places, rows, columns, found.signals)
        proposed: list[list[Proposal]] = [[] for _ in places]
        for row, column, score, why in zip(
            rows.tolist(), columns.tolist(), top[rows, ranks].tolist(), words, strict=True
        ):
            song_id = self.songs.ids[int(places[row])]
            proposed[row].append(
                Proposal(song_id, self.playlists[column].playlist_id, min(score, 1.0), why)
            )
        return proposed

    def _reasons(
        self, places: Places, rows: Places, columns: Places, signals: Floats
    ) -> list[tuple[str, ...]]:
        if self.learnt is None:
            return []
        new = self.learnt.are_new(places)[rows]
        weights = np.where(new, self.weights.new[:, None], self.weights.known[:, None])
        above = signals[:, rows, columns] - signals.mean(axis=2)[:, rows]
        said = dict(zip(SIGNALS, weights * above, strict=True))
        return reasons.tell(self.learnt, places[rows], columns, said)
