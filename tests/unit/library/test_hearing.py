"""What can be heard is heard, by whichever decoder can, and what cannot is said truly."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from library import hearing
from library.decoding import CannotOpen, by_ffmpeg, by_libsndfile
from library.errors import UnhearableFile
from library.hearing import hear

RATE_HZ = 44_100


def sound(seconds: float) -> np.ndarray:
    """Noise, of which no two parts are alike."""
    return np.random.default_rng(1).normal(0, 0.1, int(seconds * RATE_HZ)).astype(np.float32)


def song(path: Path, seconds: float = 20) -> bytes:
    """The bytes of a file of noise."""
    soundfile.write(path, sound(seconds), RATE_HZ)
    return path.read_bytes()


def spoil(path: Path, *, at: float, size: int) -> None:
    """Make some bytes of a file wrong."""
    data = bytearray(path.read_bytes())
    start = int(len(data) * at)
    data[start : start + size] = b"\xaa" * size
    path.write_bytes(data)


@pytest.mark.parametrize(("name", "size"), [("a.mp3", 2_000), ("a.flac", 20), ("a.ogg", 2_000)])
def test_a_damaged_place_takes_no_more_than_itself(tmp_path: Path, name: str, size: int) -> None:
    song(tmp_path / name)
    spoil(tmp_path / name, at=0.1, size=size)
    heard = hear(tmp_path / name)
    assert heard.seconds > 19
    assert heard.damage is None or heard.damaged_from_seconds == pytest.approx(2, abs=1)


@pytest.mark.parametrize("name", ["a.flac", "a.wav", "a.mp3"])
@pytest.mark.parametrize("share", [0.76, 0.3])
def test_a_song_that_is_cut_counts_if_half_of_it_can_be_heard(
    tmp_path: Path, name: str, share: float
) -> None:
    data = song(tmp_path / name)
    (tmp_path / name).write_bytes(data[: int(len(data) * share)])
    if name == "a.mp3" and not hearing._told_by_header(tmp_path / name):
        pytest.skip("this encoder writes no header that tells the length")
    if share > 0.5:
        heard = hear(tmp_path / name)
        assert heard.seconds == pytest.approx(20 * share, abs=0.7)
        assert heard.damage is not None
        assert heard.damage.startswith("The file is damaged from 0:1")
        assert heard.damage.endswith("of 0:20 can be heard.")
        return
    with pytest.raises(UnhearableFile, match=r"damaged from 0:0\d on: 0:0\d of 0:20 can be heard"):
        hear(tmp_path / name)


def test_half_of_a_file_that_is_destroyed_is_told_from_where_it_is(tmp_path: Path) -> None:
    song(tmp_path / "a.flac")
    size = (tmp_path / "a.flac").stat().st_size
    spoil(tmp_path / "a.flac", at=0.6, size=int(size * 0.39))
    heard = hear(tmp_path / "a.flac")
    assert heard.damaged_from_seconds == pytest.approx(12, abs=1)


def test_a_whole_file_has_no_damage(tmp_path: Path) -> None:
    for name in ("a.flac", "a.mp3", "a.ogg", "a.wav", "a.aiff"):
        song(tmp_path / name, 5)
        assert hear(tmp_path / name).damage is None, name


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "The file is empty."),
        (b"this is not audio" * 50, "The file is in no format of sound that Earmark knows."),
        (bytes(4096), "The file is in no format of sound that Earmark knows."),
        (b"fLaC" + b"\xff" * 100,
         "The file is damaged at its beginning: nothing of it can be heard."),
        (b"OggS" + bytes(100), "The file is damaged at its beginning: nothing of it can be heard."),
        (b"\0\0\0\x20ftypM4A " + bytes(100),
         "The file is damaged at its beginning: nothing of it can be heard."),
    ],
)  # fmt: skip
def test_the_sentence_tells_the_truth(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "a.m4a").write_bytes(data)
    with pytest.raises(UnhearableFile) as caught:
        hear(tmp_path / "a.m4a")
    assert caught.value.reason == reason


def test_a_list_that_names_other_files_is_not_followed(tmp_path: Path) -> None:
    song(tmp_path / "secret.wav", 1)
    for name, text in (
        ("a.mp3", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.wav\n#EXT-X-ENDLIST\n"),
        ("b.m4a", "ffconcat version 1.0\nfile secret.wav\n"),
    ):
        (tmp_path / name).write_text(text)
        for decoder in (by_ffmpeg, by_libsndfile):
            with pytest.raises(CannotOpen), decoder(tmp_path / name):
                pass


def test_five_channels_and_the_deepest_are_weighed(tmp_path: Path) -> None:
    middle = np.zeros((RATE_HZ * 5, 6), np.float32)
    middle[:, 2] = sound(5)
    soundfile.write(tmp_path / "a.flac", middle, RATE_HZ)
    assert hear(tmp_path / "a.flac").loudness_lufs > -40


#: The peak of this program alone: `ru_maxrss` has that of the process it was forked from, too.
PEAK = """
import re, sys
from pathlib import Path
from library.analysis import analyse
print(analyse(Path(sys.argv[1])).duration_seconds)
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def test_no_length_takes_400_mb_to_hear(tmp_path: Path) -> None:
    # Two hours of stereo at 48 kHz that are cut after 14 minutes: so both decoders hear it, and
    # what the first one heard is kept until it is seen which hears more.
    minutes_there = 14
    path, frame_bytes = tmp_path / "long.wav", 4
    size = 120 * 60 * 48_000 * frame_bytes
    form = struct.pack(
        "<4sIHHIIHH", b"fmt ", 16, 1, 2, 48_000, 48_000 * frame_bytes, frame_bytes, 16
    )
    head = struct.pack("<4sI4s", b"RIFF", size + 36, b"WAVE") + form
    minute = np.random.default_rng(0).normal(0, 3_000, (48_000 * 60, 2)).astype("<i2")
    path.write_bytes(head + struct.pack("<4sI", b"data", size) + minute.tobytes())
    os.truncate(path, 44 + minutes_there * 60 * 48_000 * frame_bytes)
    done = subprocess.run(
        [sys.executable, "-c", PEAK, path], capture_output=True, text=True, check=True
    )
    seconds, peak_mb = map(float, done.stdout.split())
    assert seconds == pytest.approx(min(hearing.MAX_SECONDS, minutes_there * 60), abs=1)
    assert peak_mb < 400, done.stdout
    assert done.stderr == ""
