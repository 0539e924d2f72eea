"""A playlist's entry is found whatever machine wrote it, and never outside of the root."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.same_song import Named
from library.sources.lists import Entry
from library.sources.m3u import parse_m3u
from library.sources.names import escaped
from library.sources.places import SongIndex

ROOT = Path("/home/ann/Music")
SONGS = (
    "Rock/Live/a.mp3",
    "Rock/b.mp3",
    "Jazz/100% pure.mp3",
    "Jazz/100%25.mp3",
    "Jazz/Café.mp3",
    "Jazz/Blue/01.mp3",
    "Jazz/Red/01.mp3",
    "Pop/Red/02 - Only.mp3",
    "Track 07.mp3",
    escaped("Odd/back\\slash.mp3"),
    escaped("Odd/Caf\udce9.mp3"),
)


def find(place: str, at: str = "Lists", songs: tuple[str, ...] = SONGS) -> str | None:
    return SongIndex(songs, ROOT).find(Entry((place,)), PurePosixPath(at))


@pytest.mark.parametrize(
    "place",
    [
        "../Rock/Live/a.mp3",  # from the list's folder
        r"..\Rock\Live\a.mp3",
        "Rock/Live/a.mp3",  # from the root
        "./Rock/./Live/a.mp3",
        "/Rock/Live/a.mp3",
        r"\Music\Rock\Live\a.mp3",  # from a folder that the root is in
        "Music/Rock/Live/a.mp3",
        "/ann/Music/Rock/Live/a.mp3",
        "/home/ann/Music/Rock/Live/a.mp3",  # as it is
        "//home/ann/Music/Rock/Live/a.mp3",
        "/home/ann/Music/Jazz/../Rock/Live/a.mp3",
        "/media/disk/Rock/Live/a.mp3",  # of another mount
        "/mnt/nas/ann/tunes/Live/a.mp3",
        r"C:\Users\Ann\Music\Rock\Live\a.mp3",  # of Windows
        "D:/Rock/Live/a.mp3",
        r"\\nas\share\Music\Rock\Live\a.mp3",
        "//nas/share/Rock/Live/a.mp3",
        "file:///home/ann/Music/Rock/Live/a.mp3",
        "file://localhost/C:/Users/Ann/Music/Rock/Live/a.mp3",
        "file:///D|/Rock/Live/a.mp3",
        "file://nas/share/Music/Rock/Live/a.mp3",
        r"file://nas\share\Music\Rock\Live\a.mp3",
        "file:../Rock/Live/a.mp3",
        "smb://nas/share/Rock/Live/a.mp3",
        "Rock/Live/A.MP3",
        "rock%2FLive/a%2Emp3",
    ],
)
def test_a_song_is_found_by_every_kind_of_path(place):
    assert find(place) == "Rock/Live/a.mp3"


@pytest.mark.parametrize(
    ("place", "song"),
    [
        ("Jazz/100%25%20pure.mp3", "Jazz/100% pure.mp3"),
        ("Jazz/100% pure.mp3", "Jazz/100% pure.mp3"),
        ("Jazz/100%25.mp3", "Jazz/100%25.mp3"),  # what stands there comes first
        ("Jazz/Caf%C3%A9.mp3", "Jazz/Café.mp3"),
        ("Jazz/Caf%E9.mp3", "Jazz/Café.mp3"),
        ("file:///x/Jazz/Caf%E9.mp3", "Jazz/Café.mp3"),
        ("Odd/Caf%E9.mp3", "Odd/Caf\\xe9.mp3"),
        ("Jazz/Cafe\u0301.mp3", "Jazz/Café.mp3"),
        ("Odd/back\\slash.mp3", "Odd/back\\\\slash.mp3"),
    ],
)
def test_percent_signs_accents_and_backslashes_are_what_finds_a_song(place, song):
    assert find(place) == song


def test_the_lists_own_folder_comes_before_the_root():
    songs = ("a.mp3", "Lists/a.mp3")
    assert find("a.mp3", "Lists", songs) == "Lists/a.mp3"
    assert find("a.mp3", "Other", songs) == "a.mp3"


def test_the_exact_name_comes_before_one_that_is_alike():
    assert find("A.mp3", ".", ("a.mp3", "A.mp3")) == "A.mp3"
    assert find("/far/x/A.mp3", ".", ("x/A.mp3",)) == "x/A.mp3"


@pytest.mark.parametrize(
    ("place", "song"),
    [
        ("/far/Blue/01.mp3", "Jazz/Blue/01.mp3"),
        ("/far/Green/01.mp3", None),  # two songs have this name
        ("/far/02 - Only.mp3", "Pop/Red/02 - Only.mp3"),
        ("/far/Green/02 - Only.mp3", "Pop/Red/02 - Only.mp3"),
        ("/far/Track 07.mp3", None),  # a name that says nothing
        ("/far/Red/01.mp3", "Jazz/Red/01.mp3"),
        ("/far/Only.mp3", None),
        ("../../../etc/passwd", None),
        ("http://radio.example/Rock/Live/a.mp3", None),
        ("", None),
        ("/", None),
        ("..", None),
    ],
)
def test_the_longest_end_of_a_path_decides_if_one_song_alone_has_it(place, song):
    assert find(place) == song


def test_of_two_songs_with_the_same_end_neither_is_taken():
    songs = ("one/Red/03 - So.mp3", "two/Red/03 - So.mp3")
    assert find("/far/Red/03 - So.mp3", "Lists", songs) is None
    assert find("/far/two/Red/03 - So.mp3", "Lists", songs) == "two/Red/03 - So.mp3"


def test_of_several_places_of_an_entry_a_whole_path_comes_before_an_end():
    index = SongIndex(SONGS, ROOT)
    entry = Entry(("/far/Blue/01.mp3", "Rock/b.mp3"))
    assert index.find(entry, PurePosixPath("Lists")) == "Rock/b.mp3"


def test_a_root_that_is_a_link_is_known_by_both_of_its_names(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    index = SongIndex(("x/01.mp3", "y/01.mp3"), tmp_path / "link")
    for name in ("real", "link"):
        entry = Entry((f"{tmp_path}/{name}/x/01.mp3",))
        assert index.find(entry, PurePosixPath()) == "x/01.mp3"


@given(st.text(max_size=60) | st.text("./\\%:ae19 C", max_size=30))
def test_any_text_is_looked_up_without_an_error(place):
    for text in (place, f"file:///{place}", f"C:{place}"):
        assert find(text) in {None, *SONGS}


@given(st.binary(max_size=40))
def test_any_bytes_are_looked_up_without_an_error(raw):
    assert find("file:///" + raw.decode("utf-8", "surrogateescape")) in {None, *SONGS}


def test_an_entry_without_a_file_is_found_by_artist_title_and_length():
    songs = {
        "a/1.mp3": Named("Rain", "Ann", duration_seconds=200),
        "b/2.mp3": Named("Rain", "Ann", album="Live", duration_seconds=260),
    }
    index = SongIndex(songs, Path("/music"), named=lambda: songs)
    root = PurePosixPath()

    def found(text: str) -> str | None:
        return index.find(parse_m3u(text.encode()).entries[0], root)

    assert found("#EXTINF:201,Ann - Rain\nold/x.mp3") == "a/1.mp3"
    assert found("#EXTINF:259 tvg-id=7,ANN – Rain (Remastered)\nold/x.mp3") == "b/2.mp3"
    # Without a length it may be either, and a path that is there says more.
    assert found("#EXTINF:-1,Ann - Rain\nold/x.mp3") is None
    assert found("#EXTINF:201,Ann - Rain\nb/2.mp3") == "b/2.mp3"
    assert found("#EXTINF:201,Rain\nold/x.mp3") is None
    assert SongIndex(songs, Path("/music")).find(Entry((), "x", songs["a/1.mp3"]), root) is None
