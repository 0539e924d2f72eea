"""The demo library: a dozen short songs of three kinds, three playlists, a few liked songs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mutagen
import soundfile
from mutagen.id3 import TALB, TCON, TDRC, TIT2, TPE1, TRCK

from .synth import RATE_HZ, Score, render


@dataclass(frozen=True, slots=True)
class DemoSong:
    """One song of the demo."""

    file: str
    title: str
    artist: str
    album: str
    genre: str
    year: int
    score: Score


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What was made, or was there already."""

    songs: int
    playlists: int
    liked: int


def _song(file: str, title: str, artist: str, genre: str, year: int, score: Score) -> DemoSong:
    return DemoSong(file, title, artist, f"{artist}: {genre}", genre, year, score)


SONGS = (
    _song("Calm/Still Water.flac", "Still Water", "Lena Moor", "Ambient", 2011,
          Score("calm", 62, 9, "minor", 1)),
    _song("Calm/Slow Light.ogg", "Slow Light", "Lena Moor", "Ambient", 2012,
          Score("calm", 66, 4, "minor", 2)),
    _song("Calm/Harbour at Night.ogg", "Harbour at Night", "North Quay", "Ambient", 2013,
          Score("calm", 58, 2, "minor", 3)),
    _song("Calm/First Snow.wav", "First Snow", "Ada Winter", "Ambient", 2012,
          Score("calm", 64, 7, "minor", 4)),
    _song("Dance/Neon Street.flac", "Neon Street", "Kilo Volt", "Electronic", 2019,
          Score("dance", 126, 0, "minor", 5)),
    _song("Dance/Run the Lights.ogg", "Run the Lights", "Kilo Volt", "Electronic", 2020,
          Score("dance", 128, 5, "minor", 6)),
    _song("Dance/Ninth Floor.ogg", "Ninth Floor", "Mira Beat", "Electronic", 2021,
          Score("dance", 132, 7, "minor", 7)),
    _song("Dance/Afterglow.flac", "Afterglow", "Satellite Club", "Electronic", 2020,
          Score("dance", 130, 10, "minor", 8)),
    _song("Strings/Orchard Road.ogg", "Orchard Road", "The Hay Makers", "Folk", 1998,
          Score("strings", 96, 7, "major", 9)),
    _song("Strings/Copper Kettle.flac", "Copper Kettle", "The Hay Makers", "Folk", 1999,
          Score("strings", 100, 2, "major", 10)),
    _song("Strings/Mill Wheel.ogg", "Mill Wheel", "Tom Ferry", "Folk", 1997,
          Score("strings", 92, 0, "major", 11)),
    _song("Strings/Barley Field.wav", "Barley Field", "Ruth Lark", "Folk", 1998,
          Score("strings", 98, 9, "major", 12)),
)  # fmt: skip

#: The fourth song of each kind is liked and in no playlist: where would a person put it?
PLAYLISTS = {
    "Quiet evenings": SONGS[0:3],
    "Up all night": SONGS[4:7],
    "Kitchen table": SONGS[8:11],
}
LIKED = (SONGS[1], SONGS[3], SONGS[7], SONGS[9], SONGS[11])
#: The playlist a person would choose, by the liked song's title.
EXPECTED = {
    "First Snow": "Quiet evenings",
    "Afterglow": "Up all night",
    "Barley Field": "Kitchen table",
}


def generate(folder: Path, *, on_song: Callable[[int, int], None] | None = None) -> DemoSummary:
    """Write the demo library into a folder; what is there already stays as it is.

    After each song `on_song` is called with the number of songs written and of all songs.
    """
    for number, song in enumerate(SONGS, 1):
        path = folder / song.file
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, song)
        if on_song is not None:
            on_song(number, len(SONGS))
    for name, songs in (*PLAYLISTS.items(), ("Liked songs", LIKED)):
        _write_playlist(folder / f"{name}.m3u8", name, songs)
    return DemoSummary(len(SONGS), len(PLAYLISTS), len(LIKED))


def _write(path: Path, song: DemoSong) -> None:
    # Written beside and then moved: a file that is there is whole.
    part = path.with_name(f".part-{path.name}")
    soundfile.write(part, render(song.score), RATE_HZ)
    if path.suffix == ".wav":
        _tag_wave(part, song)
    else:
        file = mutagen.File(part, easy=True)
        file["title"], file["artist"], file["album"] = song.title, song.artist, song.album
        file["genre"], file["date"] = song.genre, str(song.year)
        file.save()
    part.replace(path)


def _tag_wave(path: Path, song: DemoSong) -> None:
    file = mutagen.File(path)
    file.add_tags()
    for frame, text in (
        (TIT2, song.title),
        (TPE1, song.artist),
        (TALB, song.album),
        (TCON, song.genre),
        (TDRC, str(song.year)),
        (TRCK, "1"),
    ):
        file.tags.add(frame(encoding=3, text=[text]))
    file.save()


def _write_playlist(path: Path, name: str, songs: tuple[DemoSong, ...]) -> None:
    if path.exists():
        return
    lines = ["#EXTM3U", f"#PLAYLIST:{name}", *(song.file for song in songs)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", "utf-8")
