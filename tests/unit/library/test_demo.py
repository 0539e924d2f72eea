"""The demo library: the same on every machine, and one a person would agree about."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from library import demo, profiles
from library.analysis import analyse
from library.features import SongToMatch
from library.matching import Matcher, Playlist
from library.sources.folder import FolderSource
from library.sources.places import SongIndex


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    demo.generate(folder)
    return folder


def test_it_says_how_far_it_is_and_what_is_there(music: Path) -> None:
    told: list[tuple[int, int]] = []
    summary = demo.generate(music, on_song=lambda done, count: told.append((done, count)))
    assert summary == demo.DemoSummary(songs=12, playlists=3, liked=5)
    assert told == [(n, 12) for n in range(1, 13)]


def test_it_sounds_the_same_wherever_it_is_made(music: Path, tmp_path: Path) -> None:
    demo.generate(tmp_path)
    for song in demo.SONGS:
        # An Ogg stream bears a random number, so its bytes differ; its sound does not.
        first, rate = soundfile.read(music / song.file)
        second, _ = soundfile.read(tmp_path / song.file)
        assert rate == 44_100
        assert np.array_equal(first, second), song.title


def test_what_is_there_stays_as_it_is(music: Path) -> None:
    def state() -> dict[str, tuple[int, int]]:
        files = (path for path in music.rglob("*") if path.is_file())
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in files}

    before = state()
    demo.generate(music)
    assert state() == before
    assert len(before) == 12 + 3 + 1


def test_what_was_removed_is_made_again_and_what_was_changed_is_kept(
    music: Path, tmp_path: Path
) -> None:
    shutil.copytree(music, tmp_path, dirs_exist_ok=True)
    (tmp_path / demo.SONGS[0].file).unlink()
    (tmp_path / "Liked songs.m3u8").write_text("# mine\n")
    demo.generate(tmp_path)
    assert (tmp_path / demo.SONGS[0].file).is_file()
    assert (tmp_path / "Liked songs.m3u8").read_text() == "# mine\n"


def test_a_generation_that_was_broken_off_leaves_no_half_song(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo.mutagen, "File", stop)
    with pytest.raises(KeyboardInterrupt):
        demo.generate(tmp_path)
    assert FolderSource(tmp_path).scan().songs == ()


def test_its_tags_and_playlists_are_read_as_they_were_meant(music: Path) -> None:
    source = FolderSource(music)
    contents = source.scan()
    assert set(contents.songs) == {song.file for song in demo.SONGS}
    for song in demo.SONGS:
        found = source.read_song(song.file)
        assert (found.title, found.artist, found.album, found.genre, found.year) == (
            song.title,
            song.artist,
            song.album,
            song.genre,
            song.year,
        )
        assert found.duration_seconds == pytest.approx(song.score.seconds, abs=0.1)
    index = SongIndex(contents.songs, music)
    read = [p for name in contents.playlists for p in source.read_playlists(name, index)]
    assert {p.name: p.songs for p in read if not p.is_liked} == {
        name: tuple(song.file for song in songs) for name, songs in demo.PLAYLISTS.items()
    }
    (liked,) = (p for p in read if p.is_liked)
    assert liked.songs == tuple(song.file for song in demo.LIKED)


@pytest.mark.parametrize("song", demo.SONGS, ids=lambda song: song.title)
def test_its_tempo_is_heard(music: Path, song: demo.DemoSong) -> None:
    assert analyse(music / song.file).tempo_bpm == pytest.approx(song.score.tempo_bpm, rel=0.01)


def test_its_keys_are_heard_but_for_two_near_ones(music: Path) -> None:
    names = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
    wrong = {
        song.title: key
        for song in demo.SONGS
        if (key := analyse(music / song.file).key) != f"{names[song.score.tonic]} {song.score.mode}"
    }
    # The relative major of E minor, and the major on the same tonic.
    assert wrong == {"Slow Light": "G major", "Run the Lights": "F major"}


def _row(music: Path, song: demo.DemoSong, *, tags: bool) -> SongToMatch:
    heard = analyse(music / song.file)
    said = (song.title, song.artist, song.album, song.year) if tags else ("", None, None, None)
    return SongToMatch(
        song.title,  # type: ignore[arg-type] # a name to be known by
        *said,
        heard.tempo_bpm,
        heard.tempo_confidence,
        heard.loudness_lufs,
        heard.duration_seconds,
        heard.key,
        heard.key_confidence,
        heard.timbre.tobytes(),
    )


@pytest.mark.parametrize("tags", [True, False], ids=["with tags", "by sound alone"])
def test_liked_songs_are_proposed_where_a_person_would_put_them(music: Path, tags: bool) -> None:
    songs, places = profiles.columns(_row(music, song, tags=tags) for song in demo.SONGS)
    lists = [
        Playlist.of(name, (places[song.title] for song in songs))  # type: ignore[index]
        for name, songs in demo.PLAYLISTS.items()
    ]
    asked = np.array([places[title] for title in demo.EXPECTED])  # type: ignore[index]
    found = Matcher(songs, lists).propose(asked, without={})
    assert {p[0].song_id: p[0].playlist_id for p in found} == demo.EXPECTED
    assert all(p[0].score > 0.5 for p in found)


def test_every_kind_has_three_songs_in_a_playlist_and_one_that_waits() -> None:
    placed = {song.title for songs in demo.PLAYLISTS.values() for song in songs}
    assert Counter(song.score.style for song in demo.SONGS) == {"calm": 4, "dance": 4, "strings": 4}
    assert {song.title for song in demo.LIKED} - placed == set(demo.EXPECTED)
