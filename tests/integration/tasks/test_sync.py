"""Syncs of folders that change: what did not costs nothing, and a song stays the song it is."""

from __future__ import annotations

import os
import plistlib
import random
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import mutagen
import numpy as np
import pytest
import soundfile
from sqlalchemy import event, select

from library import features, likes, song_batches
from library.models import Decision, ListFile, Playlist, PlaylistEntry, Song
from tests.integration.tasks.shelf import Shelf, write_list
from tests.integration.tasks.test_loss import LISTENING

#: Tables that tell of jobs, and when a source was read.
OF_JOBS = ("jobs", "item_failures", "job_parts", "sources")


def write_song(path: Path, sound: int, **tags: str) -> None:
    """A tenth of a second that no other file has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(sound).normal(0, 0.1, 4_410)
    soundfile.write(path, noise, 44_100)
    if tags:
        tag(path, **tags)


def tag(path: Path, **tags: str) -> None:
    file: Any = mutagen.File(path, easy=True)
    file.update(tags)
    file.save()


_opened: list[str] | None = None


def _note_open(name: str, arguments: tuple[Any, ...]) -> None:
    if _opened is not None and name == "open" and isinstance(arguments[0], str | bytes | Path):
        _opened.append(os.fsdecode(arguments[0]))


# A hook stays for good, and so it is one for all tests.
sys.addaudithook(_note_open)


@contextmanager
def opened(folder: Path) -> Iterator[list[str]]:
    """The files of a folder that are opened in this block."""
    global _opened  # noqa: PLW0603
    found: list[str] = []
    _opened = []
    try:
        yield found
    finally:
        found += [path for path in _opened if path.startswith(f"{folder}/")]
        _opened = None


@contextmanager
def written(shelf: Shelf) -> Iterator[Counter[str]]:
    """How many rows of music are written in this block, by statements."""
    found: Counter[str] = Counter()

    def count(_conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        verb, _, rest = statement.partition(" ")
        is_of_jobs = any(f" {table} " in f" {rest} " for table in OF_JOBS)
        if verb in {"INSERT", "UPDATE", "DELETE"} and not is_of_jobs:
            found[statement.partition("\n")[0][:60]] += max(0, cursor.rowcount)

    engine = shelf.runtime.database.engine
    event.listen(engine, "after_cursor_execute", count)
    try:
        yield found
    finally:
        event.remove(engine, "after_cursor_execute", count)


@pytest.fixture
def full(sqlite_shelf: Shelf) -> Shelf:
    return fill(sqlite_shelf)


def fill(shelf: Shelf) -> Shelf:
    """Eight songs, some of them heard, loved and decided about, in lists of several formats."""
    for n, name in enumerate(("Jazz/a", "Jazz/b", "Rock/c", "Rock/d", "e", "f", "g", "h")):
        write_song(shelf.folder / f"{name}.flac", n, title=f"Song {n}", artist="Ann")
    write_list(shelf.folder, "Mix.m3u8", "Jazz/a.flac", "Rock/c.flac", "nowhere.flac")
    write_list(shelf.folder, "Favorites.m3u8", "Jazz/b.flac", "e.flac")
    tracks = {"1": {"Track ID": 1, "Location": "file://localhost/f.flac"}}
    items = [{"Track ID": 1}]
    found = {"Name": "Of iTunes", "Playlist Persistent ID": "A", "Playlist Items": items}
    library = {"Tracks": tracks, "Playlists": [found]}
    (shelf.folder / "Library.xml").write_bytes(plistlib.dumps(library))
    assert shelf.sync().status == "completed"
    with shelf.runtime.database.session() as session:
        for song in session.scalars(select(Song)).all():
            (to_hear,) = features.by_ids(session, account_id=shelf.account_id, song_ids=[song.id])
            features.save_features(
                session,
                account_id=shelf.account_id,
                song_id=song.id,
                content_key=to_hear.content_key,
                listening=LISTENING,
                analyser_version=2,
            )
            mine = {"account_id": shelf.account_id, "song_id": song.id}
            likes.set_heart(session, **mine, is_loved=song.title < "Song 4")
            session.add(
                Decision(
                    account_id=shelf.account_id,
                    song_identity=song.identity,
                    playlist_identity=uuid4(),
                    verdict="accepted",
                    song_label=song.title,
                    playlist_name="",
                )
            )
    return shelf


def ids(shelf: Shelf) -> dict[str, UUID]:
    with shelf.runtime.database.session() as session:
        rows = session.execute(select(Song.external_id, Song.id).where(Song.present))
        return {name: song_id for name, song_id in rows}  # noqa: C416


def to_hear(shelf: Shelf) -> list[str]:
    with shelf.runtime.database.session() as session:
        found = features.to_analyse(session, account_id=shelf.account_id, analyser_version=2)
        return [song.external_id for song in found]


def entries(shelf: Shelf) -> dict[str, list[UUID]]:
    with shelf.runtime.database.session() as session:
        rows = session.execute(
            select(Playlist.name, PlaylistEntry.song_id)
            .join(PlaylistEntry, PlaylistEntry.playlist_id == Playlist.id)
            .where(Playlist.gone_at.is_(None))
            .order_by(Playlist.name, PlaylistEntry.position)
        )
        found: dict[str, list[UUID]] = {}
        for name, song_id in rows:
            found.setdefault(name, []).append(song_id)
        return found


class TestTheSecondTime:
    def test_nothing_is_opened_and_nothing_is_written(self, shelf: Shelf) -> None:
        full = fill(shelf)
        with opened(full.folder) as files, written(full) as rows:
            job = full.sync()
        assert (job.status, job.succeeded, job.failed) == ("completed", 11, 1)
        assert files == []
        assert rows.total() == 0, rows
        assert job.result["playlists"] == 2
        # What it would not notice is no test.
        with opened(full.folder) as files, written(full) as rows:
            tag(full.folder / "e.flac", genre="Another")
            files_before = len(files)
            full.sync()
        assert len(files) > files_before
        assert rows.total() == 1

    def test_one_edited_song_is_one_file_and_one_row(self, full: Shelf) -> None:
        tag(full.folder / "Jazz/a.flac", genre="Better")
        before = ids(full)
        with opened(full.folder) as files, written(full) as rows:
            full.sync()
        assert files == [str(full.folder / "Jazz/a.flac")]
        assert rows.total() == 1, rows
        assert ids(full) == before
        assert to_hear(full) == []

    def test_lists_are_read_again_when_a_song_has_come_that_they_may_name(
        self, full: Shelf
    ) -> None:
        write_song(full.folder / "nowhere.flac", 100)
        job = full.sync()
        assert (job.failed, len(entries(full)["Mix"])) == (0, 3)
        (full.folder / "nowhere.flac").unlink()
        assert full.sync().failed == 1

    def test_a_list_is_read_again_when_a_song_is_called_as_one_that_it_misses(
        self, full: Shelf
    ) -> None:
        entry = "#EXTINF:0,Ann - Better\nelsewhere/at all.flac"
        write_list(full.folder, "Titles.m3u8", "#EXTM3U", entry)
        assert full.sync().failed == 2
        tag(full.folder / "h.flac", title="Better")
        assert full.sync().failed == 1
        assert entries(full)["Titles"] == [ids(full)["h.flac"]]

    def test_a_list_that_is_said_to_be_of_loved_songs_is_read_as_one(self, full: Shelf) -> None:
        from library import account_sources, liked_lists

        with full.runtime.database.session() as session:
            (source,) = account_sources.of_account(session, account_id=full.account_id)
            assert liked_lists.choose(
                session,
                account_id=full.account_id,
                source_id=source.id,
                external_id="Mix.m3u8",
                is_liked=True,
            )
        full.sync()
        assert "Mix" not in entries(full)

    def test_a_newer_version_reads_all_files_once_and_writes_what_is_new(
        self, full: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from library.sources.folder import FolderSource

        monkeypatch.setattr(FolderSource, "read_version", 99)
        with opened(full.folder) as files, written(full) as rows:
            full.sync()
        assert len(set(files)) == 11
        assert rows.total() == 0, rows


class TestTheSameSong:
    def judge(self, shelf: Shelf, names: dict[str, str], *, heard_again: int = 0) -> None:
        """Whether songs have gone with these files, and all that belongs to them with them."""
        before, lists = ids(shelf), entries(shelf)
        shown = shelf.shown()
        job = shelf.sync()
        assert job.status == "completed", job.error_message
        expected = {names.get(name, name): song_id for name, song_id in before.items()}
        assert ids(shelf) == expected
        assert entries(shelf) == lists
        assert len(to_hear(shelf)) == heard_again
        assert shelf.shown() == shown
        with opened(shelf.folder) as files, written(shelf) as rows:
            shelf.sync()
        assert (files, rows.total()) == ([], 0)

    def test_moved_and_renamed(self, full: Shelf) -> None:
        (full.folder / "Jazz/a.flac").rename(full.folder / "Rock/1 - Better.flac")
        self.judge(full, {"Jazz/a.flac": "Rock/1 - Better.flac"})

    def test_renamed_edited_and_written_anew_at_once(self, full: Shelf) -> None:
        new = full.folder / "Another.flac"
        shutil.copyfile(full.folder / "Jazz/a.flac", new)
        (full.folder / "Jazz/a.flac").unlink()
        tag(new, title="Another", comment="x" * 10_000)
        self.judge(full, {"Jazz/a.flac": "Another.flac"})

    def test_in_a_folder_that_was_moved(self, full: Shelf) -> None:
        (full.folder / "Jazz").rename(full.folder / "Rock" / "Jazz")
        self.judge(full, {f"Jazz/{n}.flac": f"Rock/Jazz/{n}.flac" for n in "ab"})

    def test_that_swapped_its_name_with_another(self, full: Shelf) -> None:
        self.swap(full)
        self.judge(full, {"g.flac": "h.flac", "h.flac": "g.flac"})

    def swap(self, shelf: Shelf) -> None:
        (shelf.folder / "g.flac").rename(shelf.folder / "x")
        (shelf.folder / "h.flac").rename(shelf.folder / "g.flac")
        (shelf.folder / "x").rename(shelf.folder / "h.flac")

    def test_in_other_letters(self, full: Shelf) -> None:
        (full.folder / "Rock").rename(full.folder / "ROCK")
        self.judge(full, {f"Rock/{n}.flac": f"ROCK/{n}.flac" for n in "cd"})

    def test_that_was_away_for_a_while(self, full: Shelf, tmp_path: Path) -> None:
        before = ids(full)
        (full.folder / "h.flac").rename(tmp_path / "h.flac")
        assert full.sync().result["gone"] == 1
        shutil.copyfile(tmp_path / "h.flac", full.folder / "Back.flac")
        assert full.sync().result["moved"] == 1
        assert ids(full) == {
            "Back.flac" if name == "h.flac" else name: key for name, key in before.items()
        }
        assert to_hear(full) == []

    def test_whose_old_name_a_list_still_has_that_was_edited(self, full: Shelf) -> None:
        (full.folder / "Jazz/a.flac").rename(full.folder / "Something else.flac")
        full.sync()
        write_list(full.folder, "Mix.m3u8", "h.flac", "Jazz/a.flac")
        assert full.sync().failed == 0
        now = ids(full)
        assert entries(full)["Mix"] == [now["h.flac"], now["Something else.flac"]]

    def test_whose_name_a_new_song_has_got(self, full: Shelf) -> None:
        before = ids(full)
        (full.folder / "e.flac").rename(full.folder / "moved.flac")
        write_song(full.folder / "e.flac", 200)
        full.sync()
        after = ids(full)
        assert after["moved.flac"] == before["e.flac"]
        assert after["e.flac"] not in before.values()
        assert to_hear(full) == ["e.flac"]

    def test_that_took_the_place_of_another(self, full: Shelf) -> None:
        before = ids(full)
        (full.folder / "e.flac").replace(full.folder / "f.flac")
        job = full.sync()
        assert (job.result["moved"], job.result["gone"]) == (1, 1)
        assert ids(full)["f.flac"] == before["e.flac"]
        assert before["f.flac"] not in ids(full).values()
        # What was displaced comes back, wherever it does.
        write_song(full.folder / "x.flac", 5)
        full.sync()
        assert ids(full)["x.flac"] == before["f.flac"]

    def test_two_equal_files_stay_two(self, full: Shelf) -> None:
        before = ids(full)
        shutil.copy2(full.folder / "e.flac", full.folder / "copy.flac")
        full.sync()
        both = ids(full)
        assert before.items() <= both.items()
        (full.folder / "e.flac").rename(full.folder / "new e.flac")
        full.sync()
        assert ids(full) == {
            "new e.flac" if name == "e.flac" else name: key for name, key in both.items()
        }

    def test_with_another_sound_under_its_name_is_heard_again(self, full: Shelf) -> None:
        write_song(full.folder / "e.flac", 300, title="Song 4", artist="Ann")
        before = ids(full)
        full.sync()
        assert ids(full) == before
        assert to_hear(full) == ["e.flac"]

    def test_that_was_heard_by_an_earlier_version_is_not_heard_again(self, full: Shelf) -> None:
        with full.runtime.database.session() as session:
            for song in session.scalars(select(Song)):
                of_file = f"{song.size_bytes}:{song.modified_ns}"
                song.audio_key = None
                session.execute(
                    features.Features.__table__.update()
                    .where(features.Features.song_id == song.id)
                    .values(content_key=of_file)
                )
            from library.models import Source

            session.execute(Source.__table__.update().values(read_version=1))
        assert to_hear(full) == []
        full.sync()
        assert to_hear(full) == []
        tag(full.folder / "e.flac", title="Edited")
        full.sync()
        assert to_hear(full) == []

    def test_that_was_damaged_is_heard_again_when_it_is_written(self, full: Shelf) -> None:
        with full.runtime.database.session() as session:
            song = session.scalar(select(Song).where(Song.external_id == "e.flac"))
            assert song is not None
            session.execute(
                features.Features.__table__.update()
                .where(features.Features.song_id == song.id)
                .values(damage="Half of it is not there.")
            )
        tag(full.folder / "e.flac", title="Edited")
        full.sync()
        assert to_hear(full) == ["e.flac"]

    @pytest.mark.parametrize("seed", [0, 1])
    def test_whatever_happens_to_its_file(self, shelf: Shelf, seed: int) -> None:
        """Random moves, edits, copies and deletions, against a plain model."""
        chance, sounds = random.Random(seed), iter(range(1_000))
        of_sound: dict[int, UUID] = {}
        files: dict[str, int] = {}
        names = [f"{folder}{n}.flac" for folder in ("", "A/", "a/", "B/") for n in "abc"]
        for _ in range(6):
            for _ in range(chance.randrange(1, 6)):
                change(shelf.folder, chance, names, files, sounds)
            shelf.sync()
            now = ids(shelf)
            assert now.keys() == files.keys()
            for name, sound in files.items():
                assert of_sound.setdefault(sound, now[name]) == now[name], (seed, name)
            assert len(set(now.values())) == len(now)
            of_sound = {s: key for s, key in of_sound.items() if s in files.values()}


def change(
    folder: Path,
    chance: random.Random,
    names: list[str],
    files: dict[str, int],
    sounds: Iterator[int],
) -> None:
    """One change to a folder, and to the model of it: names, and the sounds of their files."""
    name, other = chance.choice(names), chance.choice(names)
    what = chance.choice(["add", "add", "delete", "move", "move", "swap", "edit", "edit anew"])
    if what == "add" and name not in files:
        files[name] = next(sounds)
        write_song(folder / name, files[name], title="T")
    if name not in files or name == other:
        return
    path = folder / name
    if what == "delete":
        path.unlink()
        del files[name]
    elif what == "move":
        (folder / other).parent.mkdir(exist_ok=True)
        path.replace(folder / other)
        files[other] = files.pop(name)
    elif what == "swap" and other in files:
        path.rename(folder / "x")
        (folder / other).rename(path)
        (folder / "x").rename(folder / other)
        files[name], files[other] = files[other], files[name]
    elif what == "edit":
        tag(path, title=f"T{chance.random()}" * chance.randrange(1, 9))
    elif what == "edit anew":
        shutil.copyfile(path, folder / "x")
        path.unlink()
        (folder / "x").rename(path)
        tag(path, title=f"T{chance.random()}")


class TestPlaylists:
    def rows(self, shelf: Shelf) -> dict[str, tuple[UUID, UUID | None]]:
        with shelf.runtime.database.session() as session:
            found = session.scalars(select(Playlist).where(Playlist.gone_at.is_(None)))
            return {row.external_id: (row.id, row.identity) for row in found}

    def test_those_of_a_file_of_several_go_with_its_new_name(self, full: Shelf) -> None:
        before, lists = self.rows(full), entries(full)
        (full.folder / "Library.xml").rename(full.folder / "Rock" / "iTunes.xml")
        assert full.sync().status == "completed"
        assert self.rows(full)["Rock/iTunes.xml/A"] == before["Library.xml/A"]
        assert entries(full) == lists

    def test_one_that_is_renamed_is_the_same_and_keeps_its_entries(self, full: Shelf) -> None:
        before, lists = self.rows(full), entries(full)
        (full.folder / "Mix.m3u8").rename(full.folder / "Mix of mine.m3u8")
        full.sync()
        assert self.rows(full)["Mix of mine.m3u8"] == before["Mix.m3u8"]
        assert entries(full)["Mix of mine"] == lists["Mix"]

    def test_two_that_swap_their_names_go_with_them(self, full: Shelf) -> None:
        write_list(full.folder, "Other.m3u8", "h.flac")
        full.sync()
        before, lists = self.rows(full), entries(full)
        (full.folder / "Mix.m3u8").rename(full.folder / "x")
        (full.folder / "Other.m3u8").rename(full.folder / "Mix.m3u8")
        (full.folder / "x").rename(full.folder / "Other.m3u8")
        full.sync()
        after = self.rows(full)
        assert after["Other.m3u8"] == before["Mix.m3u8"]
        assert after["Mix.m3u8"] == before["Other.m3u8"]
        assert entries(full)["Other"] == lists["Mix"]

    def test_a_list_of_loved_songs_keeps_them_under_another_name(self, full: Shelf) -> None:
        def loved() -> set[UUID]:
            with full.runtime.database.session() as session:
                return likes.ids(session, account_id=full.account_id)

        before = loved()
        (full.folder / "Favorites.m3u8").rename(full.folder / "Liked songs.m3u8")
        full.sync()
        assert loved() == before
        (full.folder / "Liked songs.m3u8").unlink()
        full.sync()
        assert len(loved()) < len(before)

    def test_of_files_that_are_gone_nothing_is_known(self, full: Shelf) -> None:
        (full.folder / "Mix.m3u8").unlink()
        full.sync()
        with full.runtime.database.session() as session:
            assert "Mix.m3u8" not in set(session.scalars(select(ListFile.external_id)))
        assert "Mix" not in entries(full)


class TestWhatIsTold:
    def test_a_song_is_done_when_its_row_is_written(
        self, sqlite_shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shelf = sqlite_shelf
        for n in range(250):
            write_song(shelf.folder / f"{n:03}.wav", n)
        save, batches = song_batches.save_all, []

        def save_all(session: Any, **arguments: Any) -> int:
            batches.append(len(arguments["records"]))
            if len(batches) == 3:
                raise RuntimeError("The third batch is not written.")
            return save(session, **arguments)

        monkeypatch.setattr(song_batches, "save_all", save_all)
        job = shelf.sync()
        assert job.status == "failed"
        state = shelf.state(job)
        assert state.progress is not None
        assert state.progress.succeeded == len(shelf.songs()) == sum(batches[:2])
        assert max(batches) <= 100

    def test_system_folders_are_counted_and_the_rest_is_read(self, full: Shelf) -> None:
        for name in ("$RECYCLE.BIN", "Jazz/@eaDir", ".Trash-1000"):
            write_song(full.folder / name / "x.flac", 400)
        job = full.sync()
        assert (job.result["left_out"], job.result["songs"]) == (3, 8)
