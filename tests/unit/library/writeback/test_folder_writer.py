"""Lists of a folder, written as real files: what is kept, and what is refused."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from uuid import uuid4

import pytest

from library.music_roots import MusicRoots
from library.sources.places import SongIndex
from library.writeback.backups import Backups
from library.writeback.disk import Disk
from library.writeback.entries import NewSong
from library.writeback.errors import Edited, NotWritable
from library.writeback.folder_writer import FolderWriter
from library.writeback.replacing import opened
from library.writeback.writer import Plan, Standing

OLD, NEW = b"#EXTM3U\r\na.mp3\r\n# mine\r\n", b"#EXTM3U\r\na.mp3\r\n# mine\r\nb.mp3\r\n"
SONGS = ("a.mp3", "b.mp3")


class Place:
    """A folder of music with a list, its writer, and what a write of a song says."""

    def __init__(self, folder: Path, *, disk: Disk | None = None, writable: bool = True) -> None:
        self.root, self.data = folder / "music", folder / "data"
        for made in (self.root, self.data):
            made.mkdir(exist_ok=True)
        for song in SONGS:
            (self.root / song).touch()
        self.list = self.root / "mine.m3u"
        if not self.list.exists():
            self.list.write_bytes(OLD)
        self.backups = Backups(self.data, uuid4(), disk or Disk())
        self.writer = FolderWriter(
            self.root,
            index=lambda: SongIndex(SONGS, self.root),
            writable=MusicRoots((folder,) if writable else ()),
            backups=self.backups,
            disk=disk,
        )

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.root.iterdir() if path.name not in SONGS)

    def plan(self, name: str = "mine.m3u") -> Plan:
        songs = [NewSong("b.mp3", "B")]
        return Plan(uuid4(), name, songs, self.writer.preview(name, songs).before_key)

    def write(self, plan: Plan) -> Plan:
        """Write a plan; the plan with what the list was to hold."""
        keys: list[str] = []
        self.writer.write(plan, lambda key, _: keys.append(key))
        return Plan(plan.id, plan.list_id, plan.songs, plan.before_key, keys[0])


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_list_is_written_and_put_back_byte_for_byte(place: Place) -> None:
    preview = place.writer.preview("mine.m3u", [NewSong("b.mp3", "B")])
    assert [(line.kind, line.text) for line in preview.lines] == [
        ("same", "a.mp3"),
        ("same", "# mine"),
        ("new", "b.mp3"),
    ]
    plan = place.plan()
    done = place.write(plan)
    assert place.list.read_bytes() == NEW
    assert place.writer.verify(done) is Standing.AFTER
    place.writer.undo(done)
    assert place.list.read_bytes() == OLD
    assert place.writer.verify(done) is Standing.BEFORE
    assert place.names == ["mine.m3u"]


def test_rights_owner_and_attributes_are_kept(place: Place) -> None:
    place.list.chmod(0o664)
    if os.geteuid() == 0:
        os.chown(place.list, 12345, 54321)
    try:
        os.setxattr(place.list, "user.mine", b"kept")
        has_attributes = True
    except OSError:
        has_attributes = False
    before = place.list.stat()
    place.write(place.plan())
    after = place.list.stat()
    assert after.st_ino != before.st_ino
    assert (stat.S_IMODE(after.st_mode), after.st_uid, after.st_gid) == (
        *(stat.S_IMODE(before.st_mode), before.st_uid, before.st_gid),
    )
    assert not has_attributes or os.getxattr(place.list, "user.mine") == b"kept"


def test_a_song_whose_file_went_away_is_not_named(place: Place) -> None:
    (place.root / "b.mp3").unlink()
    preview = place.writer.preview("mine.m3u", [NewSong("b.mp3", "B"), NewSong("a.mp3", "A")])
    assert not preview.addition.added
    assert [why for _, why in preview.addition.refused] == [
        "Its file is not where the last sync found it. Sync first."
    ]
    place.write(place.plan())
    assert place.list.read_bytes() == OLD


def test_what_is_no_file_is_not_read(place: Place) -> None:
    place.list.unlink()
    os.mkfifo(place.list)
    with pytest.raises(NotWritable, match="no ordinary file"):
        place.plan()


def test_nothing_is_written_where_nothing_was_allowed(tmp_path: Path) -> None:
    place = Place(tmp_path, writable=False)
    with pytest.raises(NotWritable, match="EARMARK_MUSIC_WRITE"):
        place.plan()
    assert place.list.read_bytes() == OLD


def test_a_link_that_leads_out_is_not_written_and_one_that_does_not_stays_a_link(
    place: Place, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.m3u"
    outside.write_bytes(OLD)
    (place.root / "out.m3u").symlink_to(outside)
    with pytest.raises(NotWritable, match="outside"):
        place.plan("out.m3u")
    (place.root / "deep").mkdir()
    (place.root / "deep" / "in.m3u").symlink_to(place.list)
    place.write(place.plan("deep/in.m3u"))
    assert (place.root / "deep" / "in.m3u").is_symlink()
    assert place.list.read_bytes() == NEW
    assert outside.read_bytes() == OLD


def test_a_folder_that_becomes_a_link_is_not_followed(place: Place, tmp_path: Path) -> None:
    inner, outside = place.root / "in", tmp_path / "out"
    inner.mkdir()
    (inner / "x.m3u").write_bytes(b"../a.mp3\n")
    plan = place.plan("in/x.m3u")
    outside.mkdir()
    (outside / "x.m3u").write_bytes(b"../a.mp3\n")

    class Swapped(Disk):
        def open_folder(self, root, names):
            # After the way was looked at, and before it is gone.
            if names and not inner.is_symlink():
                inner.rename(tmp_path / "moved")
                inner.symlink_to(outside)
            return super().open_folder(root, names)

    with pytest.raises(NotWritable, match="cannot be opened"):
        Place(tmp_path, disk=Swapped()).write(plan)
    assert (outside / "x.m3u").read_bytes() == b"../a.mp3\n"


def test_read_only_files_are_refused_with_a_sentence(place: Place) -> None:
    place.list.chmod(0o444)
    with pytest.raises(NotWritable, match=r"mine\.m3u is read-only"):
        place.plan()


def test_files_of_several_names_are_refused(place: Place) -> None:
    os.link(place.list, place.root / "same.m3u")
    with pytest.raises(NotWritable, match="2 names"):
        place.plan()


def test_a_file_that_belongs_to_another_user_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = place.plan()
    monkeypatch.setattr(os, "geteuid", lambda: place.list.stat().st_uid + 1)
    with pytest.raises(NotWritable, match="belongs to another user"):
        place.write(plan)
    assert place.list.read_bytes() == OLD


def test_an_edit_by_others_is_noticed_before_and_while_a_list_is_written(
    place: Place, tmp_path: Path
) -> None:
    plan = place.plan()
    theirs = OLD + b"theirs.mp3\r\n"
    place.list.write_bytes(theirs)
    with pytest.raises(Edited):
        place.write(plan)
    assert place.list.read_bytes() == theirs

    class Interrupted(Disk):
        def flush(self, file: int) -> None:
            super().flush(file)
            place.list.write_bytes(OLD + b"late.mp3\r\n")

    slow = Place(tmp_path, disk=Interrupted())
    with pytest.raises(Edited):
        slow.write(slow.plan())
    assert place.list.read_bytes() == OLD + b"late.mp3\r\n"
    assert place.names == ["mine.m3u"]


def test_an_undo_is_refused_where_somebody_edited_since_and_says_what(place: Place) -> None:
    done = place.write(place.plan())
    place.list.write_bytes(NEW.replace(b"# mine", b"# yours"))
    with pytest.raises(Edited):
        place.writer.undo(done)
    assert place.writer.verify(done) is Standing.OTHER
    differing = [(line.kind, line.text) for line in place.writer.since(done)]
    assert differing == [
        ("same", "#EXTM3U"),
        ("same", "a.mp3"),
        ("gone", "# mine"),
        ("new", "# yours"),
        ("same", "b.mp3"),
    ]


def test_an_undo_without_a_whole_backup_is_refused(place: Place) -> None:
    done = place.write(place.plan())
    (kept,) = place.data.rglob(str(done.id))
    kept.write_bytes(b"half")
    with pytest.raises(NotWritable, match="damaged"):
        place.writer.undo(done)
    place.backups.forget(done.id)
    with pytest.raises(NotWritable, match="not kept any more"):
        place.writer.undo(done)
    assert place.list.read_bytes() == NEW
    assert stat.S_IMODE((place.data / "backups").stat().st_mode) == 0o700


def test_a_full_disk_leaves_the_list_as_it_was_and_nothing_beside_it(tmp_path: Path) -> None:
    class Full(Disk):
        def write(self, file: int, data: bytes) -> None:
            if data == NEW:
                os.write(file, data[:5])
                raise OSError(28, "No space left on device")
            super().write(file, data)

    place = Place(tmp_path, disk=Full())
    with pytest.raises(NotWritable, match=r"No space left on device\. It is as it was"):
        place.write(place.plan())
    assert place.list.read_bytes() == OLD
    assert place.names == ["mine.m3u"]


def test_two_never_write_one_list_at_once(place: Place, tmp_path: Path) -> None:
    plan, other, refused = place.plan(), Place(tmp_path), []

    class Meanwhile(Disk):
        def create(self, folder: int, name: str) -> int:
            try:
                other.write(plan)
            except NotWritable as error:
                refused.append(str(error))
            return super().create(folder, name)

    Place(tmp_path, disk=Meanwhile()).write(plan)
    assert refused
    assert all("another job" in sentence for sentence in refused)
    assert place.list.read_bytes() == NEW


def test_whoever_only_looks_is_in_nobodys_way(place: Place, tmp_path: Path) -> None:
    plan, other = place.plan(), Place(tmp_path)
    seen: list[Standing] = []

    class Meanwhile(Disk):
        def create(self, folder: int, name: str) -> int:
            seen.append(other.writer.verify(plan))
            return super().create(folder, name)

    with opened(Disk(), place.root, Path("mine.m3u"), to_write=False):
        Place(tmp_path, disk=Meanwhile()).write(plan)
    assert seen[0] is Standing.BEFORE
    assert place.list.read_bytes() == NEW


def test_a_list_that_has_all_songs_is_left_alone(place: Place) -> None:
    place.list.write_bytes(NEW)
    before = place.list.stat()
    done = place.write(place.plan())
    assert done.after_key == done.before_key
    assert place.list.stat().st_ino == before.st_ino
    assert not list(place.data.iterdir())
