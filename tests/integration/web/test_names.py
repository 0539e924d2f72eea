"""Names without a space, and of letters that turn or hide what follows, break no page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, Page

from library import account_sources, accounts, jobs, likes, matches, playlists, songs
from library.database import Database
from library.matching import Proposal
from library.models import utc_now
from library.sources.records import EntryRecord, SongRecord
from tests.integration.web.conftest import PASSWORD, PASSWORD_HASH
from tests.integration.web.served import Served, serve
from tests.servers import Server

OVERRIDE = "\u202egnp.exe"
HEBREW = "שיר אהבה (12)"
#: Each is a name by itself.
NAMES = (OVERRIDE, HEBREW, "x" * 400, "\u2067" + "עברית" * 40, "<b>bold</b>\u2028", "a\x1bb\x07")
EMAIL = f"{'e' * 60}@{'long' * 40}.example.org"

#: Texts of right-to-left letters whose neighbours in the same isolated run are not of theirs.
NOT_ALONE = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    if (!/[\\u0590-\\u05ff]/.test(text)) continue;
    let element = walker.currentNode.parentElement;
    while (getComputedStyle(element).unicodeBidi === "normal") element = element.parentElement;
    if (element.textContent.trim() !== text) found.push(element.outerHTML.slice(0, 200));
  }
  return found;
}"""


@pytest.fixture(scope="module")
def served(valkey_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("names")
    root = folder / "roots"
    for number, name in enumerate(NAMES):
        (
            root / (name.replace("/", "|").encode()[:240].decode(errors="ignore") or str(number))
        ).mkdir(parents=True)
    with serve(valkey_server, folder, EARMARK_MUSIC_ROOTS=str(root)) as found:
        yield found


@pytest.fixture(scope="module")
def paths(served: Served) -> list[str]:
    """Every page that shows what others named, of an account that has all of it."""
    with closing(Database(served.database_url)) as database, database.session() as session:
        account = accounts.create(session, email=EMAIL, password_hash=PASSWORD_HASH)
        mine = {"account_id": account.id}
        source = account_sources.add(
            session, **mine, location="/srv/music", name=OVERRIDE + NAMES[2]
        )
        kept, lists = [], []
        for number, name in enumerate(NAMES):
            record = SongRecord(
                external_id=f"{number}.flac", title=name, artist=NAMES[1], album=NAMES[2]
            )
            kept.append(songs.save(session, **mine, source_id=source.id, record=record))
            lists.append(
                playlists.save(
                    session,
                    **mine,
                    source_id=source.id,
                    external_id=f"{number}.m3u",
                    name=name,
                    song_ids=[*(song.id for song in kept), None],
                    missing={len(kept): EntryRecord(None, label=name, place=OVERRIDE + name)},
                )
            )
        likes.replace(session, **mine, song_ids=[song.id for song in kept])
        job, _ = jobs.create(session, **mine, kind="matching")
        for song in kept:
            proposals = [
                Proposal(
                    song_id=str(song.id), playlist_id=str(found.id), score=0.5, reasons=(name,)
                )
                for found, name in zip(lists[:3], NAMES, strict=False)
            ]
            matches.replace(session, **mine, job_id=job.id, proposals={song.id: proposals})
        jobs.finish(
            session,
            job_id=job.id,
            attempt=0,
            status="failed",
            now=utc_now(),
            error_message=OVERRIDE + NAMES[2],
        )
        return [
            "/",
            "/library",
            f"/library?search={'x' * 90}",
            "/jobs",
            f"/jobs/{job.id}",
            "/proposals",
            "/account",
            "/account/password",
            "/sources/folder",
            "/sources",
            f"/sources/{source.id}",
            f"/sources/{source.id}/remove",
            *(f"/playlists/{found.id}" for found in lists),
        ]


@pytest.fixture(params=[390, 1440])
def page(request: pytest.FixtureRequest, browser: Browser, served: Served) -> Iterator[Page]:
    size = {"width": request.param, "height": 900}
    with browser.new_context(base_url=f"http://127.0.0.1:{served.port}", viewport=size) as context:
        page = context.new_page()
        page.goto("/sign-in")
        page.get_by_label("E-mail address").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/")
        yield page


def test_no_name_breaks_a_page_or_turns_what_stands_beside_it(page: Page, paths: list[str]) -> None:
    for path in paths:
        page.goto(path)
        wide = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
        assert wide <= 0, path
        for table in page.locator("table").all():
            assert table.evaluate("table => table.offsetWidth") <= 2000, path
        shown = page.locator("body").inner_text() + page.title()
        assert not set("\u202e\u2067\u2028\x1b\x07") & set(shown), path
        assert page.evaluate(NOT_ALONE) == [], path
        assert page.locator("b").count() == 0, path
    page.goto("/library")
    assert "[U+202E]gnp.exe" in page.locator("body").inner_text()
    for button in page.get_by_role("button").all():
        assert button.bounding_box()["x"] >= 0
