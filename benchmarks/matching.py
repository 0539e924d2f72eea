"""How often the matcher finds the playlist that a song was taken out of, and how fast it is.

Each simulated person keeps K of the public playlists of a file. A tenth of every playlist is
hidden, and the matcher is asked where each hidden song belongs. Names of playlists are never
looked at. Half of the playlists are for choosing the constants, the other half for judging them:
the tables are of the second half unless `--choose` is given.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np

from library import matching
from library.matching import Matcher, PlaylistProfile, SongProfile

from ._table import tell

VARIABLE = "EARMARK_BENCH_PLAYLISTS"
HOW_TO_GET = (
    "Give a CSV of playlists with audio features by --playlists or "
    f"{VARIABLE}: get spotify_songs.csv of TidyTuesday, 2020-01-21, from "
    "github.com/rfordatascience/tidytuesday."
)
SOUND_COLUMNS = (
    "danceability", "energy", "loudness", "speechiness", "acousticness",
    "instrumentalness", "liveness", "valence", "tempo",
)  # fmt: skip
QUERIES = 2400
SHORTEST_PLAYLIST = 10


@dataclass(frozen=True, slots=True)
class Query:
    """One person's playlists, and hidden songs with the place in them where each belongs."""

    playlists: tuple[PlaylistProfile, ...]
    hidden: tuple[tuple[SongProfile, int], ...]


def read(path: Path) -> list[PlaylistProfile]:
    """The file's playlists, in the order of their ids."""
    groups: dict[str, dict[str, SongProfile]] = defaultdict(dict)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            groups[row["playlist_id"]][row["track_id"]] = _song(row)
    return [
        PlaylistProfile(name, tuple(songs.values()))
        for name, songs in sorted(groups.items())
        if len(songs) >= SHORTEST_PLAYLIST
    ]


def _song(row: Mapping[str, str]) -> SongProfile:
    year = row["track_album_release_date"][:4]
    return SongProfile(
        row["track_id"],
        row["track_artist"],
        row["track_album_name"],
        int(year) if year.isdecimal() else None,
        np.array([float(row[name]) for name in SOUND_COLUMNS], dtype=np.float32),
    )


def queries(playlists: Sequence[PlaylistProfile], size: int, *, seed: int) -> Iterator[Query]:
    """People with `size` playlists each, until `QUERIES` songs are asked for."""
    rng = random.Random(seed)
    asked = 0
    while asked < QUERIES:
        query = _person(rng.sample(playlists, size), rng)
        asked += len(query.hidden)
        yield query


