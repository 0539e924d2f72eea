"""The pages of sources fit every screen, and axe finds nothing wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from library import account_sources, accounts, playlists, removed_sources, songs
from library.database import Database
from library.models import utc_now
from library.source_reports import report
from library.sources.records import EntryRecord, SongRecord
from tests import axe
from tests.integration.web.conftest import PASSWORD, PASSWORD_HASH
from tests.integration.web.served import Served, serve
from tests.servers import Server

EMAIL = "ada@example.org"


@pytest.fixture(scope="module")
def served(valkey_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("sources")
    for name in ("music", "nas", "tapes"):
        (folder / "roots" / name).mkdir(parents=True)
    with serve(valkey_server, folder, EARMARK_MUSIC_ROOTS=str(folder / "roots")) as found:
        yield found


@pytest.fixture
def paths(served: Served) -> list[str]:
    """A source with all that a page may tell, one that failed and one that was removed."""
    root = served.folder / "roots"
    with closing(Database(served.database_url)) as database, database.session() as session:
        account = accounts.create(session, email=EMAIL, password_hash=PASSWORD_HASH)
        mine = {"account_id": account.id}
        full, failed, removed = (
            account_sources.add(session, **mine, location=str(root / name), name=name)
            for name in ("music", "nas", "tapes")
        )
        here = {**mine, "source_id": full.id}
        song = songs.save(session, **here, record=SongRecord("a", "A", has_sound=False))
        away = EntryRecord(None, is_missing=True, label="Away", place="/x/Away.flac")
        playlists.save(
            session, **here, external_id="m", name="Mix", song_ids=[song.id, None],
            missing={1: away},
        )  # fmt: skip
        found = report(
            songs=1, playlists=1, gone=0, unseen={"Locked": "No."}, left_out=["#recycle"]
        )
        key = {"source_id": full.id, "location": full.location}
        account_sources.set_synced(session, **key, now=utc_now(), report=found)
        account_sources.set_failed(session, source_id=failed.id, reason="It cannot be read.")
        removed_sources.remove(session, source=removed, now=utc_now())
        ids = [f"/sources/{source.id}" for source in (full, failed, removed)]
    return ["/", "/sources", *ids, f"{ids[0]}/remove", f"/sources/folder?at={Path(root)}"]


def test_they_fit_every_screen_and_axe_finds_nothing(
    browser: Browser, served: Served, paths: list[str]
) -> None:
    address = f"http://127.0.0.1:{served.port}"
    with browser.new_context(base_url=address, reduced_motion="reduce") as context:
        page = context.new_page()
        sign_in(page)
        for scheme, width in (("light", 390), ("dark", 1440)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            for path in paths:
                page.goto(path)
                assert axe.faults(page) == [], path
                wide = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
                assert wide <= 0, path
        remove_by_keyboard(page, paths[2])


def sign_in(page: Page) -> None:
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def remove_by_keyboard(page: Page, path: str) -> None:
    """What a source holds goes and comes back without a mouse."""
    page.goto(path)
    page.get_by_role("link", name="Remove").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Remove music?")
    page.get_by_role("button", name="Remove it").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("music is removed")
    page.get_by_role("button", name="Bring back music").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("music is back")
