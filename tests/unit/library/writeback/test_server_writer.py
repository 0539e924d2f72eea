"""Playlists of a server: written once whatever breaks off, taken out again, and never others'."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from library.sources.records import SongRecord
from library.sources.subsonic.errors import Failed, ServerAway
from library.sources.subsonic.values import ServerPlaylist, ServerSong
from library.writeback.adding import Addition
from library.writeback.backups import Backups
from library.writeback.entries import NewSong
from library.writeback.errors import Edited, NotWritable
from library.writeback.server_writer import ServerWriter
from library.writeback.writer import Plan, Standing

LIST = "playlist:l"
WANTED = [NewSong(f"n{number}", f"Song {number}") for number in range(120)]


class Killed(BaseException):
    """The process is no more."""


class FakeServer:
    """A playlist on a server, which adds what is sent to it as often as it is sent."""

    def __init__(self) -> None:
        self.ids = ["a", "b"]
        self.owner, self.is_read_only = "ada", False
        #: Songs that it refuses, each alone and all that come with it.
        self.refuses: set[str] = set()
        self.is_away = False
        #: Calls until the process dies, in the midst of the last one or before it.
        self.left: int | None = None
        self.calls = 0

    def _call(self) -> None:
        self.calls += 1
        if self.is_away:
            raise ServerAway("The music server does not answer.")
        if self.left is not None and self.calls > self.left:
            raise Killed

    def playlist(self, playlist_id: str) -> ServerPlaylist:
        assert playlist_id == "l"
        self._call()
        songs = tuple(ServerSong(SongRecord(key, key.upper())) for key in self.ids)
        return ServerPlaylist("l", "Mine", self.owner, self.is_read_only, songs)

    def update_playlist(
        self, playlist_id: str, *, add: Sequence[str] = (), remove_at: Sequence[int] = ()
    ) -> None:
        assert playlist_id == "l"
        self._call()
        if self.refuses & set(add):
            raise Failed("There is no such song.", code=70)
        self.ids = [key for at, key in enumerate(self.ids) if at not in set(remove_at)] + [*add]


class Desk:
    """A server, what writes to it, and what is noted of it."""

    def __init__(self, folder: Path) -> None:
        self.server = FakeServer()
        self.folder = folder
        self.after_key: str | None = None
        self.noted: list[Addition] = []
        self.backups = Backups(folder, uuid4())
        self.fresh()

    def fresh(self) -> None:
        """Another process: nothing of the one before is left."""

        @contextmanager
        def connect() -> Iterator[FakeServer]:
            yield self.server

        self.server.left = None
        self.writer = ServerWriter(connect, user="ada", backups=self.backups)  # type: ignore[arg-type]

    def planned(self) -> Plan:
        self.after_key = None
        self.noted = []
        return Plan(uuid4(), LIST, WANTED, self.writer.preview(LIST, WANTED).before_key)

    def now(self, plan: Plan) -> Plan:
        return Plan(plan.id, plan.list_id, plan.songs, plan.before_key, self.after_key)

    def write(self, plan: Plan) -> None:
        def note(key: str, addition: Addition) -> None:
            self.after_key = key
            self.noted.append(addition)

        self.writer.write(self.now(plan), note)

    def lives(self, act: Callable[[], None], calls: int) -> bool:
        self.fresh()
        self.server.calls, self.server.left = 0, calls
        try:
            act()
        except Killed:
            return False
        finally:
            self.fresh()
        return True


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


NEW = ["a", "b", *(song.external_id for song in WANTED)]


def test_a_playlist_is_written_and_put_back(desk: Desk) -> None:
    preview = desk.writer.preview(LIST, WANTED[:2])
    assert [(line.kind, line.text) for line in preview.lines][-2:] == [
        ("new", "Song 0"),
        ("new", "Song 1"),
    ]
    plan = desk.planned()
    desk.write(plan)
    assert desk.server.ids == NEW
    assert desk.writer.verify(desk.now(plan)) is Standing.AFTER
    desk.writer.undo(desk.now(plan))
    assert desk.server.ids == ["a", "b"]
    assert desk.writer.verify(desk.now(plan)) is Standing.BEFORE


def test_killed_between_any_two_calls_each_song_is_there_once_and_undo_works(desk: Desk) -> None:
    for calls in range(50):
        plan = desk.planned()
        is_over = desk.lives(lambda plan=plan: desk.write(plan), calls)
        assert len(set(desk.server.ids)) == len(desk.server.ids)
        if calls % 2:
            desk.write(plan)
            assert desk.server.ids == NEW
        if desk.after_key is not None:
            desk.lives(lambda plan=plan: desk.writer.undo(desk.now(plan)), calls // 2)
            desk.writer.undo(desk.now(plan))
        assert desk.server.ids == ["a", "b"]
        if is_over:
            assert calls > 4
            return
    raise AssertionError("it never ended")


def test_a_playlist_that_somebody_changed_is_left_alone(desk: Desk) -> None:
    plan = desk.planned()
    desk.server.ids.append("theirs")
    with pytest.raises(Edited):
        desk.write(plan)
    plan = desk.planned()
    desk.write(plan)
    theirs = ["x", *desk.server.ids]
    desk.server.ids = theirs
    with pytest.raises(Edited):
        desk.writer.undo(desk.now(plan))
    assert desk.server.ids == theirs
    assert desk.writer.verify(desk.now(plan)) is Standing.OTHER
    assert ("new", "X") in [(one.kind, one.text) for one in desk.writer.since(desk.now(plan))]


def test_a_song_that_the_server_refuses_fails_alone(desk: Desk) -> None:
    desk.server.refuses = {"n7"}
    plan = desk.planned()
    desk.write(plan)
    assert desk.server.ids == [key for key in NEW if key != "n7"]
    (refused,) = desk.noted[-1].refused
    assert (refused[0].external_id, "no such song" in refused[1]) == ("n7", True)
    desk.writer.undo(desk.now(plan))
    assert desk.server.ids == ["a", "b"]


@pytest.mark.parametrize("change", [{"owner": "bob"}, {"is_read_only": True}])
def test_playlists_of_others_are_not_written(desk: Desk, change: dict[str, object]) -> None:
    for name, value in change.items():
        setattr(desk.server, name, value)
    with pytest.raises(NotWritable, match="belongs to somebody else"):
        desk.planned()
    with pytest.raises(NotWritable, match="star"):
        desk.writer.preview("starred", WANTED)


def test_a_server_that_is_away_is_asked_once_for_all_lists(desk: Desk) -> None:
    desk.server.is_away = True
    for _ in range(3):
        with pytest.raises(NotWritable, match="does not answer"):
            desk.planned()
    assert desk.server.calls == 1
