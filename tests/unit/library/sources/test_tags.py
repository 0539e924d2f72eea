"""Tags are read whatever the format calls them, and never break a sync."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import mutagen
import pytest
import soundfile
from mutagen.id3 import TALB, TCON, TDRC, TIT2, TPE1, TPE2, TRCK

from library.errors import UnreadableFile
from library.sources.tags import MAX_LENGTH, Tags, read_tags

SILENCE = [0.0] * 8000


def tagged(path: Path, **values: str | list[str]) -> Path:
    """A second of silence with tags."""
    soundfile.write(path, SILENCE, 8000)
    file: Any = mutagen.File(path, easy=True)
    for name, value in values.items():
        file[name] = value
    file.save()
    return path


def test_every_tag_of_a_flac_or_ogg_is_read(tmp_path):
    for name in ("a.flac", "a.ogg"):
        path = tagged(
            tmp_path / name,
            title="T",
            artist="A",
            album="L",
            albumartist="AA",
            genre="G",
            date="1998-05-04",
            tracknumber="7/12",
        )
        assert read_tags(path) == Tags("T", "A", "L", "AA", "G", 1998, 7, 1.0)


@pytest.mark.parametrize("name", ["a.wav", "a.aiff"])
def test_every_tag_of_a_file_with_id3_and_no_easy_names_is_read(tmp_path, name):
    path = tmp_path / name
    soundfile.write(path, SILENCE, 8000)
    file: Any = mutagen.File(path)
    file.add_tags()
    for frame, text in (
        (TIT2, "T"), (TPE1, "A"), (TALB, "L"), (TPE2, "AA"), (TCON, "G"), (TDRC, "1998"),
        (TRCK, "7/12"),
    ):  # fmt: skip
        file.tags.add(frame(encoding=3, text=[text]))
    file.save()
    assert read_tags(path) == Tags("T", "A", "L", "AA", "G", 1998, 7, 1.0)


def test_every_tag_of_an_mp3_is_read(tmp_path):
    path = tmp_path / "a.mp3"
    soundfile.write(path, [0.0] * 44100, 44100)
    file: Any = mutagen.File(path, easy=True)
    file.add_tags()
    file.update({"title": "T", "artist": "A", "date": "1998", "tracknumber": "7"})
    file.save()
    tags = read_tags(path)
    assert (tags.title, tags.artist, tags.year, tags.track_number) == ("T", "A", 1998, 7)
    assert tags.duration_seconds == pytest.approx(1, abs=0.1)


def test_a_file_without_tags_says_only_how_long_it_is(tmp_path):
    soundfile.write(tmp_path / "a.wav", SILENCE, 8000)
    assert read_tags(tmp_path / "a.wav") == Tags(duration_seconds=1.0)


def test_of_several_values_the_first_that_says_anything_is_taken(tmp_path):
    path = tagged(tmp_path / "a.ogg", title=["", "  ", "Desert", "Crossroads"], artist="")
    tags = read_tags(path)
    assert (tags.title, tags.artist) == ("Desert", None)


@pytest.mark.parametrize(
    ("date", "year"),
    [
        ("2006-09-19 14:49:31", 2006), ("04.05.1998", 1998), ("℗ 1971", 1971), ("98", None),
        ("0000", None), ("123456", None), ("soon", None), ("1799", None),
    ],
)  # fmt: skip
def test_a_year_is_found_in_any_date(tmp_path, date, year):
    assert read_tags(tagged(tmp_path / "a.ogg", date=date)).year == year


@pytest.mark.parametrize(
    ("text", "number"), [("7", 7), ("07/12", 7), ("A1", None), ("", None), ("123456789", 1234)]
)
def test_a_track_number_is_a_small_number(tmp_path, text, number):
    assert read_tags(tagged(tmp_path / "a.ogg", tracknumber=text)).track_number == number


def test_a_value_is_text_that_a_database_takes(tmp_path):
    path = tagged(tmp_path / "a.ogg", title="a\0b", artist="x" * 5000)
    tags = read_tags(path)
    assert tags.title == "a b"
    assert tags.artist == "x" * MAX_LENGTH


@pytest.mark.parametrize("name", ["a.mp3", "a.flac", "a.ogg", "a.m4a", "a.wav", "a.opus", "a.wma"])
@pytest.mark.parametrize("data", [b"this is not audio" * 50, b"\0" * 4096, b"OggS", b"fLaC\xff"])
def test_a_damaged_file_says_so_in_a_sentence(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UnreadableFile) as caught:
        read_tags(tmp_path / name)
    assert caught.value.reason in (
        "The file is damaged or is not what its name says.",
        "The file is not audio that Earmark can read.",
    )


@pytest.mark.parametrize("suffix", ["flac", "ogg", "wav"])
def test_a_file_cut_anywhere_is_read_or_says_so(tmp_path, suffix):
    path = tagged(tmp_path / f"a.{suffix}", title="T") if suffix != "wav" else None
    if path is None:
        path = tmp_path / "a.wav"
        soundfile.write(path, SILENCE, 8000)
    data = path.read_bytes()
    for end in range(1, min(len(data), 400), 7):
        path.write_bytes(data[:end])
        with suppress(UnreadableFile):
            assert read_tags(path).title in ("T", None)


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    def refuse(*_args: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(mutagen, "File", refuse)
    with pytest.raises(UnreadableFile, match="permission denied"):
        read_tags(tmp_path / "a.ogg")