def _person(mine: Sequence[PlaylistProfile], rng: random.Random) -> Query:
    times: dict[str, int] = defaultdict(int)
    for playlist in mine:
        for song in playlist.songs:
            times[song.song_id] += 1
    hidden, kept = [], []
    for place, playlist in enumerate(mine):
        # A song of two playlists would still be in one: there is nothing to propose it for.
        single = [song for song in playlist.songs if times[song.song_id] == 1]
        taken = rng.sample(single, min(len(single), max(1, len(playlist.songs) // 10)))
        names = {song.song_id for song in taken}
        hidden += [(song, place) for song in taken]
        rest = tuple(song for song in playlist.songs if song.song_id not in names)
        kept.append(PlaylistProfile(playlist.playlist_id, rest))
    return Query(tuple(kept), tuple(hidden))


@dataclass(frozen=True, slots=True)
class Answers:
    """What the matcher said to many queries."""

    #: The rank from 1 of the right playlist; 0 where it was not proposed.
    ranks: np.ndarray
    #: The score of the first proposal.
    scores: np.ndarray

    def row(self) -> dict[str, float]:
        """hit@1, hit@3 and the mean reciprocal rank."""
        found = self.ranks > 0
        reciprocal = np.divide(1, self.ranks, where=found, out=np.zeros(len(found)))
        return {
            "hit@1": float((self.ranks == 1).mean()),
            "hit@3": float((found & (self.ranks <= 3)).mean()),
            "mrr": float(reciprocal.mean()),
        }

    def calibration_error(self) -> float:
        """Expected calibration error of the first proposal, in ten bins of one width."""
        bins = np.minimum((self.scores * 10).astype(int), 9)
        right = self.ranks == 1
        parts = [
            abs(right[bins == n].mean() - self.scores[bins == n].mean()) * (bins == n).mean()
            for n in range(10)
            if (bins == n).any()
        ]
        return float(sum(parts))

    def brier(self) -> float:
        """The mean square between the first proposal's score and whether it was right."""
        return float(((self.scores - (self.ranks == 1)) ** 2).mean())


@contextmanager
def constants(*, weights: Mapping[str, float] | None = None, **others: float) -> Iterator[None]:
    """Other constants for the matcher, and all proposals rather than the first few."""
    with (
        mock.patch.multiple(matching, MAX_PROPOSALS=10_000, **others),
        mock.patch.dict(matching.WEIGHTS, weights or {}),
    ):
        yield


def ask(people: Sequence[Query], **settings: object) -> Answers:
    """Propose for every hidden song of all people, scaled over all their songs as the task does."""
    ranks, scores = [], []
    with constants(**settings):  # type: ignore[arg-type]
        for person in people:
            songs = [song for song, _ in person.hidden]
            everything = [song for playlist in person.playlists for song in playlist.songs]
            matcher = Matcher(person.playlists)
            matcher.fit_scales(everything + songs)
            for (_, place), found in zip(person.hidden, matcher.propose(songs), strict=True):
                right = person.playlists[place].playlist_id
                names = [proposal.playlist_id for proposal in found]
                ranks.append(names.index(right) + 1 if right in names else 0)
                scores.append(found[0].score if found else 0.0)
    return Answers(np.array(ranks), np.array(scores))


def by_size(people: Sequence[Query]) -> Answers:
    """The scorer to beat without any learning: the largest playlist first."""
    ranks = []
    for person in people:
        sizes = np.array([len(playlist.songs) for playlist in person.playlists])
        order = list(np.argsort(-sizes, kind="stable"))
        ranks += [order.index(place) + 1 for _, place in person.hidden]
    return Answers(np.array(ranks), np.zeros(len(ranks)))


def _only(*names: str) -> dict[str, float]:
    return {name: weight if name in names else 0.0 for name, weight in matching.WEIGHTS.items()}


SCORERS: dict[str, dict[str, float] | None] = {
    "sound": _only("sound"),
    "artist": _only("artist"),
    "album": _only("album"),
    "year": _only("year"),
    "sound + artist": _only("sound", "artist"),
    "sound + artist + album": _only("sound", "artist", "album"),
    "all four": None,
}


def compare(playlists: Sequence[PlaylistProfile], sizes: Sequence[int], seed: int) -> None:
    """Every scorer, and the certainty of all four, for each number of playlists of a person."""
    rows: list[dict[str, object]] = []
    sure: list[dict[str, object]] = []
    for size in sizes:
        people = list(queries(playlists, size, seed=seed))
        expected = sum(1 / rank for rank in range(1, size + 1)) / size
        chance = {"hit@1": 1 / size, "hit@3": 3 / size, "mrr": expected}
        rows.append({"playlists": size, "scorer": "chance", **chance})
        rows.append({"playlists": size, "scorer": "largest first", **by_size(people).row()})
        for name, weights in SCORERS.items():
            answers = ask(people, weights=weights)
            rows.append({"playlists": size, "scorer": name, **answers.row()})
        sure.append({"playlists": size, **_certainty(answers)})
    tell("Where a hidden song belongs", rows)
    tell("How right the first proposal is, the surest songs first", sure)


def _certainty(answers: Answers) -> dict[str, float]:
    order = np.argsort(-answers.scores, kind="stable")
    right = (answers.ranks == 1)[order]
    found = {f"surest {p} %": float(right[: len(right) * p // 100].mean()) for p in (25, 50, 75)}
    return {
        **found,
        "all": float(right.mean()),
        "mean score": float(answers.scores.mean()),
        "calibration error": answers.calibration_error(),
        "brier": answers.brier(),
    }


def choose(playlists: Sequence[PlaylistProfile], sizes: Sequence[int], seed: int) -> None:
    """Other constants: each alone changed from what the matcher has, then weights together."""
    people = [person for size in sizes for person in queries(playlists, size, seed=seed)]
    trials: list[tuple[str, dict[str, object]]] = [("as it is", {})]
    for name in matching.WEIGHTS:
        trials += [
            (f"{name} {w}", {"weights": {name: w}}) for w in (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
        ]
    trials += [(f"SHRINKAGE {s}", {"SHRINKAGE": s}) for s in (0.05, 0.1, 0.2, 0.5, 0.8)]
    trials += [(f"_MOST {m}", {"_MOST": m}) for m in (2.0, 4.0, 6.0, 10.0)]
    sharp = (0.25, 0.4, 0.5, 0.6, 0.75, 1.0, 1.25, 1.5, 2.0)
    trials += [(f"SHARPNESS {s}", {"SHARPNESS": s}) for s in sharp]
    for values in itertools.product((0.5, 0.75, 1.0), (1.0, 1.5), (0.5, 1.0), (0.5, 0.75)):
        weights = dict(zip(matching.WEIGHTS, values, strict=True))
        trials.append((" ".join(map(str, values)), {"weights": weights}))
    rows = []
    for name, settings in trials:
        answers = ask(people, **settings)
        ece, brier = answers.calibration_error(), answers.brier()
        rows.append({"constants": name, **answers.row(), "calibration error": ece, "brier": brier})
    tell("Other constants", rows)


def speed(sizes: Sequence[tuple[int, int]] = ((1_000, 20), (5_000, 100), (20_000, 200))) -> None:
    """Seconds to learn the playlists, to fit the scales and to score all songs, 50 at once."""
    rng = np.random.default_rng(0)
    rows = []
    for songs, playlists in sizes:
        everything = [
            SongProfile(str(n), f"artist {n % (songs // 8)}", f"album {n % (songs // 4)}",
                        1970 + n % 50, rng.normal(size=71).astype(np.float32))
            for n in range(songs)
        ]  # fmt: skip
        kept = [PlaylistProfile(str(n), tuple(everything[n::playlists])) for n in range(playlists)]
        began = time.perf_counter()
        matcher = Matcher(kept)
        learnt = time.perf_counter()
        matcher.fit_scales(everything)
        fitted = time.perf_counter()
        for start in range(0, songs, 50):
            matcher.propose(everything[start : start + 50])
        ended = time.perf_counter()
        rows.append(
            {
                "songs": songs,
                "playlists": playlists,
                "learn s": learnt - began,
                "scales s": fitted - learnt,
                "score s": ended - fitted,
                "songs/s": round(songs / (ended - began)),
            }
        )
    tell("How fast", rows)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="make bench-matching", description=__doc__)
    parser.add_argument("--playlists", type=Path, default=os.environ.get(VARIABLE))
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 20, 50])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--choose", action="store_true", help="try other constants instead")
    options = parser.parse_args()
    if options.playlists is None or not Path(options.playlists).is_file():
        sys.exit(HOW_TO_GET)
    playlists = read(Path(options.playlists))
    halves = playlists[0::2], playlists[1::2]
    if options.choose:
        choose(halves[0], options.sizes, options.seed)
        return
    compare(halves[1], options.sizes, options.seed)
    speed()


if __name__ == "__main__":
    main()
