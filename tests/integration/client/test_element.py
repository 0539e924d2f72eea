"""`<job-progress>` in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from progress.reports import ErrorReport, PhaseReport, TotalReport
from progress.testing import item, status


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
