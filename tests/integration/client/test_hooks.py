"""`useJobProgress` and `useJobFeed` in a real browser, under React's StrictMode."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from progress.reports import TotalReport
from progress.testing import item, status


def job(page: Page, job_id: str):
    return page.locator(f'[data-job="{job_id}"]')


def wait_until(page: Page, condition) -> None:
    for _ in range(100):
        if condition():
            return
        page.wait_for_timeout(50)
    assert condition()


@pytest.fixture(params=["react-18", "react-19"])
def open_hooks(request, open_page):
    """Opens the page of hooks, with one React and with the other."""

    def open_one(**query: object) -> Page:
        page: Page = open_page(request.param, **query)
        assert page.evaluate("reactVersion").startswith(request.param.removeprefix("react-"))
        return page

    return open_one


@pytest.fixture
def running(report):
    report("one", status("running"), TotalReport(2, 0), item("a", "in_progress"))


def test_a_job_is_live_and_without_an_id_there_is_no_connection(
    running, report, server, open_hooks
):
    page = open_hooks(job="one")
    expect(job(page, "none")).to_have_text("– – – apart 0 –")
    expect(job(page, "one")).to_have_text("running 0 Song a connected 0 –")
    report("one", item("a", "succeeded"), item("b", "in_progress"))
    expect(job(page, "one")).to_have_text("running 1 Song b connected 0 –")
    assert server.opened.total() == 1  # StrictMode mounts twice
    cached = page.evaluate("queries.getQueryData(['job', 'one']).progress.done")
    assert cached == 1


def test_components_share_a_connection_and_the_last_one_ends_it(
    running, report, server, open_hooks
):
    page = open_hooks(job=["one", "one", "one"])
    expect(job(page, "one")).to_have_text(["running 0 Song a connected 0 –"] * 3)
    assert server.open_streams() == 1
    page.get_by_role("button", name="Jobs").click()
    expect(job(page, "one")).to_have_count(0)
    report("one", item("a", "succeeded"))
    wait_until(page, lambda: server.open_streams() == 0)
    page.get_by_role("button", name="Jobs").click()
    expect(job(page, "one")).to_have_text(["running 1 – connected 0 –"] * 3)


def test_named_queries_are_fetched_anew_once_when_the_job_ends(running, report, open_hooks):
    page = open_hooks(job=["one", "one"])
    expect(job(page, "one").first).to_contain_text("running")
    songs = page.locator("#songs")
    expect(songs).to_have_text("1")
    report("one", item("a", "succeeded"))
    expect(job(page, "one").first).to_contain_text("running 1")
    expect(songs).to_have_text("1")
    report("one", status("completed"))
    expect(job(page, "one").first).to_contain_text("completed")
    expect(songs).to_have_text("2")
    page.get_by_role("button", name="Jobs").click()
    page.get_by_role("button", name="Jobs").click()
    expect(job(page, "one").first).to_contain_text("completed")
    page.wait_for_timeout(300)
    expect(songs).to_have_text("2")


def test_a_refusal_is_an_error(open_hooks):
    page = open_hooks(job="nothing")
    expect(job(page, "nothing")).to_have_text("– – – apart 0 refused")


def test_a_feed_lists_the_active_jobs(running, report, open_hooks):
    page = open_hooks()
    page.get_by_role("button", name="Feed").click()
    feed = page.locator("#feed")
    expect(feed).to_have_text("one running")
    report("two", status("pending"))
    expect(feed).to_have_text("one running, two pending")
    report("one", status("cancelled"))
    expect(feed).to_have_text("two pending")


def test_more_jobs_than_streams_are_live_all_the_same(report, server, open_hooks):
    names = [f"job-{number}" for number in range(8)]
    for name in names:
        report(name, status("running"), TotalReport(2, 0))
    page = open_hooks(job=names)
    for name in names:
        expect(job(page, name)).to_contain_text("running 0")
        report(name, item("a", "succeeded"))
    for name in names:
        expect(job(page, name)).to_contain_text("running 1")
    assert server.open_streams() == 4  # three with their items, and the feed
