"""A process that is killed at any step of a write or an undo: nothing is half, nothing is twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from library import account_sources, accounts, awaited, decisions, playlists, songs, write_backs
from library.database import Database
from library.music_roots import MusicRoots
from library.sources.places import SongIndex
from library.sources.records import SongRecord
from library.writeback.acts import Act
from library.writeback.backups import Backups
from library.writeback.disk import Disk
from library.writeback.folder_writer import FolderWriter

OLD = b"#EXTM3U\n#EXTINF:1,A\na.mp3\n"
NEW = OLD + b"#EXTINF:-1,B\nb.mp3\n#EXTINF:-1,C\nc.mp3\n"


class Killed(BaseException):
    """The process is no more: nothing that it would do afterwards is done."""


class Life:
    """Counts steps, and ends at one of them; no step is taken afterwards."""

    def __init__(self, steps: int | None = None) -> None:
        self.left = steps
        self.taken = 0

    def step(self) -> None:
        if self.left is not None and self.taken >= self.left:
            raise Killed
        self.taken += 1


class MortalDisk(Disk):
    """A disk whose every call is a step; a write is one for each half."""

    def __init__(self, life: Life) -> None:
        self._life = life

    def __getattribute__(self, name: str) -> object:
        found = super().__getattribute__(name)
        if name.startswith("_") or name in ("write", "close"):
            return found
        life = self._life

        def mortal(*arguments: object) -> object:
            life.step()
            return found(*arguments)  # type: ignore[operator]

        return mortal

    def write(self, file: int, data: bytes) -> None:
        for part in (data[: len(data) // 2], data[len(data) // 2 :]):
            self._life.step()
            super().write(file, part)


class Home:
    """An account whose list two songs were accepted for."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.root, self.data = database, folder / "music", folder / "data"
        self.root.mkdir(parents=True)
        self.data.mkdir()
        for name in "abc":
            (self.root / f"{name}.mp3").touch()
        self.list = self.root / "mine.m3u"
        self.list.write_bytes(OLD)
        with database.session() as session:
            self.account_id = accounts.create(
                session, email=f"{uuid4().hex}@example.org", password_hash="-"
            ).id
            mine = {"account_id": self.account_id}
            source = account_sources.add(session, **mine, location=str(self.root), name="Music")
            made = [
                songs.save(
                    session,
                    **mine,
                    source_id=source.id,
                    record=SongRecord(external_id=f"{name}.mp3", title=name.upper()),
                )
                for name in "abc"
            ]
            playlist = playlists.save(
                session,
                **mine,
                source_id=source.id,
                external_id="mine.m3u",
                name="Mine",
                song_ids=[made[0].id],
            )
            for song in made[1:]:
                decisions.accept(session, **mine, song_id=song.id, playlist_id=playlist.id)

    def planned(self) -> UUID:
        batch_id = uuid4()
        with self.database.session() as session:
            (wanted,) = awaited.awaiting_lists(session, account_id=self.account_id)
            preview = self.act(uuid4()).writer.preview(
                wanted.list_id, [one.song for one in wanted.songs]
            )
            mine = {"account_id": self.account_id, "batch_id": batch_id}
            write_backs.plan(session, **mine, lists=[(wanted, preview.before_key)])
            (row,) = write_backs.of_batch(session, **mine)
            return row.id

    def act(self, write_back_id: UUID, life: Life | None = None) -> Act:
        life = life or Life()
        disk = MortalDisk(life)

        @contextmanager
        def sessions() -> Iterator[Session]:
            life.step()
            with self.database.session() as session:
                yield session
                # Killed before the commit; what follows may be killed after it.
                life.step()

        writer = FolderWriter(
            self.root,
            index=lambda: SongIndex(["a.mp3", "b.mp3", "c.mp3"], self.root),
            writable=MusicRoots((self.root,)),
            backups=Backups(self.data, self.account_id, disk),
            disk=disk,
        )
        return Act(sessions, writer, self.account_id, write_back_id)

    def state(self, write_back_id: UUID) -> str:
        with self.database.reading() as session:
            row = write_backs.get(session, account_id=self.account_id, write_back_id=write_back_id)
            assert row is not None
            return row.state

    def songs(self, write_back_id: UUID) -> list[str]:
        mine = {"account_id": self.account_id, "write_back_id": write_back_id}
        with self.database.reading() as session:
            return [song.state for song in write_backs.songs(session, **mine)]

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.root.iterdir() if path.suffix != ".mp3")


@pytest.fixture
def make_home(tmp_path: Path) -> Iterator[Callable[[], Home]]:
    database = Database(f"sqlite:///{tmp_path / 'earmark.db'}")
    database.migrate()
    yield lambda: Home(database, tmp_path / uuid4().hex)
    database.close()


def lives(home: Home, act: Callable[[], None]) -> bool:
    """Whether an act came to its end; the list is the old or the new one whatever happened."""
    try:
        act()
    except Killed:
        return False
    finally:
        assert home.list.read_bytes() in (OLD, NEW)
    return True


def require(home: Home, key: UUID, content: bytes, state: str) -> None:
    assert home.list.read_bytes() == content
    assert (home.names, home.state(key)) == (["mine.m3u"], state)


def test_a_write_that_is_killed_at_any_step_is_made_good_by_the_next(
    make_home: Callable[[], Home],
) -> None:
    home = make_home()
    for steps in range(200):
        key = home.planned()
        is_over = lives(home, home.act(key, Life(steps)).write)
        # And a second time, while that is made good.
        lives(home, home.act(key, Life(steps // 2)).write)
        home.act(key).write()
        require(home, key, NEW, "written")
        assert home.songs(key) == ["written", "written"]
        home.act(key).undo()
        require(home, key, OLD, "undone")
        if is_over:
            assert steps > 20
            return
    raise AssertionError("it never ended")


def test_an_undo_that_is_killed_at_any_step_is_made_good_by_the_next(
    make_home: Callable[[], Home],
) -> None:
    home = make_home()
    for steps in range(200):
        key = home.planned()
        home.act(key).write()
        is_over = lives(home, home.act(key, Life(steps)).undo)
        lives(home, home.act(key, Life(steps // 2)).undo)
        home.act(key).undo()
        require(home, key, OLD, "undone")
        if is_over:
            assert steps > 15
            return
    raise AssertionError("it never ended")


@pytest.mark.parametrize("is_undo", [False, True])
def test_an_act_that_nobody_made_good_is_found_out_and_can_be_undone(
    make_home: Callable[[], Home], is_undo: bool
) -> None:
    home = make_home()
    states = {(False, OLD): "failed", (False, NEW): "written"}
    states |= {(True, OLD): "undone", (True, NEW): "written"}
    for steps in range(200):
        key = home.planned()
        if is_undo:
            home.act(key).write()
        act = home.act(key, Life(steps))
        is_over = lives(home, act.undo if is_undo else act.write)
        before = home.list.read_bytes()
        # In every other round it is not even asked for, and undone as it is.
        if steps % 2 and home.state(key) in ("writing", "undoing"):
            home.act(key).settle()
            require(home, key, before, states[is_undo, before])
        home.act(key).undo()
        assert (home.list.read_bytes(), home.names) == (OLD, ["mine.m3u"])
        if is_over:
            return
    raise AssertionError("it never ended")
