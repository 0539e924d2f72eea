"""A folder in any state gives its songs and playlists, and nothing from outside of it."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import mutagen
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from library.errors import SourceUnavailable, UnreadableFile
from library.sources.folder import FolderSource
from library.sources.places import SongIndex
from library.sources.playlist_files import MAX_PLAYLIST_BYTES
from library.sources.records import PlaylistRecord


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def playlist(folder: Path, lines: str | bytes, name: str = "List.m3u8") -> PlaylistRecord:
    """The playlist of these lines, read with all songs that are in the folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    source = FolderSource(folder)
    (found,) = source.read_playlists(name, SongIndex(source.scan().songs, folder))
    return found


class TestScan:
    def test_finds_songs_and_playlists_in_all_folders_sorted(self, tmp_path):
        make(tmp_path, "b/2.FLAC", "a.ogg", "b/list.M3U8", "b/c/1.mp3", "old.m3u", "cover.jpg")
        contents = FolderSource(tmp_path).scan()
        assert contents.songs == ("a.ogg", "b/2.FLAC", "b/c/1.mp3")
        assert contents.playlists == ("b/list.M3U8", "old.m3u")

    def test_leaves_hidden_files_and_folders_alone(self, tmp_path):
        make(tmp_path, ".part-a.ogg", ".trash/b.ogg", "c.ogg")
        assert FolderSource(tmp_path).scan().songs == ("c.ogg",)

    def test_leaves_recycle_bins_and_indexes_alone(self, tmp_path):
        make(tmp_path, "$RECYCLE.BIN/a.ogg", "a/#recycle/b.ogg", "a/@eaDir/c.ogg/d.ogg", "e.ogg")
        assert FolderSource(tmp_path).scan().songs == ("e.ogg",)

    def test_says_what_to_do_when_the_folder_is_gone(self, tmp_path):
        with pytest.raises(SourceUnavailable, match="Check that it exists"):
            FolderSource(tmp_path / "gone").scan()

    def test_says_so_when_the_folder_is_a_file(self, tmp_path):
        make(tmp_path, "file")
        with pytest.raises(SourceUnavailable, match="cannot be read: Not a directory"):
            FolderSource(tmp_path / "file").scan()

    def test_a_folder_that_may_not_be_read_takes_nothing_from_the_others(
        self, tmp_path, monkeypatch
    ):
        make(tmp_path, "a/1.ogg", "locked/2.ogg", "z/3.ogg")
        real = os.scandir

        # Permissions bind everyone but root, as whom tests may run.
        def scandir(path):
            if Path(path).name == "locked":
                raise PermissionError(13, "Permission denied")
            return real(path)

        monkeypatch.setattr(os, "scandir", scandir)
        assert FolderSource(tmp_path).scan().songs == ("a/1.ogg", "z/3.ogg")

    def test_a_link_back_to_a_folder_above_ends(self, tmp_path):
        make(tmp_path, "a/1.ogg")
        (tmp_path / "a" / "loop").symlink_to(tmp_path)
        (tmp_path / "self").symlink_to(tmp_path / "self")
        assert FolderSource(tmp_path).scan().songs == ("a/1.ogg",)

    def test_links_within_the_folder_are_followed(self, tmp_path):
        make(tmp_path, "a/1.ogg")
        (tmp_path / "b.ogg").symlink_to(tmp_path / "a" / "1.ogg")
        assert FolderSource(tmp_path).scan().songs == ("a/1.ogg", "b.ogg")

    def test_links_out_of_the_folder_are_not_followed(self, tmp_path):
        make(tmp_path, "outside/1.ogg", "music/2.ogg", "music-too/3.ogg")
        music = tmp_path / "music"
        (music / "folder").symlink_to(tmp_path / "outside")
        (music / "file.ogg").symlink_to(tmp_path / "outside" / "1.ogg")
        (music / "alike").symlink_to(tmp_path / "music-too")
        (music / "gone.ogg").symlink_to(music / "nowhere.ogg")
        assert FolderSource(music).scan().songs == ("2.ogg",)

    def test_the_folder_itself_may_be_a_link(self, tmp_path):
        make(tmp_path, "music/a.ogg")
        (tmp_path / "link").symlink_to(tmp_path / "music")
        source = FolderSource(tmp_path / "link")
        assert source.scan().songs == ("a.ogg",)
        assert source.path("a.ogg").is_file()

    def test_what_is_no_file_is_no_song(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.ogg")
        (tmp_path / "folder.ogg").mkdir()
        assert FolderSource(tmp_path).scan().songs == ()


class TestNames:
    @pytest.mark.parametrize(
        ("raw", "name"),
        [
            (b"plain.ogg", "plain.ogg"),
            ("日本語 – ünï.ogg".encode(), "日本語 – ünï.ogg"),
            (b"Caf\xe9.ogg", "Caf\\xe9.ogg"),
            (b"back\\slash.ogg", "back\\\\slash.ogg"),
            (b"looks\\xe9.ogg", "looks\\\\xe9.ogg"),
            (b"line\nbreak.ogg", "line\nbreak.ogg"),
            (b"\xff\xfe.ogg", "\\xff\\xfe.ogg"),
        ],
    )
    def test_a_file_of_any_name_can_be_found_again(self, tmp_path, raw, name):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + raw)).touch()
        source = FolderSource(tmp_path)
        assert source.scan().songs == (name,)
        assert os.fsencode(source.path(name).name) == raw
        name.encode()  # fit for a database

    @given(st.binary(min_size=1, max_size=40).filter(lambda raw: not {0, 47} & set(raw)))
    def test_two_files_never_have_one_name(self, raw):
        root = Path("/music")
        source = FolderSource(root)
        path = root / os.fsdecode(raw)
        if path.name == os.fsdecode(raw) and raw not in (b".", b".."):
            assert source.path(source.external_id(path)) == path

    @pytest.mark.parametrize("name", ["../secret.ogg", "/etc/passwd", "a/../../secret.ogg", ".."])
    def test_a_name_that_leads_out_is_refused(self, tmp_path, name):
        with pytest.raises(UnreadableFile, match="outside of the music folder"):
            FolderSource(tmp_path / "music").path(name)

    def test_a_link_that_leads_out_is_refused_when_it_comes_after_the_scan(self, tmp_path):
        make(tmp_path, "secret.ogg", "music/a.ogg")
        source = FolderSource(tmp_path / "music")
        (name,) = source.scan().songs
        (tmp_path / "music" / "a.ogg").unlink()
        (tmp_path / "music" / "a.ogg").symlink_to(tmp_path / "secret.ogg")
        with pytest.raises(UnreadableFile, match="outside"):
            source.read_song(name)


