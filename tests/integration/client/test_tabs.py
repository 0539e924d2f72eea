"""Tabs of one browser share one connection, whichever of them comes or goes."""

from __future__ import annotations

import time

import psutil
from playwright.sync_api import Page, expect

from progress.reports import TotalReport
from progress.testing import item, status

FEED = "/api/jobs/progress"


def wait_until(page: Page, condition) -> None:
    for _ in range(200):
        if condition():
            return
        page.wait_for_timeout(50)
    assert condition()


def leader_of(tabs: list[Page]) -> Page:
    leading = [tab for tab in tabs if tab.evaluate("page.client.isLeading")]
    assert len(leading) == 1
    return leading[0]


def heard(tab: Page) -> list[tuple[str, int]]:
    found = tab.evaluate("page.heard")
    return [(each["type"], int(each["id"].split("-")[1])) for each in found]


def assert_each_came_once(tab: Page, last: int) -> None:
    """A snapshot first, then every position after it in order, once, to the last."""
    (first, at), *rest = heard(tab)
    assert first == "snapshot"
    assert [seq for _, seq in rest] == list(range(at + 1, last + 1))
    assert "snapshot" not in [kind for kind, _ in rest]


def test_twenty_tabs_of_ten_jobs_are_live_on_one_connection(report, server, open_page):
    jobs = [f"job-{number}" for number in range(10)]
    for job in jobs:
        report(job, status("running"), TotalReport(4, 0))
    tabs = [open_page(job=jobs) for _ in range(20)]
    for tab in tabs:
        expect(tab.locator('[part="counts"]')).to_have_text(["0 of 4"] * 10)
    for job in jobs:
        report(job, item("a", "succeeded"), item("b", "failed"))
    for tab in tabs:
        expect(tab.locator('[part="counts"]')).to_have_text(["2 of 4, 1 failed"] * 10)
    assert +server.open == {FEED: 1}
    assert server.opened == {FEED: 1}
    # Nothing waits for a free connection: the server answers a tab at once.
    assert tabs[7].evaluate("fetch('/streams').then((answer) => answer.status)") == 200


def test_the_next_tab_goes_on_where_the_leader_left_without_loss_or_repeat(
    report, server, open_page
):
    report("one", status("running"))
    tabs = [open_page(items="one") for _ in range(4)]
    for tab in tabs:
        tab.wait_for_function("page.heard.length === 1")
    number = 0
    while len(tabs) > 1:
        for _ in range(5):
            report("one", item(str(number), "succeeded"))
            number += 1
        leader = leader_of(tabs)
        tabs.remove(leader)
        # At once: what the server has just sent is on its way.
        leader.close()
        for _ in range(5):
            report("one", item(str(number), "succeeded"))
            number += 1
        wait_until(tabs[0], lambda: any(t.evaluate("page.client.isLeading") for t in tabs))
    report("one", status("completed"))
    last = server.log.snapshot(server.refs["one"])[1].seq
    (tab,) = tabs
    tab.wait_for_function("page.heard.at(-1).type === 'status'")
    assert_each_came_once(tab, last)


def test_a_tab_that_joins_late_hears_the_state_and_all_that_follows(report, server, open_page):
    report("one", status("running"), item("a", "in_progress"))
    first = open_page(items="one")
    first.wait_for_function("page.heard.length === 1")
    report("one", item("a", "succeeded"))
    first.wait_for_function("page.heard.length === 3")
    second = open_page(items="one")
    second.wait_for_function("page.heard.length === 1")
    report("one", item("b", "succeeded"))
    report("one", status("completed"))
    last = server.log.snapshot(server.refs["one"])[1].seq
    for tab in (first, second):
        tab.wait_for_function("page.heard.at(-1).type === 'status'")
        assert_each_came_once(tab, last)
    assert server.opened.total() == 1


def test_a_tab_that_follows_what_the_leader_does_not_has_it_through_the_leader(
    report, server, open_page
):
    report("one", status("running"), TotalReport(2, 0))
    report("two", status("running"), TotalReport(3, 0))
    leader = open_page(job="one")
    expect(leader.locator('[part="counts"]')).to_have_text("0 of 2")
    other = open_page(items="two")
    other.wait_for_function("page.heard.length === 1")
    assert not other.evaluate("page.client.isLeading")
    report("two", item("a", "succeeded"))
    other.wait_for_function("page.heard.length === 3")
    leader.close()
    report("two", item("b", "succeeded"), item("c", "succeeded"))
    other.wait_for_function("page.heard.length === 6")
    assert_each_came_once(other, server.log.snapshot(server.refs["two"])[1].seq)


