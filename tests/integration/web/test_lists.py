"""Every list is shown whole, a page at a time, by plain links."""

from __future__ import annotations

import re
from html import unescape

import pytest

from benchmarks._seed import Seeded, Size, seed
from tests.integration.web.conftest import PASSWORD_HASH, Person, Site

SIZE = Size(
    songs=330, liked=170, playlists=135, entries_each=25, proposals=120, jobs=70, failures=230
)
#: What a row of each list is known by, and how many rows there are: every hundredth song is gone.
LISTS = {
    "/library": (r'<th scope="row">(.+?)</th>', SIZE.songs - 4),
    "/library?liked=yes": (r'<th scope="row">(.+?)</th>', SIZE.liked - 2),
    "/playlists": (r'class="card tile" href="(.+?)"', SIZE.playlists),
    "/playlists/{playlist_id}": (r'<li value="(\d+)">', 10 * SIZE.entries_each - 5),
    "/jobs": (r'<a href="(/jobs/.+?)"><strong>', SIZE.jobs),
    "/jobs/{job_id}/failures": (r"<li><strong>(.+?)</strong>", SIZE.failures),
    "/proposals": (r'data-song="(.+?)"', SIZE.proposals - 2),
}
#: Whose rows may have equal titles.
EQUAL = ("/proposals", "/jobs/{job_id}/failures")


@pytest.fixture(scope="module")
def seeded(site: Site) -> Seeded:
    return seed(site.runtime.database, SIZE, password_hash=PASSWORD_HASH, name="lists")


@pytest.fixture(scope="module")
def person(site: Site, seeded: Seeded) -> Person:
    found = Person(site.client(), seeded.account_id, seeded.email)
    assert found.sign_in().status_code == 303
    return found


def link(page: str, relation: str) -> str | None:
    found = re.search(rf'<a [^>]*rel="{relation}" href="([^"]+)"', page)
    return unescape(found[1]) if found else None


@pytest.mark.parametrize("path", LISTS)
def test_a_list_of_any_length_is_shown_whole_by_its_links(
    seeded: Seeded, person: Person, path: str
) -> None:
    row, count = LISTS[path]
    start = path.format(**seeded.ids)
    rows: list[str] = []
    pages, at = 0, start
    while at is not None:
        answer = person.browser.get(at)
        assert answer.status_code == 200
        assert (link(answer.text, "first") == start) == (pages > 0), at
        rows += re.findall(row, answer.text)
        at, pages = link(answer.text, "next"), pages + 1
        assert pages < 20
    assert len(rows) == count
    assert pages > 2
    if not path.startswith("/library") and path not in EQUAL:
        assert len(set(rows)) == count


@pytest.mark.parametrize("mark", ["", "x", "-1", "9" * 40, "nan:x", "inf:{0}", "1e999:{0}", "{0}"])
@pytest.mark.parametrize("path", [path for path in LISTS if "?" not in path])
def test_a_mark_that_is_none_is_answered_with_a_page(
    seeded: Seeded, person: Person, path: str, mark: str
) -> None:
    unknown = mark.format("00000000-0000-4000-8000-000000000000")
    query = {"after": unknown, "before": unknown}
    assert person.browser.get(path.format(**seeded.ids), query_string=query).status_code == 200


def test_the_library_shows_a_few_playlists_and_where_all_are(person: Person) -> None:
    page = person.browser.get("/library").text
    assert page.count('class="card tile"') == 12
    assert '<a href="/playlists">All playlists</a>' in page
