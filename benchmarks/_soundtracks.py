"""Real audio as playlists: the folders of a collection, each album or soundtrack a list.

What is asked is harder than a person's playlists are: nothing but the sound is told, and no song
by the same artist is left in the list it belongs to where the artist is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import mutagen
import numpy as np
import soundfile

from library import profiles
from library.analysis import analyse
from library.errors import UnreadableFile
from library.features import SongToMatch
from library.matching import Matcher, Playlist, Songs
from library.sources.folder import AUDIO_SUFFIXES
from library.timbre import TIMBRE_SIZE

#: Shorter files are sounds of a game, and longer ones take long.
_SECONDS = (25, 420)
MOST_EACH = 14
FEWEST_EACH = 3


@dataclass(frozen=True, eq=False)
class Collection:
    """Songs that were heard, and the folders they are from as playlists."""

    songs: Songs
    playlists: list[Playlist]
    #: Who made each song; -1 where nobody says so.
    makers: np.ndarray


def hear(folder: Path) -> Collection:
    """Listen to songs of each folder directly below this one."""
    rows: list[SongToMatch] = []
    lists: dict[str, list[int]] = defaultdict(list)
    makers: list[str] = []
    for album in sorted(path for path in folder.iterdir() if path.is_dir()):
        for row, maker in _songs(album):
            lists[album.name].append(len(rows))
            rows.append(row)
            makers.append(maker)
    songs, _ = profiles.columns(rows)
    kept = [
        Playlist.of(name, places) for name, places in lists.items() if len(places) >= FEWEST_EACH
    ]
    names = {name: number for number, name in enumerate(dict.fromkeys(filter(None, makers)))}
    return Collection(songs, kept, np.array([names.get(name, -1) for name in makers]))


def _songs(album: Path) -> Iterator[tuple[SongToMatch, str]]:
    files = sorted(path for path in album.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    heard = 0
    for path in files:
        if heard == MOST_EACH or path.is_symlink() or not _is_a_song(path):
            continue
        try:
            found = analyse(path)
        except UnreadableFile:
            continue
        heard += 1
        row = SongToMatch(
            str(path),  # type: ignore[arg-type] # a name to be known by
            "", None, None, None,
            found.tempo_bpm, found.tempo_confidence, found.loudness_lufs, found.duration_seconds,
            found.key, found.key_confidence, np.asarray(found.timbre, dtype="<f4").tobytes(),
        )  # fmt: skip
        yield row, _artist(path)


def _is_a_song(path: Path) -> bool:
    try:
        return _SECONDS[0] <= soundfile.info(str(path)).duration <= _SECONDS[1]
    except (soundfile.SoundFileError, OSError):
        return False


def _artist(path: Path) -> str:
    try:
        tags = mutagen.File(path, easy=True)
    except mutagen.MutagenError:
        return ""
    return str((tags or {}).get("artist", [""])[0]).casefold().strip()


def hidden_one_by_one(found: Collection) -> Iterator[tuple[int, int, Sequence[Playlist]]]:
    """Each song, the number of its list, and the lists without it and all by its artist."""
    for number, playlist in enumerate(found.playlists):
        for place in playlist.songs.tolist():
            gone = np.zeros(len(found.songs), dtype=np.bool_)
            gone[place] = True
            if found.makers[place] >= 0:
                gone |= found.makers == found.makers[place]
            left = [other.without(gone) for other in found.playlists]
            if len(left[number].songs):
                yield place, number, left


def compare(folder: Path) -> list[dict[str, object]]:
    """How often the sound alone finds the folder that a song is from."""
    found = hear(folder)
    asked = list(hidden_one_by_one(found))
    lists = len(found.playlists)
    rows: list[dict[str, object]] = [_row("chance", lists, len(asked), 1 / lists, 3 / lists)]
    ranks = np.array([_rank_of_nearest(found.songs, *question) for question in asked])
    rows.append(_row("3-NN", lists, len(asked), (ranks < 1).mean(), (ranks < 3).mean()))
    for name, left_out in {"earmark": None, **PARTS}.items():
        songs = found.songs if left_out is None else _without(found.songs, left_out)
        ranks = np.array([_rank(songs, *question) for question in asked])
        who = name if left_out is None else f"without {name}"
        rows.append(_row(who, lists, len(asked), (ranks < 1).mean(), (ranks < 3).mean()))
    return rows


#: Which numbers of a song's sound are of what.
PARTS = {
    "timbre": slice(0, TIMBRE_SIZE),
    "tempo": slice(TIMBRE_SIZE, TIMBRE_SIZE + 3),
    "loudness": slice(TIMBRE_SIZE + 3, TIMBRE_SIZE + 4),
    "length": slice(TIMBRE_SIZE + 4, TIMBRE_SIZE + 5),
    "mode": slice(TIMBRE_SIZE + 5, TIMBRE_SIZE + 6),
}


def _without(songs: Songs, left_out: slice) -> Songs:
    sounds = songs.sounds.copy()
    sounds[:, left_out] = 0
    return replace(songs, sounds=sounds)


def _rank(songs: Songs, place: int, number: int, lists: Sequence[Playlist]) -> float:
    """How many lists are likelier than the one it is from."""
    matcher = Matcher(songs, lists)
    shares = matcher.chances(np.array([place]), without={}, none_of=0.2).shares[0]
    right = shares[matcher.column(lists[number].playlist_id)]
    return float((shares > right).sum())


def _rank_of_nearest(songs: Songs, place: int, number: int, lists: Sequence[Playlist]) -> float:
    """The same by the mean distance to the three nearest songs of each list."""
    spread = np.maximum(songs.sounds.std(axis=0), 1e-9)
    apart = np.linalg.norm((songs.sounds - songs.sounds[place]) / spread, axis=1)
    means = [np.sort(apart[p.songs])[:3].mean() if len(p.songs) else np.inf for p in lists]
    return float(sum(mean < means[number] for mean in means))


def _row(who: str, lists: int, songs: int, hit1: float, hit3: float) -> dict[str, object]:
    hits = {"hit1": round(float(hit1), 3), "hit3": round(float(hit3), 3)}
    return {"bench": "matching by own sound", "who": who, "lists": lists, "songs": songs, **hits}
