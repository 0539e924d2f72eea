"""How often the matcher finds the playlist that a song was taken out of, and how fast it is.

Each simulated person keeps K of the public playlists of a file. A tenth of every playlist is
hidden, and the matcher is asked where each hidden song belongs. Names of playlists are never
looked at. Weights are learnt on every second playlist (`--choose learn`), and judged on the others,
or on all playlists of another file (`--choose none`).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from library.matching import Matcher, Playlist, Songs
from library.matching.choice import Choices, evidence, fit, none_told
from library.matching.signals import GROUPS, SIGNALS, Signals
from library.matching.weights import Weights, write
from library.matching.weights import read as stored

from . import _matching_job, _soundtracks
from ._playlists import Person, audio_formula, largest, nearest, people, read
from ._seed import Size
from ._strangers import of_strangers
from ._table import table

VARIABLE = "EARMARK_BENCH_PLAYLISTS"
HOW_TO_GET = (
    "Give a CSV of playlists with audio features by --playlists or "
    f"{VARIABLE}: get spotify_songs.csv of TidyTuesday, 2020-01-21, from "
    "github.com/rfordatascience/tidytuesday."
)
#: Hidden songs asked for, of each number of playlists and each seed.
QUERIES = 2400
#: How much the weights are held at 0 while they are learnt: the inverse of a variance.
_HELD = 2.0
_RESAMPLES = 400


@dataclass(frozen=True, eq=False)
class Answers:
    """What one person's hidden songs were answered."""

    #: Whether the right playlist came first, and among the first three.
    first: np.ndarray
    third: np.ndarray
    #: The score of the first proposal.
    score: np.ndarray
    #: Whether the song's artist is in none of the playlists.
    is_new: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, person: Person, is_new: np.ndarray) -> Answers:
        """Rank the playlists by their scores; a level one stands before the right one."""
        right = scores[np.arange(len(scores)), person.belongs][:, None]
        before = (scores > right).sum(axis=1) + ((scores == right).sum(axis=1) - 1) / 2
        return cls(before < 1, before < 3, scores.max(axis=1), is_new)

    def only(self, wanted: np.ndarray) -> Answers:
        """Some of them."""
        return Answers(*(getattr(self, n)[wanted] for n in ("first", "third", "score", "is_new")))


def _joined(parts: Sequence[Answers]) -> Answers:
    names = ("first", "third", "score", "is_new")
    return Answers(*(np.concatenate([getattr(part, n) for part in parts]) for n in names))


