"""One file of each format is made, tagged, read and heard; docs/sources.md has the table of it.

`UPDATE_DOCS=1` writes the table anew.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.id3 import TALB, TDOR, TIT2, TPE1, TRCK, TXXX

from library.analysis import analyse
from library.decoding import by_ffmpeg, by_libsndfile
from library.hearing import _by
from library.sources.beside import AUDIO_SUFFIXES
from library.sources.tags import read_tags
from tests.unit.library.signals import beats, cadence

DOCUMENT = Path(__file__).parents[3] / "docs" / "sources.md"
RATE_HZ = 48_000
BEGIN, END = "<!-- formats: begin -->\n", "<!-- formats: end -->"


@dataclass(frozen=True)
class Format:
    """A format: how a file of it is made, and what it calls its tags."""

    name: str
    suffix: str
    #: FFmpeg's codec; empty where libsndfile writes it.
    codec: str
    tags: str
    container: str | None = None


FORMATS = (
    Format("MP3", ".mp3", "", "id3"),
    Format("FLAC", ".flac", "", "vorbis"),
    Format("Ogg Vorbis", ".ogg", "", "vorbis"),
    Format("Opus", ".opus", "libopus", "vorbis"),
    Format("Ogg Vorbis", ".oga", "", "vorbis"),
    Format("AAC in MP4", ".m4a", "aac", "mp4"),
    Format("ALAC in MP4", ".m4a", "alac", "mp4"),
    Format("AAC alone", ".aac", "aac", "", "adts"),
    Format("Windows Media Audio", ".wma", "wmav2", "asf"),
    Format("WavPack", ".wv", "wavpack", "ape"),
    Format("AIFF", ".aiff", "", "id3"),
    Format("WAV", ".wav", "", "id3"),
)
#: Nothing here can write them.
NOT_MADE = {".ape": "Monkey's Audio", ".mpc": "Musepack"}

KEYS: dict[str, dict[str, Any]] = {
    "vorbis": {
        "title": "T", "artist": ["A", "B"], "album": "L", "originaldate": "1998",
        "tracknumber": "7", "fmps_rating": "0.8",
    },
    "ape": {
        "Title": "T", "Artist": ["A", "B"], "Album": "L", "ORIGINALYEAR": "1998", "Track": "7",
        "FMPS_Rating": "0.8",
    },
    "mp4": {
        "\xa9nam": "T", "\xa9ART": ["A", "B"], "\xa9alb": "L", "trkn": [(7, 12)],
        "----:com.apple.iTunes:ORIGINALYEAR": b"1998",
        "----:com.apple.iTunes:FMPS_Rating": b"0.8",
    },
    "asf": {
        "Title": "T", "Author": ["A", "B"], "WM/AlbumTitle": "L", "WM/TrackNumber": "7",
        "WM/OriginalReleaseYear": "1998", "WM/SharedUserRating": "75",
    },
}  # fmt: skip
FRAMES = (
    TIT2(encoding=3, text=["T"]), TPE1(encoding=3, text=["A", "B"]), TALB(encoding=3, text=["L"]),
    TDOR(encoding=3, text=["1998"]), TRCK(encoding=3, text=["7"]),
    TXXX(encoding=3, desc="FMPS_Rating", text=["0.8"]),
)  # fmt: skip


def sound() -> np.ndarray:
    """Twelve seconds in D major at 100 beats a minute."""
    return np.tile(cadence(2, "major"), 3) * 0.3 + beats(100, 12) * 0.5


def write(path: Path, kind: Format) -> Path:
    """The sound as a file of a format."""
    import soxr

    samples = soxr.resample(sound(), 22_050, RATE_HZ).astype(np.float32)
    if not kind.codec:
        soundfile.write(path, samples, RATE_HZ, format="OGG" if kind.suffix == ".oga" else None)
        return path
    with av.open(path, "w", format=kind.container) as container:
        stream: Any = container.add_stream(kind.codec, rate=RATE_HZ, layout="stereo")
        stream.bit_rate = 192_000
        frame = av.AudioFrame.from_ndarray(np.stack([samples, samples]), "fltp", "stereo")
        frame.rate = RATE_HZ
        resampler = av.AudioResampler(
            stream.format.name, "stereo", RATE_HZ, stream.frame_size or 1024
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


def tag(path: Path, kind: Format) -> None:
    if not kind.tags:
        return
    file: Any = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    if kind.tags == "id3":
        for frame in FRAMES:
            file.tags.add(frame)
    else:
        for key, value in KEYS[kind.tags].items():
            file[key] = value
    file.save()


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The row of each format in the table, made of what was read and heard of a file."""
    folder = tmp_path_factory.mktemp("formats")
    return {
        f"{kind.name} {kind.suffix}": row(write(folder / f"{n}{kind.suffix}", kind), kind)
        for n, kind in enumerate(FORMATS)
    }


def row(path: Path, kind: Format) -> str:
    tag(path, kind)
    tags = read_tags(path)
    shown = {
        "title": tags.title == "T",
        "artists": tags.artists == ("A", "B"),
        "album": tags.album == "L",
        "first year": tags.year == 1998,
        "number": tags.track_number == 7,
        "stars": tags.rating_stars == pytest.approx(4),
        "length": tags.duration_seconds == pytest.approx(12, abs=0.3),
    }
    read = ", ".join(name for name, is_read in shown.items() if is_read)
    decoders = [
        name
        for name, decoder in (("libsndfile", by_libsndfile), ("FFmpeg", by_ffmpeg))
        if _by(decoder, path) is not None
    ]
    listening = analyse(path)
    assert listening.tempo_bpm == pytest.approx(100, rel=0.02), kind.name
    assert listening.key == "D major", kind.name
    assert listening.damage is None, kind.name
    assert listening.duration_seconds == pytest.approx(12, abs=0.2), kind.name
    return f"| {kind.name} | `{kind.suffix}` | {read} | {', '.join(decoders)} |"


def table(rows: dict[str, str]) -> str:
    head = "| format | file | read of its tags | heard by |\n|---|---|---|---|\n"
    rest = "".join(
        f"| {name} | `{suffix}` | as WavPack | FFmpeg; not tried, since nothing here writes it |\n"
        for suffix, name in NOT_MADE.items()
    )
    return head + "".join(f"{text}\n" for text in rows.values()) + rest


def test_every_file_that_counts_as_a_song_is_of_a_format_that_is_tried() -> None:
    tried = {kind.suffix for kind in FORMATS} | NOT_MADE.keys()
    assert AUDIO_SUFFIXES - tried == {".aif", ".mp4"}  # other names of two of them


def test_the_document_has_the_table_of_formats_as_they_are_read_and_heard(
    rows: dict[str, str],
) -> None:
    text = DOCUMENT.read_text()
    found = re.search(f"{BEGIN}(.*?){END}", text, re.DOTALL)
    assert found is not None
    if os.environ.get("UPDATE_DOCS"):
        DOCUMENT.write_text(text.replace(found[0], f"{BEGIN}{table(rows)}{END}"))
        return
    assert found[1] == table(rows), "run this test with UPDATE_DOCS=1, and look at what changed"
