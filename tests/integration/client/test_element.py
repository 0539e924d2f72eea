"""`<job-progress>` in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from progress.limits import StreamLimits
from progress.log import JobRef
from progress.reports import ErrorReport, NoteReport, PhaseReport, ResultReport, TotalReport
from progress.testing import item, status
from tests.job_server import job_server


def part(page: Page, name: str):
    return page.locator(f'job-progress [part="{name}"]')


def bar(page: Page):
    return page.get_by_role("progressbar")


def test_what_is_inside_is_shown_until_the_first_state_and_never_again(report, server, open_page):
    report("one", status("running"), TotalReport(4, 0), item("a", "succeeded"))
    server.answers.append((503, {"Retry-After": "1"}))
    page = open_page()
    page.evaluate("page.add('one', {}, 'Please wait')")
    expect(page.get_by_text("Please wait")).to_be_visible()
    expect(bar(page)).to_have_count(0)
    expect(bar(page)).to_be_visible(timeout=8_000)
    expect(page.get_by_text("Please wait")).to_be_hidden()


def test_the_bar_has_a_role_a_name_and_its_values(report, open_page):
    report("one", status("running"), TotalReport(8, 0), item("a", "succeeded"))
    page = open_page()
    page.evaluate("page.add('one', {label: 'Hear all songs'})")
    expect(bar(page)).to_have_accessible_name("Hear all songs")
    expect(bar(page)).to_have_attribute("aria-valuenow", "12")
    expect(bar(page)).to_have_attribute("aria-valuetext", "1 of 8")
    report("one", item("b", "failed", error="No song"))
    expect(part(page, "counts")).to_have_text("2 of 8, 1 failed")
    expect(bar(page)).to_have_attribute("aria-valuenow", "25")


def test_without_a_total_it_moves_and_has_no_value(report, open_page):
    report("one", status("running"), item("a", "succeeded"))
    page = open_page(job="one")
    expect(part(page, "counts")).to_have_text("1")
    assert bar(page).get_attribute("aria-valuenow") is None
    assert animation(page) == "move"
    report("one", TotalReport(2, 0))
    expect(bar(page)).to_have_attribute("aria-valuenow", "50")
    assert animation(page) == "none"


def test_nothing_moves_for_who_wants_it_so(report, open_page):
    report("one", status("running"), item("a", "succeeded"))
    page = open_page()
    page.emulate_media(reduced_motion="reduce")
    page.evaluate("page.add('one')")
    expect(part(page, "counts")).to_have_text("1")
    assert animation(page) == "none"
    transition = f"getComputedStyle({FILL}).transitionDuration"
    assert page.evaluate(transition) == "0s"


FILL = "document.querySelector('job-progress').shadowRoot.querySelector('[part=fill]')"


def animation(page: Page) -> str:
    name: str = page.evaluate(f"getComputedStyle({FILL}).animationName")
    return name


def test_phases_errors_and_the_item_at_work_on_are_told(report, open_page):
    report("one", status("running"), PhaseReport("playlists", 0, 2, 3, 1, 1, 3, 4))
    report("one", item("a", "in_progress"), ErrorReport("The folder is gone.", "gone", 0))
    page = open_page()
    page.evaluate("page.add('one', {items: ''})")
    expect(part(page, "phase")).to_have_text("Part 2 of 3: playlists")
    expect(part(page, "current")).to_have_text("Song a")
    expect(part(page, "error")).to_have_text("The folder is gone.")
    expect(page.locator("job-progress")).to_have_attribute("data-status", "running")


def test_a_page_hears_each_event_in_order_and_the_end_once(report, open_page):
    report("one", status("running"))
    page = open_page()
    page.evaluate("page.add('one', {items: ''})")
    expect(bar(page)).to_be_visible()
    report("one", item("a", "in_progress"), item("a", "succeeded"))
    report("one", status("completed"))
    page.wait_for_function("page.ended === 1")
    heard = page.evaluate("page.heard")
    assert [each["type"] for each in heard] == [
        "snapshot",
        *("item", "item", "progress"),
        *("progress", "status"),
    ]
    seqs = [int(each["id"].split("-")[1]) for each in heard]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert page.evaluate("page.changes") <= len(heard) + 4


def test_another_job_id_is_another_job(report, open_page):
    report("one", status("running"), TotalReport(2, 0))
    report("two", status("running"), TotalReport(3, 0))
    page = open_page(job="one")
    expect(part(page, "counts")).to_have_text("0 of 2")
    page.evaluate("document.querySelector('job-progress').jobId = 'two'")
    expect(part(page, "counts")).to_have_text("0 of 3")


def test_a_job_that_had_ended_before_is_shown_as_ended(report, server, open_page):
    report("one", status("running"), item("a", "succeeded"), status("completed"))
    page = open_page(job="one")
    expect(bar(page)).to_have_attribute("aria-valuenow", "100")
    page.wait_for_function("page.ended === 1")
    wait_until(page, lambda: server.open_streams() == 0)


def test_a_job_that_may_not_be_seen_leaves_what_is_inside_and_says_so(open_page):
    page = open_page()
    page.evaluate("page.add('nothing', {}, 'Job 1')")
    expect(part(page, "connection")).to_have_text("This job cannot be watched.")
    expect(page.get_by_text("Job 1")).to_be_visible()


def test_an_element_that_is_gone_holds_no_connection(report, server, open_page):
    report("one", status("running"), TotalReport(2, 0))
    page = open_page(job="one")
    expect(bar(page)).to_be_visible()
    page.evaluate("document.querySelector('job-progress').remove()")
    report("one", item("a", "succeeded"))  # a server sees who is gone when it writes
    wait_until(page, lambda: server.open_streams() == 0)


def test_a_lost_connection_is_tried_at_once_by_a_button(report, server, open_page):
    report("one", status("running"), TotalReport(2, 0))
    server.answers.append((503, {"Retry-After": "60"}))
    page = open_page()
    page.evaluate("page.add('one')")
    button = page.get_by_role("button", name="Try now")
    expect(button).to_be_visible()
    expect(part(page, "connection")).to_have_text("The connection was lost. Trying again…")
    button.press("Enter")
    expect(part(page, "counts")).to_have_text("0 of 2")
    expect(button).to_be_hidden()
    expect(part(page, "connection")).to_be_empty()


def test_a_button_of_a_tab_that_has_no_connection_of_its_own_works_too(report, server, open_page):
    report("one", status("running"), TotalReport(2, 0))
    server.answers.append((503, {"Retry-After": "60"}))
    leader, other = open_page(job="one"), open_page(job="one")
    expect(leader.get_by_role("button", name="Try now")).to_be_visible()
    assert not other.evaluate("page.client.isLeading")
    other.get_by_role("button", name="Try now").click()
    for page in (leader, other):
        expect(part(page, "counts")).to_have_text("0 of 2")


def test_a_page_whose_session_is_over_leads_to_the_page_to_sign_in_and_back(
    report, server, open_page
):
    report("one", status("running"), TotalReport(2, 0))
    page = open_page()
    server.answers.append((401, {}))
    page.evaluate("page.add('one', {'sign-in': '/pages/element.html?next='})")
    expect(part(page, "connection")).to_have_text("Sign in again to go on watching.")
    link = page.get_by_role("link", name="Sign in")
    expect(link).to_have_attribute("href", "/pages/element.html?next=%2Fpages%2Felement.html%3F")
    link.click()
    assert page.evaluate("new URLSearchParams(location.search).get('next')") == (
        "/pages/element.html?"
    )


def test_without_an_address_to_sign_in_there_is_no_link(server, open_page):
    page = open_page()
    server.answers.append((401, {}))
    page.evaluate("page.add('one')")
    expect(part(page, "connection")).to_have_text("Sign in again to go on watching.")
    expect(page.get_by_role("link")).to_have_count(0)


def test_what_a_job_says_and_came_to_is_told_while_the_page_looks_on(report, open_page):
    report("one", status("running"))
    page = open_page()
    page.evaluate("page.add('one', {items: ''})")
    expect(bar(page)).to_be_visible()
    report("one", NoteReport("Listing /music/Jazz", 0))
    expect(part(page, "note")).to_have_text("Listing /music/Jazz")
    report("one", ResultReport(b'{"songs":12,"playlists":3}', 0), status("completed"))
    expect(part(page, "result")).to_have_text("songs: 12, playlists: 3")


def test_a_strict_policy_forbids_nothing_that_the_element_does(report, open_page):
    report("one", status("running"), TotalReport(4, 0), item("a", "succeeded"))
    page = open_page(strict="")
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.evaluate("page.add('one', {items: ''})")
    expect(bar(page)).to_have_attribute("aria-valuenow", "25")
    assert page.evaluate(f"getComputedStyle({FILL}.parentElement).overflow") == "hidden"
    assert page.evaluate(f"{FILL}.style.inlineSize") == "25%"
    report("one", status("completed"))
    # What waits in the page evaluates text, which the policy forbids.
    while page.evaluate("page.ended") != 1:
        page.wait_for_timeout(20)
    assert refused == []


@pytest.mark.parametrize("prefix", ["", "/live"])
def test_a_page_of_another_site_shows_a_job_and_asks_for_nothing_twice(pages, context, prefix):
    (limits, ref) = (StreamLimits(keep_alive_seconds=0.5), JobRef("ada", "one"))
    with job_server(limits=limits, prefix=prefix) as ours, job_server(pages=pages) as theirs:
        ours.report(ref, status("running"), TotalReport(4, 0))
        (pages / "elsewhere.html").write_text(
            f"""<!doctype html><title>Shop</title>
            <script type="module" src="{ours.url}{prefix}/api/jobs/job-progress.js"></script>
            <job-progress job-id="one" items crossorigin="use-credentials"></job-progress>""",
            "utf-8",
        )
        ours.origins.add(theirs.url)
        page = context.new_page()
        page.goto(f"{theirs.url}/pages/elsewhere.html")
        expect(part(page, "counts")).to_have_text("0 of 4")
        ours.report(ref, item("a", "succeeded"))
        expect(part(page, "counts")).to_have_text("1 of 4")
        # Away and back, with the position of the last event.
        page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
        ours.report(ref, item("b", "succeeded"))
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
        expect(part(page, "counts")).to_have_text("2 of 4")
        assert ours.methods["OPTIONS"] == 0
        assert theirs.opened.total() == 0
        page.close()


def test_parts_can_be_styled_from_outside(report, open_page):
    report("one", status("running"), TotalReport(2, 0))
    page = open_page(job="one")
    page.add_style_tag(content="job-progress::part(counts) { color: rgb(1, 2, 3) }")
    expect(part(page, "counts")).to_have_css("color", "rgb(1, 2, 3)")


def test_the_title_and_the_icon_show_a_running_job(report, open_page):
    report("one", status("running"), TotalReport(4, 0), item("a", "succeeded"))
    page = open_page()
    icon = "document.querySelector('link[rel=icon]').href"
    before = page.evaluate(icon)
    page.evaluate("page.notice({})")
    page.evaluate("page.add('one')")
    expect(page).to_have_title("25 % Jobs")
    assert "25%20100" in page.evaluate(icon)
    report("one", item("b", "succeeded"))
    expect(page).to_have_title("50 % Jobs")
    report("one", status("completed"))
    expect(page).to_have_title("Jobs")
    assert page.evaluate(icon) == before


def test_a_notification_is_shown_when_a_job_ends_and_nobody_looks(report, context, open_page):
    context.grant_permissions(["notifications"])
    report("one", status("running"), TotalReport(4, 0))
    page = open_page()
    page.evaluate(
        """() => {
            globalThis.shown = [];
            globalThis.Notification = class {
                static permission = "granted";
                constructor(title, options) { shown.push([title, options.tag]); }
            };
            page.notice({ notification: ({ status }) => ({ title: `It ${status}.` }) });
            page.add("one");
        }"""
    )
    expect(page).to_have_title("0 % Jobs")
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true })")
    report("one", status("completed"))
    page.wait_for_function("shown.length > 0")
    assert page.evaluate("shown") == [["It completed.", "job-progress one"]]


def wait_until(page: Page, condition) -> None:
    for _ in range(100):
        if condition():
            return
        page.wait_for_timeout(50)
    assert condition()
