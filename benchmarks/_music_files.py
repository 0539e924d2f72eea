"""Makes music files of real sizes: real heads, tags, covers and ends, and a hole between.

A hole takes no room on the disk, and whoever reads tags does not read what is there.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import mutagen
import numpy as np
import soundfile
from mutagen.flac import Picture
from mutagen.id3 import APIC
from mutagen.mp4 import MP4Cover

_RATE_HZ = 44_100
#: One song in so many has a cover, as large as those that shops put into files.
_WITH_COVER, _COVER_BYTES = 3, 90_000
_SONGS_AN_ALBUM = 12
_LISTS, _SONGS_A_LIST = 100, 50


def make_music(folder: Path, songs: int) -> None:
    """So many songs in albums, half of them MP3, and playlists of them."""
    rng = random.Random(0)
    folder.mkdir(parents=True)
    kinds = (".mp3", ".mp3", ".flac", ".mp3", ".ogg", ".mp3", ".flac", ".m4a")
    models = {
        (suffix, has_cover): _model(folder, suffix, has_cover=has_cover)
        for suffix in set(kinds)
        for has_cover in (False, True)
    }
    names = []
    for number in range(songs):
        suffix = kinds[number % len(kinds)]
        album = number // _SONGS_AN_ALBUM
        name = f"Artist {album % 997}/Album {album}/{number % 12 + 1:02} Song {number}{suffix}"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = models[suffix, number % _WITH_COVER == 0]
        for placeholder, text in _words(number).items():
            data = data.replace(placeholder, text)
        _write(path, data, number, rng)
        names.append(name)
    for number in range(min(_LISTS, songs // _SONGS_A_LIST)):
        chosen = rng.sample(names, _SONGS_A_LIST)
        (folder / f"List {number}.m3u8").write_text("#EXTM3U\n" + "\n".join(chosen))


def _words(number: int) -> dict[bytes, bytes]:
    """What stands in a file's tags, by what stands in its model's; of one length."""
    album = number // _SONGS_AN_ALBUM
    texts = {"song": number, "artist": album % 997, "album": album}
    return {f"{name} ######".encode(): f"{name} {n:06}".encode() for name, n in texts.items()}


def _model(folder: Path, suffix: str, *, has_cover: bool) -> bytes:
    """A short song with tags to be filled in."""
    file = BytesIO(_template(folder, suffix))
    found: Any = mutagen.File(file, easy=True)
    if found.tags is None:
        found.add_tags()
    found.update(
        {name: f"{of} ######" for name, of in (("title", "song"), ("artist", "artist"))}
        | {"album": "album ######", "date": "1998", "tracknumber": "7", "genre": "Jazz"}
    )
    file.seek(0)
    found.save(file)
    if has_cover:
        file.seek(0)
        _add_cover(file, random.Random(1).randbytes(_COVER_BYTES))
    return file.getvalue()


def _template(folder: Path, suffix: str) -> bytes:
    """One second of noise in a format."""
    noise = np.random.default_rng(1).normal(0, 0.2, (_RATE_HZ, 2)).astype(np.float32)
    path = folder / f"template{suffix}"
    if suffix == ".m4a":
        _encode_aac(path, noise)
    else:
        soundfile.write(path, noise, _RATE_HZ)
    data = path.read_bytes()
    path.unlink()
    return data


def _encode_aac(path: Path, noise: Any) -> None:
    with av.open(path, "w") as container:
        stream: Any = container.add_stream("aac", rate=_RATE_HZ, layout="stereo")
        for start in range(0, len(noise) - 1024, 1024):
            part = np.ascontiguousarray(noise[start : start + 1024].T)
            frame = av.AudioFrame.from_ndarray(part, "fltp", "stereo")
            frame.rate, frame.pts = _RATE_HZ, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _write(path: Path, data: bytes, number: int, rng: random.Random) -> None:
    """A file with a hole in its sound that makes it 4 to 30 MB."""
    size = rng.randrange(4_000_000, 30_000_000)
    before, after = _halves(data, size)
    with path.open("wb") as file:
        file.write(before)
        file.seek(size - len(after))
        # The end is another in each file, as the sound of two songs is.
        file.write(after[:-8] + number.to_bytes(8) if path.suffix == ".mp3" else after)


def _halves(data: bytes, size: int) -> tuple[bytes, bytes]:
    """Where the hole goes: before the last page of Ogg, at the end of the sound of MP4."""
    if data[4:8] == b"ftyp":
        at = data.index(b"mdat") - 4
        length = int.from_bytes(data[at : at + 4])
        grown = (length + size - len(data)).to_bytes(4)
        end = at + length
        return data[:at] + grown + data[at + 4 : end], data[end:]
    if data[:4] == b"OggS":
        last = data.rindex(b"OggS")
        return data[:last], data[last:]
    return data[:-2_000], data[-2_000:]


def _add_cover(file: BytesIO, cover: bytes) -> None:
    found: Any = mutagen.File(file)
    kind = type(found).__name__
    if kind == "MP3":
        found.tags.add(APIC(encoding=3, mime="image/jpeg", type=3, desc="", data=cover))
    elif kind == "MP4":
        found["covr"] = [MP4Cover(cover)]
    elif kind == "FLAC":
        picture = Picture()
        picture.data, picture.mime, picture.type = cover, "image/jpeg", 3
        found.add_picture(picture)
    file.seek(0)
    found.save(file)


def read_by_mutagen(folder: Path) -> int:
    """How many files mutagen reads by itself, of those that are songs."""
    count = 0
    for path in _songs(folder):
        found: Any = mutagen.File(path)
        count += found is not None
    return count


def _songs(folder: Path) -> Iterator[str]:
    for at, _, names in os.walk(folder):
        for name in sorted(names):
            if not name.endswith(".m3u8"):
                yield f"{at}/{name}"
