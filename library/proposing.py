"""Proposing: what a matching makes of one account's library. It reads rows, and writes none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from . import features, likes, pairs, playlists, profiles
from .matching import Matcher, Playlist, Proposal, Songs
from .matching.matcher import NONE_OF_LOVED, NONE_OF_OTHERS
from .matching.personal import own_weights
from .matching.songs import Places
from .matching.trial import Hidden, Tally, Trial, hide
from .matching.weights import Weights, read

#: Songs that are scored, written and told at once.
BLOCK = 200
#: Own songs that are hidden to judge by, and to find those that look misplaced.
MOST_HIDDEN = 50_000


@dataclass(frozen=True, slots=True)
class Block:
    """What is proposed for some songs."""

    proposals: Mapping[UUID, list[Proposal]]
    #: The queue of each song that is to wait in one.
    queues: Mapping[UUID, str]


@dataclass(slots=True)
class Proposing:
    """One account's library as it is now; then its proposals, block by block."""

    songs: Songs
    places: dict[UUID, int]
    playlists: list[Playlist] = field(default_factory=list)
    liked: set[UUID] = field(default_factory=set)
    decided: list[pairs.Pair] = field(default_factory=list)
    weights: Weights = field(default_factory=read)
    tally: Tally = field(default_factory=Tally)

    @classmethod
    def read(cls, session: Session, *, account_id: UUID) -> Proposing:
        """Read what is compared. What was accepted counts as in its playlist already."""
        known, places = profiles.columns(features.to_match(session, account_id=account_id))
        return cls(known, places).with_lists(session, account_id=account_id)

    def with_lists(self, session: Session, *, account_id: UUID) -> Proposing:
        """The same songs, with playlists, likes and decisions read anew."""
        decided = pairs.in_force(session, account_id=account_id)
        members = playlists.members(session, account_id=account_id)
        for pair in decided:
            if pair.is_accepted:
                members.setdefault(pair.playlist_id, []).append(pair.song_id)
        kept = [p for p in profiles.playlists(members, self.places) if len(p.songs)]
        liked = likes.ids(session, account_id=account_id)
        found = Proposing(self.songs, self.places, kept, liked, decided)
        found.weights = own_weights(self.songs, kept, found._decided_places(), found.weights)
        return found

    @property
    def trial(self) -> Trial | None:
        """How well own songs were found; known after `of_placed`."""
        return self.tally.trial()

    def of_placed(self) -> Iterator[Block]:
        """Proposals for the songs that are in a playlist, each scored by playlists without it.

        A song waits only where it looks misplaced. Nothing is proposed for songs that cannot be
        hidden: beyond `MOST_HIDDEN`, and where no playlist is left without them.
        """
        left = ~self._unplaced()
        for hidden in hide(
            self.songs, self.playlists, weights=self.weights, none_of=0.2, most=MOST_HIDDEN
        ):
            self.tally.add(hidden)
            left[hidden.places] = False
            yield self._elsewhere(hidden)
        places = np.flatnonzero(left)
        for start in range(0, len(places), BLOCK):
            block = places[start : start + BLOCK]
            yield self._block(block, [[] for _ in block], {})

    def of_unplaced(self, only: Collection[UUID] | None = None) -> Iterator[Block]:
        """Proposals for the songs that are in no playlist; of these alone where `only` is given."""
        wanted = self._mask(self.places if only is None else only) & self._unplaced()
        loved = self._mask(self.liked)
        matcher = Matcher(self.songs, self.playlists, weights=self.weights)
        without = self._columns_decided(matcher)
        for queue, of_queue, none_of in (
            ("liked", loved & wanted, NONE_OF_LOVED),
            ("other", ~loved & wanted, NONE_OF_OTHERS),
        ):
            places = np.flatnonzero(of_queue)
            for start in range(0, len(places), BLOCK):
                block = places[start : start + BLOCK]
                found = matcher.propose(block, without=without, none_of=none_of)
                yield self._block(block, found, dict.fromkeys(block.tolist(), queue))

    def changed_by(self, song_id: UUID, proposed: Collection[UUID], *, most: int) -> set[UUID]:
        """The songs in no playlist that a decision about a song may change, at most so many.

        The song itself and those by its artists, then those in `proposed`, then those that sound
        most like it.
        """
        place = self.places.get(song_id)
        if place is None:
            return set()
        unplaced = self._unplaced()
        by_artist = self.songs.by_the_artists_of(place)
        listed = [self.places[key] for key in proposed if key in self.places]
        order = np.concatenate([[place], by_artist, listed, self._like(place, most=most)])
        order = order.astype(np.int64)
        first = list(dict.fromkeys(order[unplaced[order]].tolist()))[:most]
        return {UUID(self.songs.ids[other]) for other in first}

    def _like(self, place: int, *, most: int) -> Places:
        heard = np.flatnonzero(self.songs.heard & self._unplaced())
        if not self.songs.heard[place]:
            return heard[:0]
        sounds = self.songs.ranked_sounds
        apart = ((sounds[heard] - sounds[place]) ** 2).sum(axis=1)
        return heard[np.argsort(apart, kind="stable")[:most]]

    def _unplaced(self) -> npt.NDArray[np.bool_]:
        found = np.ones(len(self.songs), dtype=np.bool_)
        for playlist in self.playlists:
            found[playlist.songs] = False
        return found

    def _mask(self, song_ids: Iterable[UUID]) -> npt.NDArray[np.bool_]:
        found = np.zeros(len(self.songs), dtype=np.bool_)
        found[[self.places[key] for key in song_ids if key in self.places]] = True
        return found

    def _elsewhere(self, hidden: Hidden) -> Block:
        scores, misplaced = hidden.others()
        decided = self._columns_decided(hidden.matcher)
        for row, place in enumerate(hidden.places.tolist()):
            scores[row, list(decided.get(place, ()))] = 0
        found = hidden.matcher.proposals(hidden.places, scores, hidden.chances)
        queues = dict.fromkeys(hidden.places[misplaced].tolist(), "misplaced")
        return self._block(hidden.places, found, queues)

    def _block(
        self, places: Places, found: list[list[Proposal]], queues: Mapping[int, str]
    ) -> Block:
        keys = [UUID(self.songs.ids[place]) for place in places.tolist()]
        waiting = {
            key: queues[place]
            for key, place, proposed in zip(keys, places.tolist(), found, strict=True)
            if proposed and place in queues
        }
        return Block(dict(zip(keys, found, strict=True)), waiting)

    def _decided_places(self) -> list[tuple[int, str, bool]]:
        return [
            (self.places[pair.song_id], str(pair.playlist_id), pair.is_accepted)
            for pair in self.decided
            if pair.song_id in self.places
        ]

    def _columns_decided(self, matcher: Matcher) -> dict[int, set[int]]:
        """The columns that are left out for a song, by its place."""
        found: dict[int, set[int]] = {}
        for place, playlist_id, _ in self._decided_places():
            column = matcher.column(playlist_id)
            if column is not None:
                found.setdefault(place, set()).add(column)
        return found
