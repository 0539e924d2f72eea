"""Tags are read whatever the format calls them, and never break a sync."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import mutagen
import pytest
import soundfile
from mutagen.apev2 import APEv2
from mutagen.flac import Picture
from mutagen.id3 import APIC, ID3, TALB, TCON, TDRC, TIT2, TPE1, TPE2, TRCK, TSRC, UFID, Frames

from library.errors import UnreadableFile
from library.sources.recordings import isrc_of, mbid_of
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
        assert read_tags(path) == Tags("T", "A", "L", "AA", "G", 1998, 7, 1.0, ("A",))


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
    assert read_tags(path) == Tags("T", "A", "L", "AA", "G", 1998, 7, 1.0, ("A",))


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
    assert (tags.title, tags.artist, tags.artists) == ("Desert", None, ())


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

    (tmp_path / "a.ogg").touch()
    monkeypatch.setattr(mutagen, "File", refuse)
    with pytest.raises(UnreadableFile, match="permission denied"):
        read_tags(tmp_path / "a.ogg")


def made(path: Path, codec: str) -> Path:
    """A second of silence of a format."""
    if not codec:
        soundfile.write(path, [0.0] * 48_000, 48_000)
        return path
    rate_hz = 48_000
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=rate_hz, layout="stereo")
        stream.bit_rate = 128_000
        frame = av.AudioFrame(format=stream.format.name, layout="stereo", samples=rate_hz)
        frame.rate = rate_hz
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        resampler = av.AudioResampler(stream.format.name, "stereo", rate_hz, stream.frame_size or 0)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


#: What each format calls the same things.
ID3_FRAMES = {
    "TIT2": "T", "TPE1": ["A", "B"], "TALB": "L", "TPE2": "AA", "TCON": "(17)", "TDRC": "2005",
    "TDOR": "1998-05-04", "TRCK": "7/12",
}  # fmt: skip
VORBIS = {
    "title": "T", "artist": ["A", "B"], "album": "L", "albumartist": "AA", "genre": "Rock",
    "date": "2005", "originaldate": "1998-05-04", "tracknumber": "7",
}  # fmt: skip
APE = {
    "Title": "T", "Artist": ["A", "B"], "Album": "L", "Album Artist": "AA", "Genre": "Rock",
    "Year": "2005", "ORIGINALYEAR": "1998", "Track": "7/12",
}  # fmt: skip
MP4 = {
    "\xa9nam": "T", "\xa9ART": ["A", "B"], "\xa9alb": "L", "aART": "AA", "\xa9gen": "Rock",
    "\xa9day": "2005", "----:com.apple.iTunes:ORIGINALDATE": b"1998-05-04", "trkn": [(7, 12)],
}  # fmt: skip
ASF = {
    "Title": "T", "Author": ["A", "B"], "WM/AlbumTitle": "L", "WM/AlbumArtist": "AA",
    "WM/Genre": "Rock", "WM/Year": "2005", "WM/OriginalReleaseYear": "1998", "WM/TrackNumber": "7",
}  # fmt: skip
FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    "a.flac": ("flac", VORBIS), "a.ogg": ("", VORBIS), "a.opus": ("libopus", VORBIS),
    "a.m4a": ("aac", MP4), "alac.m4a": ("alac", MP4), "a.wma": ("wmav2", ASF),
    "a.wv": ("wavpack", APE),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_tells_the_same(tmp_path, name):
    codec, values = FORMATS[name]
    path = made(tmp_path / name, codec)
    file: Any = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    for key, value in values.items():
        file[key] = value
    file.save()
    tags = read_tags(path)
    assert tags.duration_seconds == pytest.approx(1, abs=0.2)
    expected = Tags("T", "A, B", "L", "AA", "Rock", 1998, 7, tags.duration_seconds, ("A", "B"))
    assert tags == expected


MBID = "0f0a6cd2-2e0b-4d3d-9c2f-7e0f3a2b1c4d"
IDS: dict[str, dict[str, Any]] = {
    "a.flac": {"isrc": "gb-aye-98-00001", "musicbrainz_trackid": MBID},
    "a.m4a": {
        "----:com.apple.iTunes:ISRC": b"GBAYE9800001",
        "----:com.apple.iTunes:MusicBrainz Track Id": MBID.encode(),
    },
    "a.wma": {"WM/ISRC": "GBAYE9800001", "MusicBrainz/Track Id": MBID},
    "a.wv": {"ISRC": "GBAYE9800001", "MUSICBRAINZ_TRACKID": MBID},
    "a.mp3": {
        "TSRC": TSRC(encoding=3, text=["GBAYE9800001"]),
        "UFID": UFID(owner="http://musicbrainz.org", data=MBID.encode()),
    },
}


@pytest.mark.parametrize("name", IDS)
def test_the_ids_of_a_recording_are_read(tmp_path, name):
    path = made(tmp_path / name, FORMATS.get(name, ("mp3", {}))[0])
    file: Any = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    for key, value in IDS[name].items():
        file[key] = value
    file.save()
    tags = read_tags(path)
    assert (tags.isrc, tags.recording_mbid) == ("GBAYE9800001", MBID)


def test_what_is_no_id_of_a_recording_is_none():
    assert [isrc_of(text) for text in ("", "GBAYE98", "GBAYE98000012", None, 7)] == [None] * 5
    assert [mbid_of(text) for text in ("", "x" * 36, MBID[1:], None)] == [None] * 4
    assert mbid_of(f"https://musicbrainz.org/recording/{MBID.upper()}/") == MBID


@pytest.mark.parametrize(("version", "divider"), [(3, "; "), (4, "/")])
def test_every_version_of_id3_tells_the_same(tmp_path, version, divider):
    path = tmp_path / "a.mp3"
    soundfile.write(path, [0.0] * 44100, 44100)
    tags = ID3()
    for name, value in ID3_FRAMES.items():
        tags.add(Frames[name](encoding=3 if version == 4 else 1, text=value))
    tags.save(path, v2_version=version, v23_sep=divider)
    found = read_tags(path)
    assert (found.title, found.genre, found.year, found.track_number) == ("T", "Rock", 1998, 7)
    assert found.artists == ("A", "B")


def test_id3_of_version_2_2_is_read(tmp_path):
    frames = b"".join(
        name + len(text).to_bytes(3) + text
        for name, text in (
            (b"TT2", b"\0T"), (b"TP1", b"\0A"), (b"TYE", b"\x001998"), (b"TRK", b"\x007/12"),
        )
    )  # fmt: skip
    path = tmp_path / "a.mp3"
    soundfile.write(path, [0.0] * 44100, 44100)
    head = b"ID3\x02\0\0" + bytes([0, 0, 0, len(frames)])
    path.write_bytes(head + frames + path.read_bytes())
    found = read_tags(path)
    assert (found.title, found.artist, found.year, found.track_number) == ("T", "A", 1998, 7)


def id3v1(title: bytes, artist: bytes) -> bytes:
    padded = title.ljust(30, b"\0") + artist.ljust(30, b"\0") + bytes(30) + b"1998" + bytes(28)
    return b"TAG" + padded + b"\0\x07" + bytes([17])


def test_id3v1_is_read_and_ape_beside_it_says_more(tmp_path):
    path = tmp_path / "a.mp3"
    soundfile.write(path, [0.0] * 44100, 44100)
    sound = path.read_bytes()
    path.write_bytes(sound + id3v1(b"A title that is cut after thir", b"A"))
    found = read_tags(path)
    assert (found.title, found.artist, found.year, found.track_number) == (
        "A title that is cut after thir", "A", 1998, 7,
    )  # fmt: skip
    assert found.genre == "Rock"
    path.write_bytes(sound)
    ape = APEv2()
    ape["Title"] = "A title that is cut after thirty letters"
    ape.save(path)
    assert read_tags(path).title == ape["Title"]
    path.write_bytes(path.read_bytes() + id3v1(b"A title that is cut after thir", b"A"))
    found = read_tags(path)
    assert (found.title, found.artist) == ("A title that is cut after thirty letters", "A")


@pytest.mark.parametrize(
    ("artist", "artists"),
    [
        ("AC/DC", ("AC/DC",)),
        ("Simon & Garfunkel", ("Simon & Garfunkel",)),
        ("Earth, Wind & Fire", ("Earth, Wind & Fire",)),
        ("Ann; Bob;Cy", ("Ann", "Bob", "Cy")),
        ("Ann / Bob", ("Ann", "Bob")),
        ("Ann feat. Bob", ("Ann", "Bob")),
        ("Ann (ft. Bob)", ("Ann", "Bob")),
        ("Ann Featuring Bob", ("Ann", "Bob")),
        ("Daft Punk", ("Daft Punk",)),
        ("Ann; Ann", ("Ann",)),
        (["Ann & Bob", "Cy"], ("Ann & Bob", "Cy")),
    ],
)
def test_several_artists_are_kept_apart_and_a_name_is_not_divided(tmp_path, artist, artists):
    tags = read_tags(tagged(tmp_path / "a.ogg", artist=artist))
    assert tags.artists == artists
    assert tags.artist == (artist if isinstance(artist, str) else ", ".join(artist))


def test_artists_that_are_listed_come_before_the_text_that_joins_them(tmp_path):
    path = tagged(tmp_path / "a.flac", artist="Ann & Bob")
    file: Any = mutagen.File(path)
    file["artists"] = ["Ann", "Bob"]
    file.save()
    assert (read_tags(path).artist, read_tags(path).artists) == ("Ann & Bob", ("Ann", "Bob"))


def big_picture(kind: type, **more: Any) -> Any:
    return kind(mime="image/png", type=3, data=bytes(100 * 1024 * 1024), **more)


@pytest.mark.parametrize("version", [3, 4])
def test_a_cover_of_100_mb_is_not_loaded_and_the_tags_beside_it_are(tmp_path, version):
    path = tmp_path / "a.mp3"
    soundfile.write(path, [0.0] * 44100, 44100)
    tags = ID3()
    tags.add(TIT2(encoding=3, text=["T"]))
    tags.add(big_picture(APIC, encoding=0, desc="cover"))
    tags.add(TPE1(encoding=3, text=["A"]))
    tags.save(path, v2_version=version)
    del tags
    tracemalloc.start()
    found = read_tags(path)
    assert (found.title, found.artist) == ("T", "A")
    assert tracemalloc.get_traced_memory()[1] < 2 * 1024 * 1024
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["a.flac", "a.m4a"])
def test_covers_of_100_mb_in_other_formats_are_not_loaded(tmp_path, name):
    path = made(tmp_path / name, FORMATS[name][0])
    file: Any = mutagen.File(path)
    if name == "a.flac":
        file["title"] = "T"
        for _ in range(7):
            picture = Picture()
            picture.data = bytes(15 * 1024 * 1024)
            file.add_picture(picture)
    else:
        file["\xa9nam"] = "T"
        file["covr"] = [bytes(100 * 1024 * 1024)]
    file.save()
    del file
    tracemalloc.start()
    # Where a format does not let its texts be found without the picture, the file's name tells.
    assert read_tags(path).title == ("T" if name == "a.flac" else None)
    assert tracemalloc.get_traced_memory()[1] < 48 * 1024 * 1024
    tracemalloc.stop()


def test_a_file_of_4_gb_is_no_more_to_read_than_a_small_one(tmp_path):
    path = tagged(tmp_path / "a.flac", title="T")
    with path.open("r+b") as file:
        file.truncate(1 << 32)
    assert read_tags(path).title == "T"