class TestSongs:
    @pytest.mark.parametrize(
        ("name", "artist", "title"),
        [
            ("02 - Robert van Herk - City Blues.wav", "Robert van Herk", "City Blues"),
            ("City_Blues.wav", None, "City Blues"),
            ("07. Rain.wav", None, "Rain"),
            ("99 Luftballons.wav", None, "99 Luftballons"),
            ("1999.wav", None, "1999"),
            ("01.wav", None, "01"),
            (" - .wav", None, "-"),
        ],
    )
    def test_a_song_without_tags_is_called_after_its_file(self, tmp_path, name, artist, title):
        soundfile.write(tmp_path / name, [0.0] * 800, 8000)
        song = FolderSource(tmp_path).read_song(name)
        assert (song.artist, song.title) == (artist, title)
        assert song.duration_seconds == pytest.approx(0.1)

    def test_folders_tell_what_the_tags_and_the_name_do_not(self, tmp_path):
        make(tmp_path, "Rob/Songs (1998)/x")
        name = "Rob/Songs (1998)/03 Drink.flac"
        soundfile.write(tmp_path / name, [0.0] * 800, 8000)
        song = FolderSource(tmp_path).read_song(name)
        assert (song.title, song.artist, song.album) == ("Drink", "Rob", "Songs")
        assert (song.year, song.track_number) == (1998, 3)
        tagged = mutagen.File(tmp_path / name)
        tagged["title"], tagged["artist"] = "Drank", "Robert"
        tagged.save()
        song = FolderSource(tmp_path).read_song(name)
        assert (song.title, song.artist, song.album) == ("Drank", "Robert", "Songs")

    def test_size_and_time_are_of_the_file(self, tmp_path):
        soundfile.write(tmp_path / "a.wav", [0.0] * 800, 8000)
        os.utime(tmp_path / "a.wav", ns=(1, 1_700_000_000_123_456_789))
        song = FolderSource(tmp_path).read_song("a.wav")
        assert song.size_bytes == (tmp_path / "a.wav").stat().st_size
        assert song.modified_ns == "1700000000123456789"

    def test_an_empty_file_says_so(self, tmp_path):
        make(tmp_path, "a.ogg")
        with pytest.raises(UnreadableFile) as caught:
            FolderSource(tmp_path).read_song("a.ogg")
        assert caught.value.reason == "The file is empty."

    def test_a_file_that_is_gone_says_so(self, tmp_path):
        with pytest.raises(UnreadableFile, match="cannot be opened: No such file"):
            FolderSource(tmp_path).read_song("a.ogg")