def figures(
    who: str, size: int, parts: Sequence[Answers], *, has_scores: bool
) -> dict[str, object]:
    """The row of one scorer, with intervals of 95 % over people."""
    whole = _joined(parts)
    rng = np.random.default_rng(0)
    hits = np.array([[p.first.sum(), p.third.sum(), len(p.first)] for p in parts], dtype=float)
    draws = hits[rng.integers(0, len(parts), (_RESAMPLES, len(parts)))].sum(axis=1)
    low, high = np.percentile(draws[:, :2] / draws[:, 2:], [2.5, 97.5], axis=0)
    surest = np.argsort(-whole.score, kind="stable")[: len(whole.score) // 4]
    return {
        "bench": "matching",
        "who": who,
        "k": size,
        "hit1": _round(whole.first.mean()),
        "hit3": _round(whole.third.mean()),
        "top_quarter": _round(whole.first[surest].mean()) if has_scores else None,
        "ece": _round(_calibration_error(whole)) if has_scores else None,
        "songs": len(whole.first),
        "hit1_95": [_round(low[0]), _round(high[0])],
        "hit3_95": [_round(low[1]), _round(high[1])],
    }


def _round(value: float) -> float:
    return round(float(value), 4)


def _calibration_error(answers: Answers) -> float:
    """Expected calibration error of the first proposal, in ten bins of one width."""
    bins = np.minimum((answers.score * 10).astype(int), 9)
    parts = [
        abs(answers.first[bins == n].mean() - answers.score[bins == n].mean()) * (bins == n).mean()
        for n in range(10)
        if (bins == n).any()
    ]
    return float(sum(parts))


def without(weights: Weights, group: str) -> Weights:
    """Weights that leave a group of signals out."""
    kept = np.array([name not in GROUPS[group] for name in SIGNALS])
    return replace(weights, known=weights.known * kept, new=weights.new * kept)


def compare(group: Sequence[Person], size: int) -> Iterator[dict[str, object]]:
    """Earmark and the others, on the same people."""
    weights = stored()
    variants = {"earmark": weights} | {f"without {name}": without(weights, name) for name in GROUPS}
    found: dict[str, list[Answers]] = {}
    for person in group:
        matcher = Matcher(person.songs, person.playlists, weights=weights)
        assert matcher.learnt is not None
        # The matcher's order is that of the ids.
        order = [int(matcher.column(p.playlist_id) or 0) for p in person.playlists]
        is_new = matcher.learnt.are_new(person.hidden)
        for name, changed in variants.items():
            matcher.weights = changed
            chances = matcher.chances(person.hidden, without={}, none_of=0.2)
            found.setdefault(name, []).append(Answers.of(chances.shares[:, order], person, is_new))
        for name, scorer in RIVALS.items():
            found.setdefault(name, []).append(Answers.of(scorer(person), person, is_new))
    yield figures("earmark", size, found["earmark"], has_scores=True)
    new = [part.only(part.is_new) for part in found["earmark"]]
    if any(len(part.first) for part in new):
        yield figures("earmark, new artists", size, new, has_scores=True)
    yield from of_strangers(group, size)
    yield {"bench": "matching", "who": "chance", "k": size, "hit1": 1 / size, "hit3": 3 / size}
    for name in RIVALS:
        yield figures(name, size, found[name], has_scores=False)
    for name in list(variants)[1:]:
        yield figures(name, size, found[name], has_scores=True)


RIVALS: dict[str, Callable[[Person], np.ndarray]] = {
    "largest list": largest,
    "audio formula": audio_formula,
    "k-NN": nearest,
}


def learn(group: Sequence[Person]) -> Weights:
    """Weights of all signals from where people put their songs."""
    looked = [(person, Signals(person.songs, person.playlists)) for person in group]
    held = np.full(len(SIGNALS), _HELD)
    fitted = []
    for is_new in (False, True):
        parts = []
        for person, learnt in looked:
            wanted = learnt.are_new(person.hidden) == is_new
            parts.append(Choices(learnt.of(person.hidden[wanted]), person.belongs[wanted]))
        fitted.append(fit(parts, prior=np.zeros(len(SIGNALS)), strength=held))
    none = [_none(looked, fitted[int(is_new)], is_new=is_new) for is_new in (False, True)]
    return Weights(*fitted, *none, version="")


def _none(
    looked: Sequence[tuple[Person, Signals]], weights: np.ndarray, *, is_new: bool
) -> np.ndarray:
    """The logit of "in none of the playlists", of hidden songs beside as many strangers."""
    columns, is_stranger = [], []
    of_list = np.array([name in GROUPS["list"] for name in SIGNALS])
    for person, learnt in looked:
        for places, strange in ((person.hidden, 0.0), (person.strangers, 1.0)):
            wanted = places[learnt.are_new(places) == is_new]
            signals = learnt.of(wanted)
            utilities = np.tensordot(weights, signals, 1)
            logs = evidence(utilities, np.tensordot(weights * of_list, signals, 1))
            listed = sum(len(playlist.songs) for playlist in person.playlists)
            columns.append(none_told(logs, playlists=len(person.playlists), listed=listed))
            is_stranger += [strange] * len(wanted)
    # A choice between two: what is told against nothing.
    seen = np.concatenate(columns, axis=1)
    signals = np.stack([np.zeros_like(seen), seen], axis=2)
    chosen = np.array(is_stranger).astype(np.int64)
    return fit([Choices(signals, chosen)], prior=np.zeros(3), strength=np.full(3, 1e-3))


def speed(songs: int = 50_000, lists: int = 300, each: int = 100) -> dict[str, object]:
    """Seconds of one core to learn playlists, to score a whole library and one playlist again."""
    rng = np.random.default_rng(0)
    library = Songs(
        ids=[str(n) for n in range(songs)],
        titles=[f"Song {n % 900} of {n % 70}" for n in range(songs)],
        artists=[f"artist {n}" for n in rng.zipf(1.3, songs) % (songs // 8)],
        albums=[f"album {n % (songs // 10)}" for n in range(songs)],
        years=(1970 + rng.integers(0, 50, songs)).astype(np.float32),
        sounds=rng.normal(size=(songs, 74)).astype(np.float32),
    )
    kept = [Playlist.of(f"{n}", rng.integers(0, songs, each).tolist()) for n in range(lists)]
    began = time.process_time()
    matcher = Matcher(library, kept)
    learnt = time.process_time()
    for start in range(0, songs, 500):
        matcher.propose(np.arange(start, min(songs, start + 500)), without={})
    scored = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    row = {"bench": "matching", "who": "speed", "songs": songs, "lists": lists, "each": each}
    return row | {
        "learn_s": round(learnt - began, 2),
        "score_s": round(scored - learnt, 2),
        "peak_mib": peak,
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="make bench-matching", description=__doc__)
    parser.add_argument("--playlists", type=Path, default=os.environ.get(VARIABLE))
    parser.add_argument(
        "--music",
        type=Path,
        default=os.environ.get("EARMARK_BENCH_MUSIC") or None,
        help="a folder of albums: then how often Earmark's own hearing alone finds a song's album",
    )
    parser.add_argument(
        "--job",
        action="store_true",
        help="also a whole matching of 50,000 songs, and which part of it reporting takes",
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 20, 50])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--queries", type=int, default=QUERIES)
    parser.add_argument(
        "--choose",
        choices=("half", "none", "learn"),
        default="half",
        help="half: the weights are from every second playlist, and the others are judged; "
        "none: all are judged; learn: learn the weights anew from every second one, and keep them",
    )
    options = parser.parse_args()
    if options.playlists is None or not Path(options.playlists).is_file():
        sys.exit(HOW_TO_GET)
    songs, playlists = read(Path(options.playlists))

    def group(some: Sequence[Playlist], size: int) -> list[Person]:
        of = {"queries": options.queries}
        return [p for seed in options.seeds for p in people(songs, some, size, seed=seed, **of)]

    if options.choose == "learn":
        learners = [person for size in options.sizes for person in group(playlists[0::2], size)]
        about = f"every second one of {len(playlists)} playlists of {Path(options.playlists).name}"
        write(learn(learners), learnt_on=f"{datetime.now(UTC):%Y-%m-%d}", learnt_from=about)
        return
    judged = playlists if options.choose == "none" else playlists[1::2]
    rows = [row for size in options.sizes for row in compare(group(judged, size), size)]
    rows.append(speed())
    if options.job:
        rows.append(_matching_job.measure(Size(proposals=0, jobs=3, failures=0)))
    for row in rows:
        print(json.dumps(row), flush=True)
    if options.music:
        own = _soundtracks.compare(Path(options.music))
        for row in own:
            print(json.dumps(row), flush=True)
        table("By the sound alone, no song of the artist left", own)
    table(f"Where a hidden song belongs ({len(judged)} playlists)", rows)


if __name__ == "__main__":
    main()
