"""Two real music servers that differ: what is read of each, and what is written to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest

from library.errors import NoSound, SourceUnavailable
from library.music_roots import MusicRoots
from library.sources.places import SongIndex
from library.sources.source import Installation, SourceRow
from library.sources.subsonic.address import ServerAddress
from library.sources.subsonic.cache import SoundCache
from library.sources.subsonic.client import Patience, SubsonicClient
from library.sources.subsonic.errors import LoginRefused, ServerError
from library.sources.subsonic.kind import KIND, client_of, try_out
from library.sources.subsonic.login import Login, Way
from library.sources.subsonic.server import MusicServer
from library.sources.subsonic.source import PLAYLIST, STARRED, SubsonicSource
from library.sources.subsonic.values import external_id
from library.sources.subsonic.writing import add_songs, remove_songs
from library.writeback.entries import NewSong
from library.writeback.targets import Target, writer_of
from library.writeback.writer import Plan
from tests.subsonic.real import ALBUMS, RealServer, maneki, supysonic

KEY = "a secret key of some length"
ACCOUNT, SOURCE = UUID(int=1), UUID(int=2)
COUNT = sum(count for _, _, count in ALBUMS)


@pytest.fixture(scope="module", params=[supysonic, maneki], ids=["supysonic", "maneki"])
def real(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealServer]:
    with request.param(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    folder = tmp_path_factory.mktemp("data")
    return Installation(folder, secret_key=KEY, private_servers=True)


@pytest.fixture(scope="module")
def row(real: RealServer, installation: Installation) -> SourceRow:
    login = Login(real.user, real.password)
    new = try_out(real.address, login, installation=installation)
    return SourceRow(SOURCE, ACCOUNT, new.location, new.name, new.settings, new.secret)


@pytest.fixture
def music(row: SourceRow, installation: Installation) -> Iterator[SubsonicSource]:
    opened = KIND.open(row, installation)
    assert isinstance(opened, SubsonicSource)
    yield opened
    opened.close()


@pytest.fixture
def server(row: SourceRow, installation: Installation) -> Iterator[MusicServer]:
    with client_of(row, installation) as client:
        yield MusicServer(client)


@pytest.fixture
def ids(music: SubsonicSource) -> dict[str, str]:
    """The servers' ids by title."""
    return {music.read_song(name).title: name for name in music.scan().songs}


def playlist(server: MusicServer, name: str, song_ids: list[str]) -> str:
    server.create_playlist(name, song_ids)
    return next(found.id for found in server.playlists() if found.name == name)


def test_each_is_asked_in_its_own_safest_way(real: RealServer, row: SourceRow) -> None:
    ways = {"supysonic": Way("POST", "password"), "maneki": Way("POST", "token")}
    assert Way.from_json(row.settings["way"]) == ways[real.name]


def test_songs_are_read_as_they_are_tagged(real: RealServer, music: SubsonicSource) -> None:
    records = [music.read_song(name) for name in music.scan().songs]
    assert len(records) == COUNT
    found = {(record.artist, record.album, record.title) for record in records}
    assert found == {
        (artist, album, f"{album} {number}")
        for artist, album, count in ALBUMS
        for number in range(1, count + 1)
    }
    for record in records:
        assert record.size_bytes == real.files()[record.title].stat().st_size
        assert (record.genre, record.year, record.duration_seconds) == ("Folk", 1999, 1.0)


def test_a_second_look_finds_nothing_changed_but_what_was_rated(
    real: RealServer, music: SubsonicSource, server: MusicServer, ids: dict[str, str]
) -> None:
    # maneki answers that it has set a rating, and keeps none.
    kept = {ids["Snow 1"]} if real.name == "supysonic" else set()
    before = {name: music.fingerprint(name) for name in ids.values()}
    assert [music.read_song(name).rating_stars for name in ids.values()] == [None] * COUNT
    server.rate(ids["Snow 1"], stars=5)
    server.star(ids["Snow 2"])
    server.star(ids["Low Tide 1"])
    music.scan()
    after = {name: music.fingerprint(name) for name in ids.values()}
    assert {name for name in before if before[name] != after[name]} == kept
    assert music.read_song(ids["Snow 1"]).rating_stars == (5.0 if kept else None)
    (loved,) = music.read_playlists(STARRED, SongIndex(ids.values()))
    assert set(loved.songs) == {ids["Snow 2"], ids["Low Tide 1"]}
    for name in loved.songs:
        server.unstar(name)
    server.rate(ids["Snow 1"], stars=0)
    assert music.read_playlists(STARRED, SongIndex(ids.values()))[0].songs == ()


def test_a_playlist_is_read_in_its_order(
    music: SubsonicSource, server: MusicServer, ids: dict[str, str]
) -> None:
    names = [ids["Snow 2"], ids["Low Tide 3"], ids["Snow 1"]]
    listed = playlist(server, "Evening", names)
    assert f"playlist:{listed}" in music.scan().playlists
    (found,) = music.read_playlists(f"playlist:{listed}", SongIndex(ids.values()))
    assert (found.name, found.songs, found.missing) == ("Evening", tuple(names), ())


