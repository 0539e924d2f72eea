"""Matching: how well each song fits each playlist. Pure.

Four signals are compared on one scale and added: the sound (a Mahalanobis distance under the
pooled covariance within playlists), the artist, the album and the year. A signal that is
missing for a song gives its weight to the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]

#: Weights of the signals, chosen on one half of 250 public playlists and judged on the other:
#: there 60 % of hidden songs come back first, against 57 % with 1, 1, ½, ½ (docs/matching.md).
WEIGHTS = {"sound": 0.75, "artist": 1.5, "album": 1.0, "year": 0.75}
#: How much of the covariance is replaced by its mean variance: few songs make it unsure.
SHRINKAGE = 0.3
#: Sharpens sums of weighted deviations into shares of certainty. Measured: with ten playlists the
#: mean score is 0.70 and 72 % are right, with twenty 0.62 and 59 %, with fifty 0.57 and 48 %.
SHARPNESS = 1.5
#: Deviations beyond this say no more.
_MOST = 3.0
MAX_PROPOSALS = 3


@dataclass(frozen=True, slots=True)
class SongProfile:
    """What is known of a song."""

    song_id: str
    artist: str | None = None
    album: str | None = None
    year: int | None = None
    #: What was heard, of one length for all songs; None for a song not heard yet.
    sound: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class PlaylistProfile:
    """A playlist with the songs in it."""

    playlist_id: str
    songs: tuple[SongProfile, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A playlist for a song."""

    song_id: str
    playlist_id: str
    #: 0…1: the share of certainty among all playlists.
    score: float
    #: Short sentences for the person.
    reasons: tuple[str, ...]


class Matcher:
    """The playlists, learnt once; then songs are scored in batches of any size."""

    def __init__(self, playlists: Sequence[PlaylistProfile]) -> None:
        # By id: what is proposed does not hang on the order in which playlists are given.
        kept = [playlist for playlist in playlists if playlist.songs]
        self._playlists = sorted(kept, key=lambda playlist: playlist.playlist_id)
        self._places = _places(self._playlists)
        self._sounds = _Sounds(self._playlists)
        self._artists = [_counted(p, "artist") for p in self._playlists]
        self._albums = [_counted(p, "album") for p in self._playlists]
        self._years = _Years(self._playlists)
        self._scales: dict[str, float] = {}

    def fit_scales(self, songs: Sequence[SongProfile]) -> None:
        """Put the signals on one scale, as they spread over these songs and all playlists."""
        if not self._playlists or not songs:
            return
        for name, matrix in self._signals(songs).items():
            spread = float(np.nanstd(matrix)) if np.isfinite(matrix).any() else 0.0
            self._scales[name] = spread if spread > 1e-9 else 0.0

    def propose(self, songs: Sequence[SongProfile]) -> list[list[Proposal]]:
        """For each song its best playlists, best first, at most `MAX_PROPOSALS`.

        A song that is in a playlist already is not proposed for it. Songs that nothing is
        known of get no proposal.
        """
        if not self._playlists or not songs:
            return [[] for _ in songs]
        if not self._scales:
            self.fit_scales(songs)
        signals = self._signals(songs)
        deviations = {name: self._deviation(name, matrix) for name, matrix in signals.items()}
        fused, known = _fused(deviations)
        return [
            self._of_song(song, row, {n: d[i] for n, d in deviations.items()}) if known[i] else []
            for i, (song, row) in enumerate(zip(songs, fused, strict=True))
        ]

    def _signals(self, songs: Sequence[SongProfile]) -> dict[str, Matrix]:
        """Each signal, shape (songs, playlists), centred per song; NaN where it is missing."""
        signals = {
            "sound": self._sounds.closeness(songs),
            "artist": _shares(songs, "artist", self._artists, self._playlists),
            "album": _shares(songs, "album", self._albums, self._playlists),
            "year": self._years.closeness(songs),
        }
        return {
            name: matrix - np.mean(matrix, axis=1, keepdims=True)
            for name, matrix in signals.items()
        }

    def _deviation(self, name: str, matrix: Matrix) -> Matrix:
        scale = self._scales.get(name, 0.0)
        if scale == 0.0:
            return np.where(np.isnan(matrix), np.nan, 0.0)
        return np.clip(matrix / scale, -_MOST, _MOST)

    def _of_song(self, song: SongProfile, row: Matrix, why: dict[str, Matrix]) -> list[Proposal]:
        has_it = self._places.get(song.song_id, set())
        others = [i for i in range(len(self._playlists)) if i not in has_it]
        if not others:
            return []
        sure = np.exp(SHARPNESS * (row - row[others].max()))
        sure /= sure[others].sum()
        order = sorted(others, key=lambda i: -sure[i])
        return [
            Proposal(
                song.song_id,
                self._playlists[i].playlist_id,
                float(sure[i]),
                self._reasons(song, i, {name: float(d[i]) for name, d in why.items()}),
            )
            for i in order[:MAX_PROPOSALS]
        ]

    def _reasons(self, song: SongProfile, index: int, why: dict[str, float]) -> tuple[str, ...]:
        reasons = []
        by_artist = self._artists[index][_folded(song.artist)] if song.artist else 0
        if by_artist:
            songs = "A song" if by_artist == 1 else f"{by_artist} songs"
            reasons.append(f"{songs} by {song.artist} in it")
        if song.album and self._albums[index][_folded(song.album)]:
            reasons.append("Same album as songs in it")
        if why["sound"] > 0.5:
            reasons.append("Sounds much like it" if why["sound"] > 1.2 else "Sounds like it")
        if why["year"] > 0.5:
            reasons.append("From the same years")
        return tuple(reasons) or ("The closest of your playlists",)