class TestPlaylists:
    def test_entries_are_relative_to_the_playlist(self, tmp_path):
        make(tmp_path, "a.ogg", "lists/b.ogg", "other/c.ogg")
        found = playlist(tmp_path, "../a.ogg\nb.ogg\n./../other/c.ogg\n", "lists/mix.m3u8")
        assert found.songs == ("a.ogg", "lists/b.ogg", "other/c.ogg")
        assert (found.name, found.missing, found.is_liked) == ("mix", (), False)

    def test_entries_may_be_absolute(self, tmp_path):
        make(tmp_path, "a/b.ogg", "c d.ogg")
        lines = f"{tmp_path}/a/b.ogg\n{(tmp_path / 'c d.ogg').as_uri()}\n/elsewhere/e.ogg\n"
        found = playlist(tmp_path, lines)
        assert found.songs == ("a/b.ogg", "c d.ogg")
        assert found.missing == ("/elsewhere/e.ogg",)

    def test_what_is_not_there_is_missing_as_it_stands(self, tmp_path):
        make(tmp_path, "a.ogg")
        found = playlist(tmp_path, "Gone.ogg\n../outside.ogg\na.ogg\nhttp://radio.example/live\n")
        assert found.songs == ("a.ogg",)
        assert found.missing == ("Gone.ogg", "../outside.ogg", "http://radio.example/live")

    def test_a_song_that_is_in_a_list_twice_stays_so(self, tmp_path):
        make(tmp_path, "a.ogg", "b.ogg")
        found = playlist(tmp_path, "b.ogg\na.ogg\n./b.ogg\nB.OGG\n")
        assert found.songs == ("b.ogg", "a.ogg", "b.ogg", "b.ogg")

    def test_names_that_differ_in_case_or_composition_are_found(self, tmp_path):
        make(tmp_path, "Caf\u00e9/Ni\u00f1o.ogg")
        assert playlist(tmp_path, "CAFE\u0301/nin\u0303o.OGG\n").missing == ()

    def test_the_exact_name_comes_before_one_that_is_alike(self, tmp_path):
        make(tmp_path, "a.ogg", "A.ogg")
        assert playlist(tmp_path, "A.ogg\n").songs == ("A.ogg",)
        assert playlist(tmp_path, "a.ogg\n").songs == ("a.ogg",)

    def test_a_percent_sign_is_itself(self, tmp_path):
        make(tmp_path, "100%25.ogg", "100%.ogg")
        assert playlist(tmp_path, "100%25.ogg\n").songs == ("100%25.ogg",)
        assert playlist(tmp_path, "file:100%25.ogg\n").songs == ("100%.ogg",)

    def test_a_name_in_no_encoding_is_found(self, tmp_path):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/Caf\xe9.ogg")).touch()
        assert playlist(tmp_path, b"Caf\xe9.ogg\n").songs == ("Caf\\xe9.ogg",)

    def test_what_is_shown_and_stored_is_text_that_a_database_takes(self, tmp_path):
        found = playlist(tmp_path, b"#" * 80 + b"\n#PLAYLIST:A\xff\0B\nGone\xff\0.ogg")
        assert found.name == "Aÿ\ufffdB"
        for text in (found.name, *found.missing):
            assert "\0" not in text
            text.encode()

    @pytest.mark.parametrize("name", ["Favourites", "Liked Songs", "STARRED", "loved tracks"])
    def test_the_list_of_liked_songs_is_known_by_its_name(self, tmp_path, name):
        assert playlist(tmp_path, "", f"{name}.m3u8").is_liked

    @pytest.mark.parametrize("name", ["Liked by Ann", "Favour", "Best of"])
    def test_another_name_is_a_playlist(self, tmp_path, name):
        assert not playlist(tmp_path, "", f"{name}.m3u8").is_liked

    @pytest.mark.parametrize("data", [b"\x7fELF\0\0\0", b"a\n" * (MAX_PLAYLIST_BYTES // 2 + 1)])
    def test_what_is_no_playlist_says_so(self, tmp_path, data):
        with pytest.raises(UnreadableFile, match="is not a playlist"):
            playlist(tmp_path, data)

    @pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
    def test_utf_16_is_a_playlist(self, tmp_path, encoding):
        make(tmp_path, "a.ogg")
        assert playlist(tmp_path, "\ufeffa.ogg\n".encode(encoding)).songs == ("a.ogg",)

    def test_a_playlist_that_is_gone_says_so(self, tmp_path):
        with pytest.raises(UnreadableFile, match="playlist cannot be opened"):
            FolderSource(tmp_path).read_playlists("gone.m3u", SongIndex((), tmp_path))


class TestBadInput:
    @pytest.mark.parametrize("suffix", [".mp3", ".flac", ".ogg", ".m4a", ".wav", ".wma", ".ape"])
    def test_of_four_gigabytes_of_nothing_little_is_read(self, tmp_path, suffix):
        path = tmp_path / f"large{suffix}"
        with path.open("wb") as file:
            file.truncate(4 << 30)
        before = read_bytes()
        with suppress(UnreadableFile):
            FolderSource(tmp_path).read_song(path.name)
        assert read_bytes() - before < 40 << 20

    def test_a_song_that_became_a_pipe_is_waited_for_by_nobody(self, tmp_path):
        make(tmp_path, "a.ogg")
        source = FolderSource(tmp_path)
        source.scan()
        (tmp_path / "a.ogg").unlink()
        os.mkfifo(tmp_path / "a.ogg")
        with pytest.raises(UnreadableFile, match="no file any more"):
            source.read_song("a.ogg")
        assert source.audio_key("a.ogg") is None
        assert source.list_key("a.ogg") is None

    def test_folders_may_lie_in_each_other_deeper_than_calls_may(self, tmp_path):
        here = Path.cwd()
        os.chdir(tmp_path)
        try:
            for _ in range(1_100):
                os.mkdir("a")  # noqa: PTH102 - a path of them all is longer than the system takes
                os.chdir("a")
            Path("b.ogg").touch()
        finally:
            os.chdir(here)
        make(tmp_path, "z.ogg")
        try:
            contents = FolderSource(tmp_path).scan()
        finally:
            # Whoever tidies up after tests does it by calls.
            subprocess.run(["rm", "-rf", tmp_path / "a"], check=True)
        assert "z.ogg" in contents.songs
        assert len(contents.songs) + len(contents.unseen) == 2

    def test_folders_of_the_system_are_named(self, tmp_path):
        make(tmp_path, ".Trash-1000/files/a.ogg", "b/@eaDir/c.ogg", ".hidden/d.ogg", "e.ogg")
        contents = FolderSource(tmp_path).scan()
        assert contents.left_out == (".Trash-1000", "b/@eaDir")
        assert contents.songs == ("e.ogg",)

    def test_a_listing_tells_each_folder_and_how_many_files_it_has_found(self, tmp_path):
        make(tmp_path, "a.ogg", "b/c.ogg", "b/d/e.ogg")
        source, told = FolderSource(tmp_path), []
        source.on_folder = lambda name, files: told.append((name, files))
        source.scan()
        assert told == [("", 0), ("b", 1), ("b/d", 2)]


def read_bytes() -> int:
    """All that this process has read."""
    return int(Path("/proc/self/io").read_text().partition("rchar:")[2].split()[0])
