"""Signing out in one tab leaves nothing of the person in the others, whatever way it happens."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from tests.acceptance.installation import EARMARK, EMAIL, PASSWORD, Installation
from tests.acceptance.test_main_job import sign_in

PATHS = ("/", "/library?search=Neon", "/jobs", "/account")


@pytest.fixture
def context(browser: Browser, earmark: str) -> Iterator[BrowserContext]:
    """One browser, signed in; its tabs share what tabs share."""
    with browser.new_context(base_url=earmark) as context:
        page = context.new_page()
        sign_in(page)
        page.close()
        yield context


def opened(context: BrowserContext, path: str) -> Page:
    page = context.new_page()
    page.goto(path)
    expect(page.get_by_text(EMAIL).first).to_be_visible()
    return page


def expect_nothing_of_the_person(page: Page) -> None:
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert EMAIL not in page.content()
    assert "Neon" not in page.content() + page.url + page.title()
    assert page.locator("table, nav, job-progress").count() == 0


def test_after_a_sign_out_other_tabs_show_nothing_and_a_link_to_sign_in(
    context: BrowserContext,
) -> None:
    tabs = [opened(context, path) for path in PATHS]
    leaving = opened(context, "/library")
    leaving.get_by_role("button", name="Sign out").click()
    expect(leaving.get_by_text("You have signed out.")).to_be_visible()
    for tab in tabs:
        expect_nothing_of_the_person(tab)
    tabs[1].reload()
    expect(tabs[1].get_by_label("Password")).to_be_visible()
    tabs[0].get_by_role("link", name="Sign in").click()
    expect(tabs[0].get_by_label("Password")).to_be_visible()


def test_the_back_button_shows_nothing_after_a_sign_out(context: BrowserContext) -> None:
    page = opened(context, "/library?search=Neon")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You have signed out.")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Password")).to_be_visible()
    assert EMAIL not in page.content()


def test_a_tab_that_is_looked_at_again_notices_that_its_session_was_ended_elsewhere(
    context: BrowserContext, browser: Browser, earmark: str
) -> None:
    tab = opened(context, "/library?search=Neon")
    with browser.new_context(base_url=earmark) as other:
        elsewhere = other.new_page()
        sign_in(elsewhere)
        elsewhere.goto("/account")
        elsewhere.get_by_role("button", name="Sign out everywhere").click()
        expect(elsewhere.get_by_text("You are signed out everywhere.")).to_be_visible()
    # Headless tabs are never hidden: the event is sent as a browser would.
    tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect_nothing_of_the_person(tab)
    # Signing in leads back to the same place.
    tab.get_by_role("link", name="Sign in").click()
    tab.get_by_label("E-mail address").fill(EMAIL)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_url("**/library")


def test_another_tab_that_says_somebody_signed_out_is_not_believed_without_the_site(
    context: BrowserContext,
) -> None:
    tab, other = opened(context, "/library"), opened(context, "/jobs")
    with tab.expect_response("**/api/session"):
        other.evaluate("new BroadcastChannel('earmark account').postMessage('')")
    expect(tab.get_by_text(EMAIL)).to_be_visible()


def is_refused(response: Response) -> bool:
    return response.url.endswith("/progress") and response.status == 401


def test_a_new_password_by_the_command_line_reaches_the_streams_of_a_running_earmark(
    context: BrowserContext, running: Installation
) -> None:
    page = opened(context, "/")
    worker = running.command("-A tasks.app worker")
    worker.suspend()  # so that the job goes on, and its page follows it
    try:
        page.get_by_role("button", name="Sync").click()
        page.wait_for_url("**/jobs/*")
        expect(page.locator('[part="connection"]')).to_be_attached()
        # The first stream may be let in meanwhile; the next one is not.
        with page.expect_response(is_refused, timeout=20_000):
            command = [EARMARK, "account", "password", EMAIL, "--password", PASSWORD]
            environment = {"EARMARK_DATA": str(running.data), "PATH": "/usr/bin:/bin"}
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False
            )
        assert (done.returncode, done.stderr) == (0, "")
        assert "is signed out everywhere" in done.stdout
        expect_nothing_of_the_person(page)
    finally:
        worker.resume()
