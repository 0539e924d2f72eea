"""Playlists of any program are read alike, and no file of them takes more than its share."""

from __future__ import annotations

import json
import plistlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.errors import UnreadableFile
from library.same_song import Named
from library.sources import playlist_files
from library.sources.folder import FolderSource
from library.sources.itunes import parse_itunes
from library.sources.jspf import parse_jspf
from library.sources.lists import NotAList, SongList
from library.sources.m3u import parse_pls
from library.sources.places import SongIndex
from library.sources.playlist_files import parse_file
from library.sources.records import PlaylistRecord
from library.sources.xml_lists import parse_wpl, parse_xspf

XSPF = """<?xml version="1.0" encoding="UTF-8"?>
<playlist version="1" xmlns="http://xspf.org/ns/0/"><title>Quiet &amp; slow</title><trackList>
<track><location>file:///music/Jazz/a%20b.mp3</location><title>A B</title></track>
<track><location>Jazz/a%20b.mp3</location><location>http://x.example/</location></track>
<track><creator>Björk</creator><title>Hunter</title></track>
</trackList></playlist>"""
WPL = r"""<?wpl version="1.0"?>
<smil><head><title>Quiet &amp; slow</title></head><body><seq>
<media src="..\Jazz\a b.mp3"/><media src="C:\Music\Jazz\a b.mp3" tid="{1}"/>
<media src="\\nas\gone\Hunter.mp3" trackArtist="Björk" trackTitle="Hunter"/>
</seq></body></smil>"""
JSPF = {
    "playlist": {
        "title": "Quiet & slow",
        "track": [
            {"location": ["file:///music/Jazz/a%20b.mp3"], "title": "A B"},
            {"location": "Jazz/a b.mp3"},
            {"creator": "Björk", "title": "Hunter", "identifier": "https://mb.example/1"},
        ],
    }
}
M3U = (
    "#EXTM3U\n#PLAYLIST:Quiet & slow\n../Jazz/a%20b.mp3\nE:\\Jazz\\a b.mp3\n"
    "#EXTINF:1,Björk – Hunter\nHunter.mp3"
)
PLS = (
    "[playlist]\nFile1=../Jazz/a b.mp3\nFile2=/x/Jazz/a b.mp3\n"
    "File3=Hunter.mp3\nTitle3=Björk – Hunter"
)

FILES = {
    "Quiet & slow.m3u": M3U.encode("cp1252"),
    "Quiet & slow.m3u8": M3U.encode(),
    "Quiet & slow.pls": PLS.encode(),
    "Quiet & slow.xspf": XSPF.encode(),
    "Quiet & slow.wpl": b"\xef\xbb\xbf" + WPL.encode(),
    "Quiet & slow.zpl": WPL.replace("wpl", "zpl").encode(),
    "Quiet & slow.jspf": json.dumps(JSPF).encode(),
}


def read(folder: Path, name: str, data: bytes) -> tuple[PlaylistRecord, ...]:
    """The playlists of a file beside a folder with one song."""
    song = folder / "Jazz" / "a b.mp3"
    song.parent.mkdir(exist_ok=True)
    song.touch()
    (folder / "Lists").mkdir(exist_ok=True)
    (folder / "Lists" / name).write_bytes(data)
    source = FolderSource(folder)
    contents = source.scan()
    assert contents.playlists == (f"Lists/{name}",)
    return source.read_playlists(f"Lists/{name}", SongIndex(contents.songs, folder))


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_list(tmp_path, name):
    (found,) = read(tmp_path, name, FILES[name])
    assert (found.external_id, found.name) == (f"Lists/{name}", "Quiet & slow")
    assert found.songs == ("Jazz/a b.mp3", "Jazz/a b.mp3")
    assert [entry.is_missing for entry in found.entries] == [False, False, True]
    assert found.entries[2].label == "Björk – Hunter"
    assert not found.is_liked


def itunes() -> dict[str, object]:
    def item(*ids: int) -> list[dict[str, int]]:
        return [{"Track ID": track} for track in ids]

    return {
        "Tracks": {
            "1": {
                "Track ID": 1,
                "Location": "file://localhost/C:/Users/Ann/Music/Jazz/a%20b.mp3",
                "Loved": True,
            },
            "2": {"Track ID": 2, "Name": "Hunter", "Artist": "Björk"},
        },
        "Playlists": [
            {"Name": "Library", "Master": True, "Playlist ID": 1, "Playlist Items": item(1, 2)},
            {"Name": "Music", "Distinguished Kind": 4, "Playlist Items": item(1)},
            {"Name": "Recent", "Smart Info": b"x", "Playlist Items": item(1)},
            {"Name": "Folder", "Folder": True, "Playlist Items": item(1)},
            {"Name": "Quiet", "Playlist Persistent ID": "A/B", "Playlist Items": item(2, 1, 1, 9)},
            {"Name": "Empty", "Playlist ID": 7},
        ],
    }


