"""Songs and playlists as the matcher compares them: in columns, for libraries of any size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from . import wording
from .ranks import Floats, ranked
from .traits import traits

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """The names that songs have, any number for each song: equal names have equal codes."""

    codes: Places
    #: Where each song's codes begin; one more at the end.
    begins: Places

    @classmethod
    def of(cls, rows: Iterable[Iterable[str]]) -> Named:
        """The names of each song, each once, whatever the case; empty ones are left out."""
        known: dict[str, int] = {}
        found: list[int] = []
        begins = [0]
        for row in rows:
            names = dict.fromkeys(name.casefold().strip() for name in row)
            found += [known.setdefault(name, len(known)) for name in names if name]
            begins.append(len(found))
        return cls(np.array(found, dtype=np.int64), np.array(begins, dtype=np.int64))

    def at(self, places: Places) -> tuple[Places, Places]:
        """The codes of these songs in a row, and how many each has."""
        lengths = self.begins[places + 1] - self.begins[places]
        ends = np.cumsum(lengths)
        offsets = np.arange(lengths.sum()) - np.repeat(ends - lengths, lengths)
        return self.codes[np.repeat(self.begins[places], lengths) + offsets], lengths


@dataclass(frozen=True, eq=False)
class Songs:
    """What is known of songs. A song is named by its place, from 0."""

    ids: Sequence[str]
    titles: Sequence[str]
    artists: Sequence[str | None]
    albums: Sequence[str | None]
    #: NaN where no year is known.
    years: Floats
    #: What was heard, one row for each song; a row of NaN for a song not heard yet.
    sounds: Floats
    #: Each artist of a song by itself; empty where `artists` has them all.
    several_artists: Sequence[Sequence[str]] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def artist_codes(self) -> Places:
        """The same number for the same artist, whatever the case; -1 where none is known."""
        return _codes(self.artists)

    @cached_property
    def album_codes(self) -> Places:
        """As `artist_codes`, for albums."""
        return _codes(self.albums)

    @cached_property
    def credits(self) -> Named:
        """Every artist of each song, guests that its title names among them."""
        several = self.several_artists or [(artist or "",) for artist in self.artists]
        both = zip(several, self.titles, strict=True)
        return Named.of((*artists, *wording.guests(title)) for artists, title in both)

    def by_the_artists_of(self, place: int) -> Places:
        """The places of the songs that have an artist in common with this one."""
        mine, _ = self.credits.at(np.array([place]))
        same = np.flatnonzero(np.isin(self.credits.codes, mine))
        return np.unique(np.searchsorted(self.credits.begins, same, "right") - 1)

    @cached_property
    def words(self) -> Named:
        """The words of each song's title and album."""
        return Named.of(map(wording.words, self.titles, self.albums))

    @cached_property
    def heard(self) -> npt.NDArray[np.bool_]:
        """Which songs were heard."""
        if not self.sounds.shape[1]:
            return np.zeros(len(self), dtype=np.bool_)
        return np.asarray(np.isfinite(self.sounds).all(axis=1))

    @cached_property
    def ranked_sounds(self) -> Floats:
        """Each number of the sound by its rank among all songs; 0 for songs that were not heard."""
        return ranked(np.where(self.heard[:, None], self.sounds, np.nan))

    @cached_property
    def traits(self) -> Floats:
        """All numbers that tell these songs apart, one row for each."""
        forms = map(wording.form, self.titles, self.albums)
        return traits(
            own=np.concatenate([self.ranked_sounds, ranked(self.years[:, None])], axis=1),
            heard=self.heard,
            artist_codes=self.artist_codes,
            album_codes=self.album_codes,
            forms=np.array(list(forms), dtype=np.float32).reshape(-1, 3),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Playlist:
    """A playlist, with the places of its songs."""

    playlist_id: str
    songs: Places

    @classmethod
    def of(cls, playlist_id: str, songs: Iterable[int]) -> Playlist:
        """A playlist with each of its songs once."""
        return cls(playlist_id, np.unique(np.fromiter(songs, dtype=np.int64)))

    def without(self, hidden: npt.NDArray[np.bool_]) -> Playlist:
        """The same without the songs at the places that are hidden."""
        return Playlist(self.playlist_id, self.songs[~hidden[self.songs]])


def _codes(names: Sequence[str | None]) -> Places:
    known: dict[str, int] = {"": -1}
    folded = [(name or "").casefold().strip() for name in names]
    return np.array([known.setdefault(n, len(known) - 1) for n in folded], dtype=np.int64)