def test_what_a_closed_tab_followed_is_followed_no_longer(report, server, open_page):
    report("one", status("running"), TotalReport(2, 0))
    report("two", status("running"))
    leader = open_page(job="one")
    expect(leader.locator('[part="counts"]')).to_have_text("0 of 2")
    other = open_page(items="two")
    other.wait_for_function("page.heard.length === 1")
    assert server.open_streams() == 2
    other.close()
    report("two", item("a", "succeeded"))
    report("two", item("b", "succeeded"))
    wait_until(leader, lambda: server.open_streams() == 1)


def test_tabs_of_other_accounts_and_tabs_that_shall_not_share_do_not(report, server, open_page):
    report("one", status("running"), TotalReport(2, 0))
    tabs = [open_page(job="one", scope=scope) for scope in ("a", "a", "b")]
    tabs += [open_page(job="one", shared="no") for _ in range(2)]
    for tab in tabs:
        expect(tab.locator('[part="counts"]')).to_have_text("0 of 2")
    assert server.open_streams() == 4


def test_a_frozen_leader_hands_over_and_catches_up_when_it_is_thawed(report, server, open_page):
    report("one", status("running"))
    first, second = open_page(items="one"), open_page(items="one")
    for tab in (first, second):
        tab.wait_for_function("page.heard.length === 1")
    leader, other = (first, second) if leader_of([first, second]) is first else (second, first)
    # What the browser tells a page that it freezes. (It does freeze none that is visible, and in
    # a headless browser all are.)
    leader.evaluate("document.dispatchEvent(new Event('freeze'))")
    wait_until(other, lambda: other.evaluate("page.client.isLeading"))
    report("one", item("a", "succeeded"))
    other.wait_for_function("page.heard.length === 3")
    leader.evaluate("document.dispatchEvent(new Event('resume'))")
    report("one", status("completed"))
    _, last = server.log.snapshot(server.refs["one"])
    for tab in (leader, other):
        tab.wait_for_function(f"page.heard.at(-1).id === '{last}'")
    assert_each_came_once(other, last.seq)


def test_a_page_that_comes_back_from_the_cache_goes_on(report, server, open_page):
    report("one", status("running"), TotalReport(3, 0))
    page = open_page(job="one")
    expect(page.locator('[part="counts"]')).to_have_text("0 of 3")
    # What the browser tells a page that it puts away, and that it brings back.
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    report("one", item("a", "succeeded"))
    wait_until(page, lambda: server.open_streams() == 0)
    expect(page.locator('[part="counts"]')).to_have_text("0 of 3")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(page.locator('[part="counts"]')).to_have_text("1 of 3")


def test_a_page_is_live_again_after_it_was_left_and_gone_back_to(report, server, open_page):
    report("one", status("running"), TotalReport(3, 0))
    page = open_page(job="one")
    expect(page.locator('[part="counts"]')).to_have_text("0 of 3")
    page.goto(f"{server.url}/streams")
    report("one", item("a", "succeeded"))
    wait_until(page, lambda: server.open_streams() == 0)
    page.go_back()
    expect(page.locator('[part="counts"]')).to_have_text("1 of 3")
    report("one", item("b", "succeeded"))
    expect(page.locator('[part="counts"]')).to_have_text("2 of 3")


def test_what_came_while_the_browser_was_offline_is_made_up_for(report, server, open_page):
    report("one", status("running"), TotalReport(3, 0))
    page = open_page(items="one")
    page.wait_for_function("page.heard.length === 1")
    page.context.set_offline(True)
    report("one", item("a", "succeeded"))
    page.wait_for_timeout(500)
    page.context.set_offline(False)
    report("one", item("b", "succeeded"), status("completed"))
    page.wait_for_function("page.heard.at(-1).type === 'status'")
    assert_each_came_once(page, server.log.snapshot(server.refs["one"])[1].seq)


def test_what_came_while_the_machine_slept_is_made_up_for(report, server, open_page):
    report("one", status("running"), TotalReport(3, 0))
    page = open_page(items="one", silence=1_500)
    page.wait_for_function("page.heard.length === 1")
    # The browser's processes stand still, and the server goes on.
    stopped = [each for each in psutil.Process().children(recursive=True) if is_chromium(each)]
    assert stopped
    for process in stopped:
        process.suspend()
    report("one", item("a", "succeeded"))
    time.sleep(2)
    for process in stopped:
        process.resume()
    report("one", item("b", "succeeded"), status("completed"))
    page.wait_for_function("page.heard.at(-1).type === 'status'")
    assert_each_came_once(page, server.log.snapshot(server.refs["one"])[1].seq)


def is_chromium(process: psutil.Process) -> bool:
    return "chrom" in process.name()
