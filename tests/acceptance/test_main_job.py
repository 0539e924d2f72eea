"""The main job: a person signs in and has their songs sorted, watching it live."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from library.demo import EXPECTED
from tests.acceptance.installation import EMAIL, PASSWORD

#: Where pictures for the documentation go; only when asked for, so that tests change no file.
IMAGES = os.environ.get("EARMARK_IMAGES")

RECORD = """
addEventListener("DOMContentLoaded", () => {
  const job = document.getElementById("job");
  if (!job) return;
  const key = "received " + location.pathname;
  const seen = JSON.parse(sessionStorage.getItem(key) ?? "[]");
  job.addEventListener("job-event", ({ detail }) => {
    seen.push([detail.id, detail.event.type, performance.timeOrigin]);
    sessionStorage.setItem(key, JSON.stringify(seen));
  });
});
"""


def picture(page: Page, name: str) -> None:
    if IMAGES:
        page.screenshot(path=Path(IMAGES) / f"{name}.png", full_page=True)


def sign_in(page: Page) -> None:
    page.goto("/")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Sort the songs you love")).to_be_visible()


def watch_to_the_end(page: Page) -> None:
    expect(page.locator('[data-part="status"]')).to_have_text("Done", timeout=60_000)
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")


def look_back(page: Page) -> None:
    """See how the job went, once it is over, and play it again."""
    run = page.get_by_role("group", name="Timeline")
    expect(run.get_by_role("img", name=re.compile("^Attempt 1: .*completed$"))).to_be_visible()
    picture(page, "run")
    page.get_by_role("button", name="Play it again").click()
    page.get_by_role("slider", name="Moment").press("End")
    expect(page.get_by_text("completed · 12 of 12 done")).to_be_visible()
    picture(page, "playback")


def received(page: Page) -> list[tuple[str, str, float]]:
    found = page.evaluate('JSON.parse(sessionStorage.getItem("received " + location.pathname))')
    return [tuple(pair) for pair in found]


def assert_nothing_was_lost(events: list[tuple[str, str, float]]) -> None:
    """Positions go up by one from each event to the next; a snapshot says where it holds.

    A page that was loaded anew may begin with an older one, and what followed it. Of a job
    that was over before the page was there, the snapshot is all there is.
    """
    last = loaded = None
    for cursor, kind, loaded_at in events:
        seq = int(cursor.split("-")[1])
        if kind != "snapshot":
            assert last is not None
            assert seq == last + 1, (cursor, kind)
        else:
            assert last is None or seq >= last or loaded_at != loaded
        last, loaded = seq, loaded_at
    assert events[-1][1] == "status" or len(events) == 1


@pytest.fixture
def person(browser: Browser, earmark: str) -> Page:
    context = browser.new_context(base_url=earmark, viewport={"width": 1100, "height": 800})
    context.add_init_script(RECORD)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    # A policy that stops a script or a style of ours says so on the console.
    page.on(
        "console",
        lambda message: problems.append(message.text) if message.type == "error" else None,
    )
    yield page
    context.close()
    assert problems == []


def test_a_person_syncs_analyses_and_matches_and_sees_it_live(person: Page) -> None:
    page = person
    sign_in(page)
    # The installation is shared: another test may have started jobs.
    page.goto("/jobs")
    before = page.get_by_role("main").get_by_role("listitem").count()
    page.goto("/")
    picture(page, "start")

    page.get_by_role("button", name="Sync").click()
    page.wait_for_url(re.compile("/jobs/"))
    watch_to_the_end(page)
    assert_nothing_was_lost(received(page))

    expect(page.get_by_text("Found 12 songs and 3 playlists")).to_be_visible()
    page.get_by_role("button", name="Listen to them now").click()
    page.wait_for_url(re.compile("/jobs/"))
    expect(page.locator('[part="counts"]')).to_contain_text("of 12")
    page.reload()  # in the middle: the snapshot takes the place of what was missed
    picture(page, "job")
    watch_to_the_end(page)
    expect(page.get_by_text("Heard 12 songs.")).to_be_visible()
    assert_nothing_was_lost(received(page))
    look_back(page)

    page.get_by_role("button", name="Match them now").click()
    page.wait_for_url(re.compile("/jobs/"))
    watch_to_the_end(page)

    page.get_by_role("link", name="Look at the proposals").click()
    picture(page, "proposals")
    for title, playlist in EXPECTED.items():
        card = page.get_by_role("listitem").filter(has_text=title)
        expect(card.get_by_role("link").first).to_have_text(playlist)

    page.get_by_role("link", name="Library").click()
    expect(page.get_by_role("row").filter(has_text="Neon Street")).to_contain_text("126")
    picture(page, "library")
    page.get_by_role("link", name="Jobs").click()
    expect(page.get_by_role("main").get_by_role("listitem")).to_have_count(before + 3)
    picture(page, "jobs")


def test_a_wrong_password_is_refused_in_words(page: Page) -> None:
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("The e-mail address or the password is not right.")).to_be_visible()
