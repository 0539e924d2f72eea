"""What the source makes of a server, read from the double without a network between."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from library.errors import NoSound, SourceUnavailable, UnreadableFile
from library.sources.places import SongIndex
from library.sources.subsonic.address import ServerAddress
from library.sources.subsonic.cache import SoundCache
from library.sources.subsonic.client import SubsonicClient
from library.sources.subsonic.login import Login, Way
from library.sources.subsonic.server import MusicServer
from library.sources.subsonic.source import STARRED, SubsonicSource
from tests.subsonic.double import Double, Playlist, failed, ok, plain, song

SOURCE = UUID(int=7)
WRONG = {"searchResult3": [1], "albumList2": "two", "playlists": 3}
AWAY = plain(b"", status="500 Internal Server Error")


def source(double: Double, folder: Path | None = None, *, mb: float = 10) -> SubsonicSource:
    client = SubsonicClient(
        ServerAddress.from_text("https://music.example.org"),
        Login("ada", "correct horse"),
        transport=httpx.WSGITransport(double),  # type: ignore[arg-type]
        way=Way("POST", "token"),
        sleep=lambda _: None,
    )
    sounds = SoundCache(folder or Path("/nowhere"), int(mb * 1024 * 1024))
    return SubsonicSource(
        MusicServer(client), source_id=SOURCE, name="music.example.org", sounds=sounds
    )


@pytest.mark.parametrize("count", [0, 3, 500, 1203])
def test_all_songs_are_listed_in_few_requests(count: int) -> None:
    double = Double.with_songs(count)
    contents = source(double).scan()
    assert len(contents.songs) == count
    assert double.calls("search3") <= count // 500 + 2
    assert double.calls("getAlbumList2") <= count // 5000 + 2
    assert double.calls("getAlbum") == 0


def test_a_server_that_finds_nothing_by_an_empty_search_is_read_album_by_album() -> None:
    double = Double.with_songs(25, finds_all=False)
    assert len(source(double).scan().songs) == 25
    assert double.calls("getAlbum") == 3


def test_what_the_search_misses_is_found_in_its_album() -> None:
    double = Double.with_songs(25)
    hidden = double.songs["so-7"]

    def search(said: Any) -> Any:
        start, count = int(said["songOffset"][0]), int(said["songCount"][0])
        rows = [found for found in double.songs.values() if found is not hidden]
        return ok(searchResult3={"song": rows[start : start + count]})

    double.faults["search3"] = search
    assert "so-7" in source(double).scan().songs
    assert double.calls("getAlbum") == 1


def test_a_server_that_sends_one_page_for_ever_has_no_more() -> None:
    double = Double()
    double.faults["search3"] = lambda _: ok(searchResult3={"song": [song(n) for n in range(500)]})
    assert len(source(double).scan().songs) == 500
    assert double.calls("search3") == 2


def test_a_server_that_sends_fewer_than_it_is_asked_for_is_read_to_its_end() -> None:
    double = Double.with_songs(230)

    def search(said: Any) -> Any:
        start = int(said["songOffset"][0])
        return ok(searchResult3={"song": list(double.songs.values())[start : start + 100]})

    double.faults["search3"] = search
    assert len(source(double).scan().songs) == 230


def test_stars_and_ratings_and_playlists_are_told() -> None:
    double = Double.with_songs(5, starred=["so-1", "so-3"])
    double.songs["so-2"]["userRating"] = 5
    double.playlists = {
        "p/1": Playlist("Evening", ["so-2", "so-0", "so-2"]),
        "9": Playlist("Favourites", ["so-4"]),
    }
    music = source(double)
    contents = music.scan()
    assert contents.playlists == (STARRED, "playlist:9", "playlist:p%2F1")
    assert music.read_song("so-2").rating_stars == 5.0
    index = SongIndex(contents.songs)
    lists = {name: music.read_playlists(name, index)[0] for name in contents.playlists}
    assert lists[STARRED].is_liked
    assert lists[STARRED].songs == ("so-1", "so-3")
    assert lists["playlist:9"].is_liked
    evening = lists["playlist:p%2F1"]
    assert (evening.name, evening.is_liked) == ("Evening", False)
    assert evening.songs == ("so-2", "so-0", "so-2")


def test_a_playlists_song_that_is_gone_keeps_its_place() -> None:
    double = Double.with_songs(3, playlists={"1": Playlist("A", ["so-1", "old", "other"])})
    music = source(double)
    music.scan()
    found = music.read_playlists("playlist:1", SongIndex(["so-1"]), SongIndex(["old"]))[0]
    assert [(entry.song, entry.is_missing) for entry in found.entries] == [
        ("so-1", False),
        ("old", True),
        (None, True),
    ]


def test_an_unchanged_song_has_the_same_fingerprint_and_a_changed_one_another() -> None:
    double = Double.with_songs(2)
    prints = []
    for _ in range(2):
        music = source(double)
        music.scan()
        record = music.read_song("so-0")
        found = music.fingerprint("so-0")
        assert found == (str(record.size_bytes), str(record.modified_ns), str(record.inode))
        prints.append((found, music.fingerprint("so-1")))
        double.songs["so-1"]["title"] = "New"
    assert prints[0][0] == prints[1][0]
    assert prints[0][1] != prints[1][1]
    assert music.fingerprint("gone") is None


@pytest.mark.parametrize("call", ["search3", "getAlbumList2", "getPlaylists"])
@pytest.mark.parametrize(
    "fault",
    [AWAY, plain(b"<html>"), lambda _: failed(40, "no"), lambda _: ok(**WRONG)],
    ids=["500", "page", "login", "types"],
)
def test_a_list_that_cannot_be_read_is_one_sentence_and_removes_nothing(
    call: str, fault: Any
) -> None:
    double = Double.with_songs(3, faults={call: fault})
    with pytest.raises(SourceUnavailable, match=r"The music server music\.example\.org .*removed"):
        source(double).scan()


def test_an_album_that_cannot_be_read_fails_alone_and_no_song_is_taken_for_gone() -> None:
    double = Double.with_songs(30, finds_all=False)

    def fault(said: Any) -> Any:
        return AWAY(said) if said["id"] == ["al-1"] else None

    double.faults["getAlbum"] = fault
    contents = source(double).scan()
    assert len(contents.songs) == 20
    assert list(contents.unseen) == ["Album 1"]
    assert contents.missing(["so-11", "other", "playlist:1"], lambda _: True) == ["playlist:1"]


def test_a_server_that_goes_away_in_the_midst_is_given_up() -> None:
    double = Double.with_songs(300, finds_all=False, faults={"getAlbum": AWAY})
    with pytest.raises(SourceUnavailable):
        source(double).scan()
    assert double.calls("getAlbum") <= 9
    double = Double.with_songs(3, faults={"getPlaylist": AWAY})
    music = source(double)
    for _ in range(2):
        with pytest.raises(UnreadableFile, match="HTTP 500"):
            music.read_playlists("playlist:1", SongIndex([]))
    with pytest.raises(SourceUnavailable):
        music.read_playlists("playlist:1", SongIndex([]))


def test_whether_something_is_there_is_asked() -> None:
    double = Double.with_songs(1, playlists={"1": Playlist("A", [])})
    music = source(double)
    names = ["so-0", "so-1", "playlist:1", "playlist:2", STARRED]
    assert [music.is_there(name) for name in names] == [True, False, True, False, True]
    double.faults["getSong"] = AWAY
    assert music.is_there("so-1")


def test_a_songs_sound_is_fetched_once(tmp_path: Path) -> None:
    double = Double.with_songs(2, sounds={"so-1": b"OggS" * 1000})
    music = source(double, tmp_path)
    for _ in range(2):
        with music.sound("so-1") as path:
            assert path.read_bytes() == b"OggS" * 1000
            assert path.suffix == ".ogg"
    assert double.calls("download") == 1
    with pytest.raises(NoSound, match="no more"), music.sound("so-0"):
        pass
    with pytest.raises(NoSound, match="no more"), music.sound("so-9"):
        pass


def test_a_song_that_was_replaced_is_fetched_anew(tmp_path: Path) -> None:
    double = Double.with_songs(1, sounds={"so-0": b"old"})
    for content in (b"old", b"newer"):
        double.sounds["so-0"] = content
        double.songs["so-0"]["size"] = len(content)
        with source(double, tmp_path).sound("so-0") as path:
            assert path.read_bytes() == content


@pytest.mark.parametrize(
    "fault",
    [lambda _: failed(50, "not allowed"), plain(b"<html>no</html>"), lambda _: failed(0, "no")],
    ids=["not allowed", "page", "unknown"],
)
def test_a_song_that_may_not_be_downloaded_is_played(tmp_path: Path, fault: Any) -> None:
    double = Double.with_songs(1, sounds={"so-0": b"sound"}, faults={"download": fault})
    with source(double, tmp_path).sound("so-0") as path:
        assert path.read_bytes() == b"sound"
    double.faults["stream"] = fault
    double.songs["so-0"]["size"] = 77
    with pytest.raises(UnreadableFile, match="does not send this song"):
        source(double, tmp_path).sound("so-0").__enter__()


def test_a_server_that_lies_about_sizes_fills_no_more_than_the_bound(tmp_path: Path) -> None:
    double = Double.with_songs(1, sounds={"so-0": b"x" * 3_000_000})
    with pytest.raises(UnreadableFile, match="does not fit"):
        source(double, tmp_path, mb=1).sound("so-0").__enter__()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 1024 * 1024
    double.songs["so-0"]["size"] = 2**40
    with source(double, tmp_path, mb=4).sound("so-0") as path:
        assert path.stat().st_size == 3_000_000


def test_an_empty_file_is_no_sound(tmp_path: Path) -> None:
    double = Double.with_songs(1, sounds={"so-0": b""})
    with pytest.raises(UnreadableFile, match="empty"), source(double, tmp_path).sound("so-0"):
        pass
