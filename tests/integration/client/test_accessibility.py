"""axe finds no fault with the element, whatever its job does."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from progress.reports import ErrorReport, NoteReport, PhaseReport, ResultReport, TotalReport
from progress.testing import item, status
from tests.axe import faults

#: Rules about the page around the element, which is the test's.
OF_THE_PAGE = ["page-has-heading-one", "landmark-one-main", "region"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_fault_is_found_while_a_job_runs_and_after(report, open_page, scheme: str) -> None:
    report("one", status("running"), PhaseReport("playlists", 0, 2, 3, 1, 1, 3, 4))
    report("one", TotalReport(4, 0), item("a", "in_progress"), item("b", "failed", error="No"))
    report("one", NoteReport("Listing /music/Jazz", 0), ErrorReport("It is tried again.", "x", 0))
    page = open_page()
    page.emulate_media(color_scheme=scheme)
    page.evaluate("page.add('one', {items: '', label: 'Hear all songs'})")
    expect(page.get_by_role("progressbar")).to_be_visible()
    assert faults(page, without=OF_THE_PAGE) == []
    report("one", ResultReport(b'{"songs":12}', 0), status("failed", reason="Cut off."))
    expect(page.locator("job-progress")).to_have_attribute("data-status", "failed")
    assert faults(page, without=OF_THE_PAGE) == []


def test_no_fault_is_found_where_the_connection_is_lost_or_the_session_is_over(
    server, report, open_page
) -> None:
    report("one", status("running"), TotalReport(2, 0))
    server.answers.append((503, {"Retry-After": "60"}))
    page = open_page()
    page.evaluate("page.add('one', {label: 'Hear all songs', 'sign-in': '/sign-in?next='})")
    expect(page.get_by_role("button", name="Try now")).to_be_visible()
    assert faults(page, without=OF_THE_PAGE) == []
    server.answers.append((401, {}))
    page.get_by_role("button", name="Try now").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert faults(page, without=OF_THE_PAGE) == []
