"""Candidates, misplaced songs and where a song is, in a real browser, narrow and wide."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select, update

from benchmarks._seed import Size, seed
from library.database import Database
from library.models import Match, PlaylistEntry
from tests.axe import faults
from tests.integration.web.conftest import PASSWORD, PASSWORD_HASH
from tests.integration.web.served import Served

SIZE = Size(songs=90, liked=40, playlists=4, entries_each=6, proposals=70, jobs=3, failures=0)


@pytest.fixture(scope="module")
def list_id(one_thread: Served) -> str:
    """A playlist with candidates, one of whose songs looks misplaced."""
    with closing(Database(one_thread.database_url)) as database:
        seeded = seed(database, SIZE, password_hash=PASSWORD_HASH, name="sorter")
        found = seeded.ids["playlist_id"]
        with database.session() as session:
            members = select(PlaylistEntry.song_id).where(PlaylistEntry.playlist_id == UUID(found))
            mine = Match.account_id == seeded.account_id, Match.rank == 1
            placed = update(Match).where(*mine, Match.song_id.in_(members))
            session.execute(placed.values(queue="misplaced"))
    return found


@pytest.fixture(params=[390, 1440])
def page(
    request: pytest.FixtureRequest, browser: Browser, one_thread: Served, list_id: str
) -> Iterator[Page]:
    size = {"width": request.param, "height": 900}
    base = f"http://127.0.0.1:{one_thread.port}"
    with browser.new_context(base_url=base, viewport=size) as context:
        page = context.new_page()
        page.goto("/sign-in")
        page.get_by_label("E-mail address").fill("sorter@example.org")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/")
        yield page


def is_fit(page: Page) -> None:
    """No fault of axe's, and nothing wider than the screen."""
    assert faults(page) == []
    assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0


def test_a_candidate_is_put_in_and_another_turned_away(page: Page, list_id: str) -> None:
    page.goto(f"/playlists/{list_id}/candidates")
    is_fit(page)
    songs = page.locator(".proposal h2")
    before, first, second = songs.count(), songs.nth(0).inner_text(), songs.nth(1).inner_text()
    page.get_by_role("button", name=f"Put in {first}", exact=True).first.press("Enter")
    expect(page.get_by_text("goes into")).to_be_visible()
    page.get_by_role("button", name=f"Not here: {second}", exact=True).first.click()
    expect(page.get_by_text("does not go into")).to_be_visible()
    expect(songs).to_have_count(before - 2)
    page.locator("#least").select_option("90")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**least=90")
    assert songs.count() < before - 2
    is_fit(page)


def test_a_misplaced_song_says_where_it_is_and_leads_there(page: Page, list_id: str) -> None:
    page.goto("/proposals")
    page.get_by_label("Songs", exact=True).select_option("misplaced")
    page.get_by_role("button", name="Show").click()
    here = page.locator(".proposal").filter(has=page.locator(f'a[href="/playlists/{list_id}"]'))
    expect(here.first).to_contain_text("Now in")
    is_fit(page)
    title = here.first.locator("h2").inner_text()
    here.first.get_by_role("link", name=re.compile("nother playlist")).click()
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.locator(f'main a[href="/playlists/{list_id}"]').first).to_be_visible()
    is_fit(page)
    page.go_back()
    here.first.get_by_role("button", name="Accept").click()
    expect(page.locator("#told")).to_contain_text("goes into")
    page.goto("/decisions")
    is_fit(page)
