"""A file's sound has one name, whatever is written into its tags; in every format."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO

import mutagen
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from mutagen.apev2 import APEv2
from mutagen.id3 import APIC, ID3, TIT2

from library.sources.audio_key import audio_key
from library.sources.folder import FolderSource
from tests.unit.library.test_formats import FORMATS, Format, tag, write

PICTURE = bytes(range(256)) * 1_200


def key(path: Path) -> str | None:
    with path.open("rb") as file:
        return audio_key(file)


def write_much(path: Path, kind: Format) -> None:
    """Tags of hundreds of KB, so that pages, atoms and chunks move and are numbered anew."""
    if kind.tags in ("id3", ""):
        file: Any = mutagen.File(path) if kind.tags else ID3()
        tags = file.tags if kind.tags else file
        tags.add(APIC(encoding=3, mime="image/png", type=3, desc="", data=PICTURE))
        tags.add(TIT2(encoding=3, text=["Another " * 50]))
        file.save() if kind.tags else file.save(path)
        return
    file = mutagen.File(path)
    name = {"ape": "Comment", "mp4": "\xa9cmt", "asf": "Description"}.get(kind.tags, "comment")
    file[name] = "Much to say. " * 20_000
    file.save()


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: f"{kind.name} {kind.suffix}")
def test_tags_of_any_length_leave_the_key_as_it_is(tmp_path: Path, kind: Format) -> None:
    path = write(tmp_path / f"song{kind.suffix}", kind)
    bare, size = key(path), path.stat().st_size
    assert bare is not None
    tag(path, kind)
    assert key(path) == bare
    write_much(path, kind)
    assert path.stat().st_size > size + 100_000
    assert key(path) == bare
    # And they are gone again.
    file = mutagen.File(path)
    (file if file is not None and file.tags is not None else ID3(path)).delete()
    assert key(path) == bare


def test_mp3_with_tags_of_three_kinds_at_once_has_the_key_of_the_bare_one(tmp_path: Path) -> None:
    path = write(tmp_path / "song.mp3", FORMATS[0])
    bare = key(path)
    for v1 in (0, 2):
        frames = ID3()
        frames.add(TIT2(encoding=3, text=["Title"]))
        frames.save(path, v1=v1)
        words = APEv2()
        words["Comment"] = "Words " * 500
        words.save(path)
        assert key(path) == bare


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_another_sound_of_the_same_length_has_another_key(tmp_path: Path, suffix: str) -> None:
    sound = np.random.default_rng(1).normal(0, 0.1, 44_100 * 3)
    keys = []
    for volume in (1.0, 0.5):
        path = tmp_path / f"{volume}{suffix}"
        soundfile.write(path, sound * volume, 44_100)
        keys.append(key(path))
    assert keys[0] != keys[1]


def test_flac_without_a_check_sum_of_its_own_is_known_by_its_frames(tmp_path: Path) -> None:
    path = write(tmp_path / "song.flac", FORMATS[1])
    data = path.read_bytes()
    bare = path.with_name("bare.flac")
    bare.write_bytes(data[:26] + bytes(16) + data[42:])
    assert str(key(path)).startswith("flac-")
    known = key(bare)
    assert known is not None
    assert not known.startswith("flac-")
    write_much(bare, FORMATS[1])
    assert key(bare) == known


def test_a_file_without_sound_has_no_key(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    path.touch()
    assert key(path) is None
    tags = ID3()
    tags.add(TIT2(encoding=3, text=["Title"]))
    tags.save(path)
    assert path.stat().st_size > 0
    assert key(path) is None
    assert FolderSource(tmp_path).audio_key("gone.mp3") is None


class Counted(io.BytesIO):
    """A file that counts what is read of it."""

    count = 0

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.count += len(found)
        return found


HEADS = (
    b"", b"ID3\x04\0\0\x7f\x7f\x7f\x7f", b"fLaC\0\xff\xff\xff", b"OggS", b"\0\0\0\x08ftyp",
    b"RIFF\0\0\0\0WAVE", b"FORM\0\0\0\0AIFF", bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),
)  # fmt: skip


@given(head=st.sampled_from(HEADS), rest=st.binary(max_size=400), times=st.integers(1, 400))
def test_of_any_bytes_it_reads_little_and_raises_nothing(
    head: bytes, rest: bytes, times: int
) -> None:
    file = Counted(head + rest * times)
    file_like: BinaryIO = file
    found = audio_key(file_like)
    assert found is None or len(found) <= 64
    assert file.count < 400_000