def _fused(deviations: dict[str, Matrix]) -> tuple[Matrix, npt.NDArray[np.bool_]]:
    """The weighted mean of what is known, times the weight in all; which songs have any."""
    names = list(deviations)
    stacked = np.stack([deviations[name] for name in names])
    weights = np.array([WEIGHTS[name] for name in names])[:, None, None]
    present = ~np.isnan(stacked)
    weight_known = (weights * present).sum(axis=0)
    total = np.where(present, stacked * weights, 0).sum(axis=0)
    scale = sum(WEIGHTS.values())
    fused = np.divide(total * scale, weight_known, out=np.zeros_like(total), where=weight_known > 0)
    return fused, (weight_known > 0).any(axis=1)


def _folded(text: str | None) -> str:
    return (text or "").casefold().strip()


def _counted(playlist: PlaylistProfile, name: str) -> Counter[str]:
    return Counter(_folded(getattr(s, name)) for s in playlist.songs if getattr(s, name))


def _shares(
    songs: Sequence[SongProfile],
    name: str,
    counted: Sequence[Counter[str]],
    playlists: Sequence[PlaylistProfile],
) -> Matrix:
    """Songs of the same artist or album, over the root of the playlist's size.

    A large playlist has many by chance, yet ten of twenty say more than one of two.
    """
    roots = np.sqrt([len(playlist.songs) for playlist in playlists])
    values = [_folded(getattr(song, name)) for song in songs]
    rows = {value: np.array([counts[value] for counts in counted]) / roots for value in set(values)}
    rows[""] = np.full(len(playlists), np.nan)
    return np.array([rows[value] for value in values], dtype=np.float64)


def _places(playlists: Sequence[PlaylistProfile]) -> dict[str, set[int]]:
    """Which playlists a song is in, by its id."""
    places: dict[str, set[int]] = {}
    for index, playlist in enumerate(playlists):
        for song in playlist.songs:
            places.setdefault(song.song_id, set()).add(index)
    return places


class _Sounds:
    """Centres of the playlists' sounds, and the covariance within them."""

    def __init__(self, playlists: Sequence[PlaylistProfile]) -> None:
        heard = [[s.sound for s in p.songs if s.sound is not None] for p in playlists]
        everything = [sound for sounds in heard for sound in sounds]
        self._known = np.array([bool(sounds) for sounds in heard])
        self._usable = len(everything) >= 2
        if not self._usable:
            return
        matrix = np.stack(everything).astype(np.float64)
        self._mean = matrix.mean(axis=0)
        self._deviation = np.maximum(matrix.std(axis=0), 1e-6)
        groups = [self._scaled(sounds) for sounds in heard]
        size = matrix.shape[1]
        centres = np.stack(
            [group.mean(axis=0) if len(group) else np.zeros(size) for group in groups]
        )
        # Where the covariance is the unit matrix, the distance is Euclid's.
        self._whitening = np.linalg.cholesky(np.linalg.inv(_pooled_covariance(groups, size)))
        self._centres = centres @ self._whitening

    def _scaled(self, sounds: Sequence[npt.NDArray[np.float32]]) -> Matrix:
        if not sounds:
            return np.zeros((0, len(self._mean)))
        return np.asarray((np.stack(sounds) - self._mean) / self._deviation, dtype=np.float64)

    def closeness(self, songs: Sequence[SongProfile]) -> Matrix:
        """Minus the Mahalanobis distance to each centre; NaN for what was not heard."""
        matrix = np.full((len(songs), len(self._known)), np.nan)
        rows = [i for i, song in enumerate(songs) if song.sound is not None]
        if not self._usable or not rows:
            return matrix
        heard = self._scaled([s.sound for s in songs if s.sound is not None]) @ self._whitening
        squares = (
            (heard**2).sum(axis=1, keepdims=True)
            - 2 * heard @ self._centres.T
            + (self._centres**2).sum(axis=1)
        )
        distances = np.sqrt(np.maximum(squares, 0))
        # Nothing of such a playlist was heard: as far as the middle of the others.
        distances[:, ~self._known] = np.median(distances[:, self._known], axis=1, keepdims=True)
        matrix[rows] = -distances
        return matrix


def _pooled_covariance(groups: Sequence[Matrix], size: int) -> Matrix:
    """The covariance within playlists, shrunk towards its mean variance."""
    apart = np.concatenate([group - group.mean(axis=0) for group in groups if len(group)])
    freedom = max(1, len(apart) - sum(1 for group in groups if len(group)))
    within = apart.T @ apart / freedom
    variance = max(float(np.trace(within)) / size, 1e-6)
    return np.asarray((1 - SHRINKAGE) * within + SHRINKAGE * variance * np.eye(size))


class _Years:
    """The middle of each playlist's years, and how far songs stray from it."""

    def __init__(self, playlists: Sequence[PlaylistProfile]) -> None:
        years = [[s.year for s in p.songs if s.year] for p in playlists]
        everything = [year for group in years for year in group]
        middle = float(np.median(everything)) if everything else np.nan
        self._middles = np.array([float(np.median(g)) if g else middle for g in years])

    def closeness(self, songs: Sequence[SongProfile]) -> Matrix:
        """Minus the years between a song and each middle, to the root; NaN where unknown."""
        years = np.array([float(s.year) if s.year else np.nan for s in songs])
        return np.asarray(-np.sqrt(np.abs(years[:, None] - self._middles[None, :])))
