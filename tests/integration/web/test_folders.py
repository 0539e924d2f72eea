"""A person chooses a folder of music on a page, without a script, and none outside of the roots."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from library import account_sources
from library.sources.location import folder_at
from tests.integration.web.conftest import Person, Site
from web.folders import PAGE_FOLDERS

CAFE = os.fsdecode(b"caf\xe9")


@dataclass(frozen=True)
class House:
    """A site with one root, and somebody who is signed in."""

    site: Site
    root: Path
    ada: Person

    @property
    def location(self) -> str | None:
        with self.site.runtime.database.reading() as session:
            found = account_sources.of_account(session, account_id=self.ada.account_id)
            return found[0].location if found else None

    def choose(self, folder: str):
        return self.ada.submit("/sources/folder", folder=folder)


@pytest.fixture
def house(make_site: Callable[..., Site], tmp_path: Path) -> House:
    root = tmp_path / "root"
    for name in ("music/deep", CAFE, "עברית"):
        (root / name).mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (root / "out").symlink_to(tmp_path / "outside")
    site = make_site(EARMARK_MUSIC_ROOTS=str(root))
    return House(site, root, site.person())


def links(page: str) -> dict[str, str]:
    """The folders of a page: names and addresses."""
    found = re.findall(r'<li><a href="([^"]+)"><bdi>([^<]*)</bdi></a></li>', page)
    return {html.unescape(name): html.unescape(address) for address, name in found}


def test_a_person_goes_from_folder_to_folder_and_chooses_one(house: House) -> None:
    browser = house.ada.browser
    assert 'href="/sources"' in browser.get("/").text
    assert "/sources/folder" in browser.get("/sources").text
    found = links(browser.get("/sources/folder").text)
    assert set(found) == {"music", "caf\ufffd", "עברית"}
    page = browser.get(found["music"]).text
    assert set(links(page)) == {"deep"}
    field = re.search(r'name="folder" value="([^"]+)"', page)
    assert field is not None
    answer = house.choose(field[1])
    assert answer.status_code == 303
    assert house.location == str(house.root / "music")
    assert "The folder music is part of your music now." in browser.get(answer.location).text


def test_a_folder_whose_name_is_no_utf_8_can_be_chosen(house: House) -> None:
    found = links(house.ada.browser.get("/sources/folder").text)
    page = house.ada.browser.get(found["caf\ufffd"]).text
    field = re.search(r'name="folder" value="([^"]+)"', page)
    assert field is not None
    assert house.choose(field[1]).status_code == 303
    assert house.location is not None
    assert folder_at(house.location) == house.root / CAFE


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/etc",
        "{root}/..",
        "{root}/out",
        "{root}/music/../../outside",
        "{root}/nothing",
        "file://{root}/..",
        "file://{root}/%2e%2e/outside",
        "file://{root}/music%00",
        "file:///proc/self/root",
        "music",
        "",
        "x" * 9000,
        "\ud800",
    ],
)
def test_nothing_outside_is_shown_or_chosen(house: House, path: str) -> None:
    path = path.format(root=house.root)
    asked = house.ada.browser.get(f"/sources/folder?at={quote(path, errors='replace')}")
    assert asked.status_code == 404
    assert links(asked.text) == {}
    assert house.choose(path.encode(errors="replace").decode()).status_code == 404
    assert house.location is None


def test_a_page_of_folders_stays_within_the_roots_wherever_it_begins(house: House) -> None:
    for after in ("/", "file:///etc", "\ufffd", "..", "file://%ff"):
        answer = house.ada.browser.get(f"/sources/folder?after={quote(after)}")
        assert answer.status_code == 200
        assert set(links(answer.text)) <= {"music", "caf\ufffd", "עברית"}


def test_many_folders_are_shown_on_several_pages(house: House) -> None:
    for number in range(2 * PAGE_FOLDERS):
        (house.root / "music" / f"{number:04}").mkdir()
    address, seen = f"/sources/folder?at={house.root / 'music'}", []
    while address:
        page = house.ada.browser.get(address).text
        seen += links(page)
        more = re.search(r'class="button second" href="([^"]+)">More folders', page)
        address = html.unescape(more[1]) if more else ""
    assert sorted(set(seen)) == seen
    assert len(seen) == 2 * PAGE_FOLDERS + 1


def test_without_roots_a_page_says_who_names_them(ada: Person) -> None:
    assert "EARMARK_MUSIC_ROOTS" in ada.browser.get("/sources/folder").text