def test_sound_is_the_file_itself_also_when_it_is_resumed(
    real: RealServer,
    music: SubsonicSource,
    server: MusicServer,
    ids: dict[str, str],
) -> None:
    file = real.files()["High Tide 1"].read_bytes()
    with music.sound(ids["High Tide 1"]) as path:
        assert path.read_bytes() == file
    # A token may stand in an address, where parts of files are asked for; a password may not.
    is_resumed = real.name == "maneki"
    for call in ("download", "stream"):
        asked = [("id", ids["High Tide 1"])]
        with server.client.download(call, asked, offset=100, at_most=10**6) as answer:
            rest = b"".join(answer.iter_raw())
        assert answer.status_code == (206 if is_resumed else 200)
        assert rest == (file[100:] if is_resumed else file)


def test_what_is_not_there_is_not_there(music: SubsonicSource, ids: dict[str, str]) -> None:
    unknown = "00000000-0000-0000-0000-000000000000"
    assert music.is_there(ids["Snow 1"])
    assert not music.is_there(unknown)
    with pytest.raises(NoSound), music.sound(unknown):
        pass


def test_a_wrong_password_is_told(
    real: RealServer, row: SourceRow, installation: Installation
) -> None:
    with pytest.raises(LoginRefused, match="user name or password is wrong"):
        try_out(
            real.address,
            Login(real.user, "another"),
            installation=installation,
        )
    with pytest.raises(ServerError, match="Subsonic API"):
        try_out(
            real.address.removesuffix("/audio/rest/") + "/nowhere",
            Login(real.user, real.password),
            installation=installation,
        )


def test_songs_are_added_once_however_often_it_is_done(
    server: MusicServer, ids: dict[str, str]
) -> None:
    names = [ids[f"Low Tide {number}"] for number in (1, 2, 3)]
    listed = playlist(server, "Added to", [names[0]])
    first = add_songs(server, listed, [*names, names[1]])
    assert (first.done, first.already, first.failed) == (tuple(names[1:]), (names[0],), {})
    second = add_songs(server, listed, names)
    assert (second.done, second.already, second.failed) == ((), tuple(names), {})
    assert [song.id for song in server.playlist(listed).songs] == names


def test_a_song_that_is_not_there_fails_alone(server: MusicServer, ids: dict[str, str]) -> None:
    listed = playlist(server, "With an unknown one", [])
    unknown = "00000000-0000-0000-0000-000000000000"
    found = add_songs(server, listed, [ids["Snow 1"], unknown, ids["Snow 2"]])
    assert found.done == (ids["Snow 1"], ids["Snow 2"])
    assert list(found.failed) == [unknown]
    assert found.failed[unknown].endswith(("found", "playlist."))


def test_what_was_added_is_taken_out_again_and_nothing_else(
    server: MusicServer, ids: dict[str, str]
) -> None:
    first, second, third = (ids[f"Low Tide {number}"] for number in (1, 2, 3))
    listed = playlist(server, "Undone", [first, second, first])
    add_songs(server, listed, [third, ids["Snow 1"]])
    found = remove_songs(server, listed, [third, ids["Snow 1"], ids["Snow 2"]])
    assert (set(found.done), found.already) == ({third, ids["Snow 1"]}, (ids["Snow 2"],))
    assert [song.id for song in server.playlist(listed).songs] == [first, second, first]
    again = remove_songs(server, listed, [third])
    assert (again.done, again.already) == ((), (third,))


def test_a_playlist_is_written_back_and_put_back(
    row: SourceRow, installation: Installation, server: MusicServer, ids: dict[str, str]
) -> None:
    first, second = ids["Low Tide 1"], ids["Low Tide 2"]
    listed = playlist(server, "Written back", [first])
    target = Target(row, installation, MusicRoots(()), lambda: SongIndex(()), is_waited_for=True)
    writer = writer_of("subsonic", target)
    songs = [NewSong(external_id(name), title) for title, name in ids.items()]
    wanted = [
        song for song in songs if song.external_id in (external_id(first), external_id(second))
    ]
    preview = writer.preview(f"{PLAYLIST}{listed}", wanted)
    assert [entry.song.external_id for entry in preview.addition.added] == [external_id(second)]
    plan = Plan(UUID(int=3), f"{PLAYLIST}{listed}", wanted, preview.before_key)
    keys: list[str] = []
    writer.write(plan, lambda key, _: keys.append(key))
    assert [song.id for song in server.playlist(listed).songs] == [first, second]
    writer.write(replace(plan, after_key=keys[-1]), lambda key, _: keys.append(key))
    assert len(keys) == 1
    writer.undo(replace(plan, after_key=keys[-1]))
    assert [song.id for song in server.playlist(listed).songs] == [first]


def test_a_server_that_is_stopped_is_one_sentence(
    row: SourceRow, installation: Installation
) -> None:
    login = Login("ada", "correct horse")
    address = ServerAddress.from_text(row.settings["address"])
    nobody_there = replace(address, port=1)
    patience = Patience(pauses_seconds=())
    client = SubsonicClient(nobody_there, login, allows_private=True, patience=patience)
    sounds = SoundCache(installation.data_dir, 10**6)
    music = SubsonicSource(MusicServer(client), source_id=SOURCE, name=row.name, sounds=sounds)
    with pytest.raises(SourceUnavailable, match=r"whether it is running.*Nothing was removed"):
        music.scan()
