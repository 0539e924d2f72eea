"""Folders of music for tests of syncs, and random changes to them."""

from __future__ import annotations

import random
import shutil
import wave
from pathlib import Path
from typing import Any

import mutagen
import mutagen.id3

_FOLDERS = ("", "Jazz", "Jazz/Live", "Rock", "rock", "Folk")


def make_folder(folder: Path, chance: random.Random, *, songs: int) -> None:
    """Songs in several folders, lists of some of them, one list of loved ones."""
    for number in range(songs):
        write_song(folder / chance.choice(_FOLDERS) / f"{number:03}.wav", chance)
    names = song_names(folder)
    for name in ("Mix.m3u8", "Jazz/Other.m3u8", "Favorites.m3u8"):
        write_list(folder, name, [*chance.sample(names, min(8, len(names))), "nowhere.wav"])


def write_song(path: Path, chance: random.Random) -> None:
    """A tenth of a second of noise that no other file has, with a title."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 1, 44_100, 2_205, "NONE", ""))
        file.writeframes(chance.randbytes(4_410))
    tag(path, f"Song {chance.randrange(10_000)}", chance)


def tag(path: Path, title: str, chance: random.Random) -> None:
    """Write a title, and a comment of another length."""
    file: Any = mutagen.File(path)
    frames: Any = mutagen.id3
    if file.tags is None:
        file.add_tags()
    file.tags.add(frames.TIT2(encoding=3, text=[title]))
    file.tags.add(frames.COMM(encoding=3, text=["x" * chance.randrange(4_000)]))
    file.save()


def write_list(folder: Path, name: str, songs: list[str]) -> None:
    """A list that names songs from the root on."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"/{song}\n" for song in songs))


def song_names(folder: Path) -> list[str]:
    """The names of the songs in a folder, sorted."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.wav"))


def change_folder(folder: Path, chance: random.Random) -> None:
    """Some twenty changes of all kinds."""
    for _ in range(20):
        one, other = (folder / name for name in chance.sample(song_names(folder), 2))
        chance.choice(_CHANGES)(folder, chance, one, other)
    if (folder / "Jazz" / "Live").is_dir() and chance.random() < 0.5:
        (folder / "Jazz" / "Live").rename(folder / f"Live {chance.random()}")


def _add(folder: Path, chance: random.Random, *_: Path) -> None:
    write_song(folder / chance.choice(_FOLDERS) / f"{chance.random()}.wav", chance)


def _delete(_folder: Path, _chance: random.Random, one: Path, _other: Path) -> None:
    one.unlink()


def _move(folder: Path, chance: random.Random, one: Path, _other: Path) -> None:
    to = folder / chance.choice(_FOLDERS) / f"Moved {chance.random()}.wav"
    to.parent.mkdir(parents=True, exist_ok=True)
    one.rename(to)


def _swap(folder: Path, _chance: random.Random, one: Path, other: Path) -> None:
    one.rename(folder / "x")
    other.rename(one)
    (folder / "x").rename(other)


def _move_over(_folder: Path, _chance: random.Random, one: Path, other: Path) -> None:
    one.replace(other)


def _edit(_folder: Path, chance: random.Random, one: Path, _other: Path) -> None:
    tag(one, f"Edited {chance.random()}", chance)


def _copy(folder: Path, chance: random.Random, one: Path, _other: Path) -> None:
    shutil.copyfile(one, folder / f"Copy {chance.random()}.wav")


def _change_a_list(folder: Path, chance: random.Random, *_: Path) -> None:
    path = chance.choice(sorted(folder.rglob("*.m3u8")))
    if chance.random() < 0.5:
        path.rename(path.with_name(f"Renamed {chance.random()}.m3u8"))
    else:
        write_list(folder, str(path.relative_to(folder)), chance.sample(song_names(folder), 3))


_CHANGES = (_add, _delete, _move, _swap, _move_over, _edit, _copy, _change_a_list)
