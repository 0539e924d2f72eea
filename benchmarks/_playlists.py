"""Public playlists as people of whom songs are hidden, and what else could answer for them."""

from __future__ import annotations

import csv
import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from library.matching import Playlist, Songs

SHORTEST_PLAYLIST = 10
_HEARD = (
    "danceability", "energy", "loudness", "speechiness", "acousticness",
    "instrumentalness", "liveness", "valence", "tempo", "mode",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Person:
    """One person's playlists, and hidden songs with the column of the playlist each is from."""

    songs: Songs
    playlists: tuple[Playlist, ...]
    hidden: np.ndarray
    belongs: np.ndarray
    #: As many songs that are in none of the person's playlists.
    strangers: np.ndarray


def read(path: Path) -> tuple[Songs, list[Playlist]]:
    """The file's songs, and its playlists in the order of their ids. Names are not looked at.

    A song has several ids where it came out several times: it is one by its artist and title. Else
    a hidden song could still be in a playlist under another id.
    """
    rows: dict[tuple[str, str], Mapping[str, str]] = {}
    lists: dict[str, dict[tuple[str, str], None]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            song = (row["track_artist"].casefold(), row["track_name"].casefold())
            rows.setdefault(song, row)
            lists.setdefault(row["playlist_id"], {})[song] = None
    place = {song: number for number, song in enumerate(rows)}
    songs = Songs(
        ids=[row["track_id"] for row in rows.values()],
        titles=[row["track_name"] for row in rows.values()],
        artists=[row["track_artist"] for row in rows.values()],
        albums=[row["track_album_name"] for row in rows.values()],
        years=np.array([_year(row) for row in rows.values()], dtype=np.float32),
        sounds=np.array([_sound(row) for row in rows.values()], dtype=np.float32),
    )
    kept = [
        Playlist.of(key, (place[song] for song in members))
        for key, members in sorted(lists.items())
        if len(members) >= SHORTEST_PLAYLIST
    ]
    return songs, kept


def _year(row: Mapping[str, str]) -> float:
    year = row["track_album_release_date"][:4]
    return float(year) if year.isdecimal() else math.nan


def _sound(row: Mapping[str, str]) -> list[float]:
    # As Earmark has it of its own hearing: the tempo on a circle of octaves, the mode, the length.
    turn = 2 * math.pi * math.log2(max(float(row["tempo"]), 1.0))
    length = math.log(max(float(row["duration_ms"]), 1.0))
    return [*(float(row[name]) for name in _HEARD), length, math.cos(turn), math.sin(turn)]


def people(
    songs: Songs, playlists: Sequence[Playlist], size: int, *, seed: int, queries: int
) -> Iterator[Person]:
    """People with `size` of the playlists each, until so many songs are asked for."""
    rng = random.Random(f"{seed} {size}")
    asked = 0
    while asked < queries:
        person = _person(songs, playlists, rng.sample(playlists, size), rng)
        asked += len(person.hidden)
        yield person


def _person(
    songs: Songs, everything: Sequence[Playlist], mine: Sequence[Playlist], rng: random.Random
) -> Person:
    times = Counter(place for playlist in mine for place in playlist.songs.tolist())
    hidden: list[tuple[int, int]] = []
    for column, playlist in enumerate(mine):
        # A song of two playlists would still be in one: there is nothing to propose it for.
        single = [place for place in playlist.songs.tolist() if times[place] == 1]
        taken = rng.sample(single, min(len(single), max(1, len(playlist.songs) // 10)))
        hidden += [(place, column) for place in taken]
    is_hidden = np.zeros(len(songs), dtype=np.bool_)
    is_hidden[[place for place, _ in hidden]] = True
    others = {place for playlist in everything for place in playlist.songs.tolist()} - times.keys()
    strangers = rng.sample(sorted(others), min(len(others), len(hidden)))
    return Person(
        songs,
        tuple(playlist.without(is_hidden) for playlist in mine),
        np.array([place for place, _ in hidden]),
        np.array([column for _, column in hidden]),
        np.array(strangers, dtype=np.int64),
    )


def largest(person: Person) -> np.ndarray:
    """The scorer to beat without any learning: the largest playlist first."""
    sizes = np.array([len(playlist.songs) for playlist in person.playlists], dtype=np.float64)
    return np.broadcast_to(sizes, (len(person.hidden), len(sizes)))


def audio_formula(person: Person) -> np.ndarray:
    """Cosine to each playlist's mean sound, put on one scale over all pairs: no names, no years."""
    sounds = _scaled(person, to_one=True)
    centres = np.array([sounds[playlist.songs].mean(axis=0) for playlist in person.playlists])
    asked = sounds[person.hidden]
    lengths = np.outer(np.linalg.norm(asked, axis=1), np.linalg.norm(centres, axis=1))
    alike = asked @ centres.T / np.maximum(lengths, 1e-9)
    return (np.clip((alike - alike.mean()) / alike.std(), -3, 3) + 3) / 6


def nearest(person: Person, neighbours: int = 5) -> np.ndarray:
    """Minus the mean distance to the nearest songs of each playlist."""
    sounds = _scaled(person, to_one=False)
    found = []
    for playlist in person.playlists:
        apart = sounds[person.hidden][:, None] - sounds[playlist.songs][None]
        distances = np.sort(np.sqrt((apart**2).sum(axis=2)), axis=1)
        found.append(-distances[:, :neighbours].mean(axis=1))
    return np.array(found).T


def _scaled(person: Person, *, to_one: bool) -> np.ndarray:
    sounds = person.songs.sounds.astype(np.float64)
    if to_one:
        least, most = sounds.min(axis=0), sounds.max(axis=0)
        return (sounds - least) / np.maximum(most - least, 1e-9)
    return (sounds - sounds.mean(axis=0)) / np.maximum(sounds.std(axis=0), 1e-9)