def test_a_library_of_itunes_gives_the_lists_a_person_keeps_and_what_they_loved(tmp_path):
    quiet, empty, loved = read(tmp_path, "Library.xml", plistlib.dumps(itunes()))
    assert (quiet.external_id, quiet.name) == ("Lists/Library.xml/A B", "Quiet")
    assert [entry.song for entry in quiet.entries] == [None, "Jazz/a b.mp3", "Jazz/a b.mp3"]
    assert quiet.missing == ("Björk – Hunter",)
    assert (empty.external_id, empty.songs, empty.is_liked) == ("Lists/Library.xml/7", (), False)
    assert (loved.name, loved.songs, loved.is_liked) == ("Loved", ("Jazz/a b.mp3",), True)


def test_another_file_of_xml_is_no_playlist(tmp_path):
    assert read(tmp_path, "movie.xml", b"<movie/>") == ()


BOMB = '<!DOCTYPE p [<!ENTITY a "{}"><!ENTITY b "&a;&a;">]>'
OUTSIDE = '<!DOCTYPE p [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("head", [BOMB.format("x" * 1000), OUTSIDE])
@pytest.mark.parametrize(
    ("parse", "body"),
    [
        (parse_xspf, "<playlist><title>&a;</title></playlist>"),
        (parse_wpl, "<smil><head><title>&a;</title></head></smil>"),
        (parse_itunes, "<plist><dict><key>Tracks</key><dict/><key>&a;</key><dict/></dict></plist>"),
    ],
)
def test_no_entity_is_resolved(parse, body, head):
    assert parse(body.replace("&a;", "b").encode()) is not None
    with pytest.raises(NotAList):
        parse((head + body).encode())


@pytest.mark.parametrize("name", ["a.xspf", "a.wpl", "a.jspf", "a.zpl"])
@pytest.mark.parametrize(
    "data",
    [b"", b"no list", b"<x/>", b"<playlist", b"[]", b"{}", b'{"playlist": 1}', b"<plist/>",
     b"<plist><array/></plist>", b"<plist><dict><key>Tracks</key></dict></plist>",
     b"[" * 100_000, b"\xff\xfe<", b"<?xml version='1.0' encoding='nonsense'?><playlist/>"],
)  # fmt: skip
def test_what_is_no_playlist_says_so(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UnreadableFile, match="is not a playlist"):
        parse_file(tmp_path / name, lambda _: False)


@pytest.mark.parametrize(
    "data", [b"<plist/>", b"<plist><array/></plist>", b"<plist><dict><key>Tracks</key></dict>"]
)
def test_a_library_of_itunes_that_is_damaged_says_so(tmp_path, data):
    (tmp_path / "a.xml").write_bytes(data)
    with pytest.raises(UnreadableFile, match="is not a playlist"):
        parse_file(tmp_path / "a.xml", lambda _: False)


def test_a_file_that_is_too_large_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(playlist_files, "MAX_LIBRARY_BYTES", 1024 * 1024)
    with (tmp_path / "a.xml").open("wb") as file:
        file.write(b"<plist>")
        file.truncate(1 << 40)
    with pytest.raises(UnreadableFile, match="larger than 1 MB"):
        parse_file(tmp_path / "a.xml", lambda _: False)


@given(st.recursive(st.none() | st.integers() | st.text(max_size=9),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["playlist", "track", "title", "location", "creator"]),
                        inner, max_size=4)))  # fmt: skip
def test_json_of_any_shape_is_read_or_is_no_list(value):
    for shape in (value, {"playlist": value}, {"playlist": {"track": value}}):
        with suppress(NotAList):
            assert isinstance(parse_jspf(json.dumps(shape).encode()), SongList)


KEYS = ["Tracks", "Playlists", "Playlist Items", "Track ID", "Name", "Location", "Loved", "1"]


@given(st.recursive(st.booleans() | st.integers(0, 9) | st.text("ab", max_size=9),
                    lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)))  # fmt: skip
def test_a_plist_of_any_shape_is_read_or_is_no_list(value):
    for shape in (value, {"Tracks": {}, "Playlists": value}, {"Tracks": {"1": value}}):
        with suppress(NotAList):
            parse_itunes(plistlib.dumps(shape))


def test_every_format_tells_what_a_song_is_called():
    jspf = {"title": "Rain", "creator": "Ann", "album": "Blue", "duration": 201_000}
    xspf = (
        "<playlist><trackList><track><creator>Ann</creator><title>Rain</title><album>Blue</album>"
        "<duration>201000</duration></track></trackList></playlist>"
    )
    wpl = (
        '<smil><body><seq><media src="x" trackArtist="Ann" trackTitle="Rain"/></seq></body></smil>'
    )
    pls = "File1=x\nTitle1=Ann - Rain\nLength1=201"
    track = {"Artist": "Ann", "Name": "Rain", "Album": "Blue", "Total Time": 201_000, "Loved": True}
    whole = Named("Rain", "Ann", album="Blue", duration_seconds=201)
    found = [
        *parse_jspf(json.dumps({"playlist": {"track": [jspf]}}).encode()).entries,
        *parse_xspf(xspf.encode()).entries,
        *parse_itunes(plistlib.dumps({"Tracks": {"1": track}}))[0].entries,
        *parse_wpl(wpl.encode()).entries,
        *parse_pls(pls.encode()).entries,
    ]
    assert [entry.named for entry in found] == [
        *[whole] * 3,
        Named("Rain", "Ann"),
        Named("Rain", "Ann", duration_seconds=201),
    ]
