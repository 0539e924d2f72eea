"""What could not be looked at is not gone: for folders in any state, with real permissions."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from library.errors import SourceIncomplete, SourceUnavailable
from library.sources.contents import Contents
from library.sources.folder import FolderSource
from tests.permissions import bound_by_permissions, open_folder


@pytest.fixture
def root() -> Iterator[Path]:
    with open_folder() as folder:
        (folder / "music").mkdir()
        yield folder / "music"


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def look(root: Path, *known: str) -> tuple[list[str], Contents]:
    """What of the known names is missing, as somebody who is bound by permissions finds it."""
    with bound_by_permissions():
        source = FolderSource(root)
        contents = source.scan()
        return contents.missing(known, source.is_there), contents


class TestAFolderThatMayNotBeRead:
    def test_keeps_all_that_lies_under_it_and_is_named_with_its_reason(self, root):
        make(root, "a/1.ogg", "locked/2.ogg", "locked/deep/3.ogg", "locked/list.m3u")
        (root / "locked").chmod(0)
        missing, contents = look(
            root, "a/1.ogg", "a/gone.ogg", "locked/2.ogg", "locked/deep/3.ogg", "locked/list.m3u"
        )
        assert missing == ["a/gone.ogg"]
        assert contents.unseen == {"locked": "The folder cannot be looked at: Permission denied."}
        assert contents.songs == ("a/1.ogg",)

    def test_may_be_listed_and_not_entered(self, root):
        make(root, "locked/1.ogg", "locked/deep/2.ogg")
        (root / "locked").chmod(0o644)
        missing, contents = look(root, "locked/1.ogg", "locked/deep/2.ogg", "locked/gone.ogg")
        # The names of its files were told, so the third is gone; what the two are was not.
        assert missing == ["locked/gone.ogg"]
        assert contents.unseen.keys() == {"locked/1.ogg", "locked/deep"}

    def test_keeps_nothing_in_a_folder_whose_name_begins_as_its_own_does(self, root):
        make(root, "lock/1.ogg", "locked/2.ogg")
        (root / "lock").chmod(0)
        assert look(root, "lock/1.ogg", "locked/gone.ogg")[0] == ["locked/gone.ogg"]

    def test_is_the_same_by_another_name(self, root):
        make(root, "locked/1.ogg", "z.ogg")
        (root / "a link").symlink_to(root / "locked")
        (root / "a song.ogg").symlink_to(root / "locked" / "1.ogg")
        (root / "locked").chmod(0)
        known = ("a link/1.ogg", "locked/1.ogg", "a song.ogg")
        assert look(root, *known)[0] == []

    def test_as_a_root_makes_the_source_unavailable(self, root):
        make(root, "1.ogg")
        root.chmod(0)
        with pytest.raises(SourceUnavailable, match="Permission denied"):
            look(root)

    @pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.ENOENT, errno.ENOTCONN])
    def test_for_whatever_reason(self, root, monkeypatch, code):
        # A disk that dies, a server that is gone, a folder that went between two looks.
        make(root, "a/1.ogg", "dying/2.ogg")
        real = os.scandir

        def scandir(path):
            if Path(path).name == "dying":
                raise OSError(code, os.strerror(code))
            return real(path)

        monkeypatch.setattr(os, "scandir", scandir)
        missing, contents = look(root, "a/1.ogg", "dying/2.ogg")
        assert missing == []
        assert contents.unseen.keys() == {"dying"}


class TestLinks:
    def test_a_folder_that_is_walked_under_another_name_now_keeps_what_is_there(self, root):
        make(root, "z/1.ogg")
        assert look(root, "z/1.ogg")[0] == []
        (root / "a").symlink_to(root / "z")
        missing, contents = look(root, "z/1.ogg", "z/gone.ogg")
        assert (missing, contents.songs) == (["z/gone.ogg"], ("a/1.ogg",))

    def test_songs_behind_a_link_that_leads_out_are_kept_and_the_link_is_named(self, root):
        make(root, "Disk/1.ogg", "a.ogg")
        shutil.move(root / "Disk", root.parent / "Disk")
        (root / "Disk").symlink_to(root.parent / "Disk")
        missing, contents = look(root, "Disk/1.ogg", "a.ogg")
        assert missing == []
        assert contents.unseen == {}
        assert contents.kept_unseen(["Disk/1.ogg"]).keys() == {"Disk"}
        assert contents.kept_unseen(["a.ogg"]) == {}

    def test_a_link_that_leads_nowhere_is_gone(self, root):
        (root / "a.ogg").symlink_to(root / "nowhere.ogg")
        (root / "self.ogg").symlink_to(root / "self.ogg")
        assert look(root, "a.ogg", "self.ogg")[0] == ["a.ogg", "self.ogg"]


class TestARootThatGoes:
    def scanned(self, root: Path) -> FolderSource:
        make(root, "a.ogg", "Disk/1.ogg")
        source = FolderSource(root)
        source.scan()
        source.check("Disk/1.ogg")
        source.check("a.ogg")
        return source

    def test_by_its_name_is_unavailable(self, root):
        source = self.scanned(root)
        root.rename(root.with_name("other"))
        with pytest.raises(SourceUnavailable, match="cannot be read: No such file"):
            source.check("a.ogg")

    def test_and_has_another_in_its_place_is_incomplete(self, root):
        source = self.scanned(root)
        root.rename(root.with_name("other"))
        make(root, "a.ogg", "Disk/1.ogg")
        with pytest.raises(SourceIncomplete, match="The music folder"):
            source.check()

    @pytest.mark.parametrize("is_replaced", [False, True])
    def test_in_part_is_incomplete_for_what_is_in_that_part_alone(self, root, is_replaced):
        source = self.scanned(root)
        (root / "Disk").rename(root.parent / "Disk")
        if is_replaced:
            (root / "Disk").mkdir()
        source.check("a.ogg")
        with pytest.raises(SourceIncomplete, match="“Disk” went away"):
            source.check("Disk/1.ogg")

    def test_while_it_is_scanned_is_noticed(self, root, monkeypatch):
        make(root, "a/1.ogg", "b/2.ogg")
        real = os.scandir

        def scandir(path):
            if Path(path).name == "b":
                root.rename(root.with_name("other"))
                root.mkdir()
            return real(path)

        monkeypatch.setattr(os, "scandir", scandir)
        with pytest.raises(SourceIncomplete, match="went away"):
            FolderSource(root).scan()

    def test_is_checked_by_a_source_that_was_not_scanned(self, root):
        make(root, "Caf\\xe9/a.ogg")
        source = FolderSource(root)
        source.check("Caf\\\\xe9/a.ogg")
        root.rename(root.with_name("other"))
        with pytest.raises(SourceUnavailable):
            source.check("a.ogg")

    def test_a_folder_of_any_name_is_known_again(self, root):
        Path(os.fsdecode(os.fsencode(root) + b"/Caf\xe9")).mkdir()
        Path(os.fsdecode(os.fsencode(root) + b"/Caf\xe9/1.ogg")).touch()
        source = FolderSource(root)
        contents = source.scan()
        assert contents.top_folders == {"Caf\\xe9"}
        source.check(contents.songs[0])


FOLDERS = ("a", "b", "a/c", "b/c", "a/c/d")
FILES = ("1.ogg", *(f"{folder}/{n}.ogg" for folder in FOLDERS for n in (1, 2)))


class Syncs(RuleBasedStateMachine):
    """A folder that changes between syncs, some of it locked, linked or put aside."""

    @initialize()
    def begin(self) -> None:
        self.context = open_folder()
        self.outside = self.context.__enter__()
        self.root = self.outside / "music"
        self.root.mkdir()
        make(self.root, *FILES)
        self.known = set(FILES)

    def teardown(self) -> None:
        if hasattr(self, "context"):
            self.context.__exit__(None, None, None)

    def set_modes(self, modes: dict[str, int]) -> None:
        for name, mode in modes.items():
            path = self.root / name
            if path.is_dir() and not path.is_symlink():
                path.chmod(mode)

    @rule(name=st.sampled_from(FILES))
    def add(self, name: str) -> None:
        with suppress(OSError):  # a link may lead in a circle
            make(self.root, name)

    @rule(name=st.sampled_from(FILES))
    def delete(self, name: str) -> None:
        with suppress(OSError):
            (self.root / name).unlink()

    @rule(name=st.sampled_from(FOLDERS))
    def delete_folder(self, name: str) -> None:
        path = self.root / name
        if path.is_symlink():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)

    @rule(link=st.sampled_from(["a", "b", "link", "a/link"]), to=st.sampled_from(FOLDERS))
    def link(self, link: str, to: str) -> None:
        path = self.root / link
        if path.parent.is_dir() and not os.path.lexists(path):
            path.symlink_to(self.root / to)

    @rule(
        root=st.sampled_from(["there", "there", "there", "unreadable", "not there"]),
        modes=st.dictionaries(st.sampled_from(FOLDERS), st.sampled_from([0, 0o311, 0o644])),
    )
    def sync(self, root: str, modes: dict[str, int]) -> None:
        # The deepest first: what lies in a locked folder cannot be locked.
        self.set_modes(dict(sorted(modes.items(), reverse=True)))
        try:
            self.look(root)
        finally:
            self.set_modes(dict.fromkeys(sorted(modes), 0o755))

    def look(self, root: str) -> None:
        if root == "unreadable":
            self.root.chmod(0)
        elif root == "not there":
            self.root.rename(self.outside / "elsewhere")
        try:
            found, contents = look(self.root, *sorted(self.known))
        except SourceUnavailable:
            assert root != "there"
            return
        finally:
            if root == "not there":
                (self.outside / "elsewhere").rename(self.root)
            self.root.chmod(0o755)
        assert root == "there"
        for name in found:
            assert self.is_told_gone(name), name
        self.known = (self.known - set(found)) | set(contents.songs)

    def is_told_gone(self, name: str) -> bool:
        """Whether the system itself tells somebody that a file is not there."""
        folder = self.root
        with bound_by_permissions():
            for part in name.split("/"):
                try:
                    if folder / part not in folder.iterdir():
                        return True
                except PermissionError:
                    # A folder that may be entered and not listed tells it of a name.
                    return self.is_no_name(name)
                except OSError as error:
                    return error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
                folder /= part
        return False

    def is_no_name(self, name: str) -> bool:
        try:
            (self.root / name).stat()
        except OSError as error:
            return error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
        return False


TestSyncs = Syncs.TestCase
TestSyncs.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)
