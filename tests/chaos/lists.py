"""Processes killed while they write lists or put them back: real files, real SIGKILL.

``python -m tests.chaos.lists --kills 100 --seed 1``. Every list is the old one or the new one at
any moment. A process that goes on afterwards ends as if nobody had been killed: each song is in its
list once, no file is beside them, and what is put back is the old list byte for byte.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from uuid import UUID, uuid4

from library import account_sources, accounts, awaited, decisions, playlists, songs, write_backs
from library.database import Database
from library.music_roots import MusicRoots
from library.sources.places import SongIndex
from library.sources.playlist_files import parse_file
from library.sources.records import SongRecord
from library.writeback.acts import Act
from library.writeback.backups import Backups
from library.writeback.folder_writer import FolderWriter

OLD_SONGS, NEW_SONGS = 400, 12
_LINES = {".m3u": "\n", ".m3u8": "\r\n"}


def _content(suffix: str, names: list[str]) -> bytes:
    """A list with entries, as a program writes it."""
    if suffix in _LINES:
        # The last line of the second has no end.
        return (
            _LINES[suffix].join(["#EXTM3U", *names, "" if suffix == ".m3u" else "# end"]).encode()
        )
    if suffix == ".pls":
        lines = [f"File{number}={name}" for number, name in enumerate(names, 1)]
        return "\n".join(["[playlist]", *lines, f"NumberOfEntries={len(names)}", ""]).encode()
    if suffix == ".xspf":
        tracks = [f"  <track><location>{name}</location></track>" for name in names]
        head = '<playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList>'
        return "\n".join([head, *tracks, "</trackList></playlist>", ""]).encode()
    if suffix == ".wpl":
        media = [f'  <media src="{name}"/>' for name in names]
        return "\n".join(["<smil><body><seq>", *media, "</seq></body></smil>", ""]).encode()
    tracks = [{"location": [name]} for name in names]
    return json.dumps({"playlist": {"track": tracks}}, indent=1).encode()


@dataclass
class World:
    """An account with a list of every format, for which songs were accepted."""

    database: Database
    folder: Path
    account_id: UUID = field(init=False)
    old: dict[Path, bytes] = field(default_factory=dict)
    new: dict[Path, bytes] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        root = self.folder / "music"
        root.mkdir()
        self.names = [f"Artist {n % 9}/song {n}.mp3" for n in range(OLD_SONGS + NEW_SONGS)]
        for name in self.names:
            path = root / name
            path.parent.mkdir(exist_ok=True)
            path.touch()
        with self.database.session() as session:
            self.account_id = accounts.create(session, email="a@b.c", password_hash="-").id
            mine = {"account_id": self.account_id}
            source = account_sources.add(session, **mine, location=str(root), name="Music")
            here = {**mine, "source_id": source.id}
            made = [
                songs.save(session, **here, record=SongRecord(external_id=name, title=name)).id
                for name in self.names
            ]
            for suffix in (".m3u", ".m3u8", ".pls", ".xspf", ".wpl", ".jspf"):
                path = root / f"list{suffix}"
                self.old[path] = _content(suffix, self.names[:OLD_SONGS])
                path.write_bytes(self.old[path])
                kept = playlists.save(
                    session, **here, external_id=path.name, name=suffix, song_ids=made[:OLD_SONGS]
                )
                for song in made[OLD_SONGS:]:
                    decisions.accept(session, **mine, song_id=song, playlist_id=kept.id)

    @property
    def root(self) -> Path:
        return self.folder / "music"

    def writer(self) -> FolderWriter:
        return FolderWriter(
            self.root,
            index=lambda: SongIndex(self.names, self.root),
            writable=MusicRoots((self.folder,)),
            backups=Backups(self.folder, self.account_id),
        )

    def plan(self) -> list[UUID]:
        writer, mine = self.writer(), {"account_id": self.account_id, "batch_id": uuid4()}
        with self.database.session() as session:
            lists = [
                (one, writer.preview(one.list_id, [s.song for s in one.songs]).before_key)
                for one in awaited.awaiting_lists(session, account_id=self.account_id)
            ]
            write_backs.plan(session, **mine, lists=lists)
            return [row.id for row in write_backs.of_batch(session, **mine)]

    def acts(self, keys: list[UUID]) -> Iterator[Act]:
        writer = self.writer()
        for key in keys:
            yield Act(self.database.session, writer, self.account_id, key)

    def write(self, keys: list[UUID]) -> None:
        for act in self.acts(keys):
            act.write()

    def undo(self, keys: list[UUID]) -> None:
        for act in self.acts(keys):
            act.undo()

    def require(self, content: dict[Path, bytes], state: str, keys: list[UUID]) -> None:
        """Look whether all is as it has to be: lists, folder and rows."""
        assert {path: path.read_bytes() for path in content} == content
        assert {path for path in self.root.iterdir() if path.is_file()} == set(content)
        with self.database.reading() as session:
            rows = [
                write_backs.get(session, account_id=self.account_id, write_back_id=key)
                for key in keys
            ]
        assert {row.state for row in rows if row is not None} == {state}

    def require_whole(self) -> None:
        """Look whether every list is the old one or the new one."""
        for path, old in self.old.items():
            assert path.read_bytes() in (old, self.new[path]), path.name


def in_a_process(act: Callable[[], None], *, seconds: float | None = None) -> bool:
    """Do something in a process that is killed after a time; whether it came to its end."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            act()
            status = 0
        finally:
            os._exit(status)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return False
    assert os.WEXITSTATUS(status) == 0
    return True


def run(kills: int, seed: int) -> Counter[str]:
    """Kill processes at random moments of their work; how many were killed at what."""
    chance = random.Random(seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Database(f"sqlite:///{folder}/earmark.db")) as database,
    ):
        database.migrate()
        world = World(database, Path(folder))
        keys = world.plan()
        took = [timed(lambda: world.write(keys))]
        world.new = {path: path.read_bytes() for path in world.old}
        require_each_once(world)
        took.append(timed(lambda: world.undo(keys)))
        world.require(world.old, "undone", keys)
        while sum(world.killed.values()) < kills:
            round_of(world, chance, took)
        return world.killed


def timed(act: Callable[[], None]) -> float:
    """How long a process takes for something, in seconds."""
    began = time.monotonic()
    assert in_a_process(act)
    return time.monotonic() - began


def require_each_once(world: World) -> None:
    """Look by the reader of a sync whether each list has every song once, in order."""
    index = SongIndex(world.names, world.root)
    for path in world.old:
        (found,) = parse_file(path, lambda _: False)
        meant = [index.find(entry, PurePosixPath()) for entry in found.entries]
        assert meant == world.names, path.name


def round_of(world: World, chance: random.Random, took: list[float]) -> None:
    """Lists that are written and put back, by processes that are killed once or twice at each."""
    keys = world.plan()
    for act, name, content, state in (
        (world.write, "writing", world.new, "written"),
        (world.undo, "undoing", world.old, "undone"),
    ):
        longest = took[0] if name == "writing" else took[1]
        for _ in range(chance.choice((1, 2))):
            moment = chance.uniform(0, longest)
            if not in_a_process(lambda act=act: act(keys), seconds=moment):
                world.killed[name] += 1
            world.require_whole()
        assert in_a_process(lambda act=act: act(keys))
        world.require(content, state, keys)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    killed = run(options.kills, options.seed)
    told = {"chaos": "lists", "seed": options.seed, **killed}
    sys.stdout.write(json.dumps(told | {"s": round(time.monotonic() - began, 1)}) + "\n")


if __name__ == "__main__":
    main()
