"""Nobody chooses a folder outside of the roots, whatever is tried; any name inside will do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from library.errors import FolderRefused
from library.music_roots import MusicRoots
from library.sources.location import folder_at, location_of, shown

ODD = [
    b"caf\xe9",  # latin-1, no UTF-8
    "café".encode(),
    b"a\nb",
    b"<script>alert(1)",
    b"\xe2\x80\xaegnp.exe",
    b"%2e%2e",
    b"file:",
    b"a\\b",
    b" ",
    b"x" * 250,
    "عربي".encode(),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "music" / "deep").mkdir(parents=True)
    (tmp_path / "outside" / "music").mkdir(parents=True)
    (tmp_path / "root-of-another").mkdir()
    return tmp_path / "root"


@pytest.fixture
def roots(root: Path) -> MusicRoots:
    return MusicRoots((root,))


def test_a_folder_below_a_root_and_the_root_itself_can_be_chosen(roots, root):
    for folder in (root, root / "music", root / "music" / "deep"):
        assert roots.folder(folder) == folder


@pytest.mark.parametrize(
    "path",
    [
        "{root}/../outside",
        "{root}/music/../../outside",
        "{root}/music/..",
        "{root}-of-another",
        "{root}/../root",
        "{root}/out",
        "{root}/out/music",
        "{root}/music/far",
        "{root}/chain",
        "{root}/file",
        "{root}/nothing",
        "{root}/loop",
        "{root}/\0",
        "/",
        "/etc",
        "/proc/self/root/etc",
        "/proc/self/cwd",
        "",
        ".",
        "music",
        "~",
        "//etc",
        "file:///etc",
    ],
)
def test_a_folder_outside_of_the_roots_cannot_be_chosen(roots, root, path):
    outside = root.parent / "outside"
    (root / "out").symlink_to(outside)
    (root / "music" / "far").symlink_to("../../outside")
    (root / "chain").symlink_to("out")
    (root / "loop").symlink_to("loop")
    (root / "file").touch()
    with pytest.raises(FolderRefused):
        roots.folder(folder_at(path.format(root=root)))


def test_a_folder_outside_is_refused_alike_whether_it_is_there_or_not(roots, root):
    sentences = []
    for path in (root.parent / "outside", root.parent / "nowhere"):
        with pytest.raises(FolderRefused) as caught:
            roots.folder(path)
        sentences.append(str(caught.value).replace(str(path), "…"))
    assert sentences[0] == sentences[1]


def test_a_link_within_the_roots_leads_to_the_folder_itself(roots, root):
    (root / "short").symlink_to("music/deep")
    assert roots.folder(root / "short") == root / "music" / "deep"
    assert root / "short" in roots.below(root)


def test_a_root_that_is_a_link_itself_is_what_it_leads_to(root):
    link = root.parent / "link"
    link.symlink_to(root)
    roots = MusicRoots((link,))
    assert roots.existing() == [root]
    assert roots.folder(link / "music") == roots.folder(root / "music") == root / "music"
    assert roots.above(root / "music") == [root, root / "music"]


def test_a_listing_leaves_out_files_hidden_folders_and_links_that_lead_out(roots, root):
    (root / ".hidden").mkdir()
    (root / "file").touch()
    (root / "out").symlink_to(root.parent / "outside")
    (root / "loop").symlink_to("loop")
    assert roots.below(root) == [root / "music"]
    with pytest.raises(FolderRefused):
        roots.below(root.parent / "outside")


@pytest.mark.parametrize("name", ODD)
def test_a_folder_of_any_name_is_found_again_by_its_location(roots, root, name):
    folder = root / os.fsdecode(name)
    folder.mkdir()
    for text in (location_of(folder), folder.as_uri()):
        text.encode()
        assert folder_at(text) == folder
        assert roots.folder(folder_at(text)) == folder
    assert folder in roots.below(root)
    shown(folder.name).encode()


def test_a_root_that_is_away_is_not_shown_and_comes_back(root):
    roots = MusicRoots((root / "disk", root / "music"))
    assert roots.existing() == [root / "music"]
    with pytest.raises(FolderRefused, match="cannot be opened"):
        roots.folder(root / "disk")
    (root / "disk").mkdir()
    assert roots.existing() == [root / "disk", root / "music"]


def test_without_roots_nothing_can_be_chosen(root):
    assert MusicRoots(()).existing() == []
    with pytest.raises(FolderRefused):
        MusicRoots(()).folder(root)
