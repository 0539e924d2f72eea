"""The page of a job and the list of jobs: what they say, live and without JavaScript."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from werkzeug.serving import WSGIRequestHandler, make_server

from library import jobs
from library.models import Job, utc_now
from progress.log import JobRef
from progress.reports import ErrorReport, NoteReport, Report, TotalReport
from progress.testing import ManualClock, item, status
from tests import axe
from tests.integration.web.conftest import Person, Site
from tests.packages import package

#: Where pictures for the documents go; only when asked for, so that tests change no file.
IMAGES = os.environ.get("EARMARK_IMAGES")
READ = {"songs": 12, "playlists": 3, "liked": 5}


class Desk:
    """An account whose jobs a test moves on as workers would: the row first, then the log."""

    def __init__(self, site: Site, person: Person) -> None:
        self.site, self.person = site, person
        self.now: Callable[[], float] = time.time

    def job(self, kind: str, *, retry_of: UUID | None = None) -> UUID:
        """A job that nobody has begun."""
        with self.site.runtime.database.session() as session:
            job, _ = jobs.create(
                session, account_id=self.person.account_id, kind=kind, retry_of=retry_of
            )
            return job.id

    def begin(self, key: UUID, *reports: Report) -> None:
        with self.site.runtime.database.session() as session:
            jobs.begin_attempt(session, job_id=key, now=utc_now())
        self.tell(key, status("running", at=self.now()), *reports)

    def end(self, key: UUID, name: str, *, error: str | None = None, **result: object) -> None:
        with self.site.runtime.database.session() as session:
            attempt = jobs.load(session, job_id=key).attempt
            if result:
                kept = {"total": 12, "succeeded": 12, "failed": 0, "result": result}
                jobs.set_counts(session, job_id=key, attempt=attempt, **kept)
            jobs.finish(
                session,
                job_id=key,
                attempt=attempt,
                status=name,
                now=utc_now(),
                error_message=error,
                error_code=error and "source_unavailable",
            )
        reports = [ErrorReport(error, "source_unavailable", self.now())] if error else []
        self.tell(key, *reports, status(name, at=self.now(), reason=error))

    def ended(self, kind: str, name: str, **more: object) -> UUID:
        key = self.job(kind)
        self.begin(key)
        self.end(key, name, **more)
        return key

    def asked_for(self, key: UUID, *, days_ago: int) -> None:
        with self.site.runtime.database.session() as session:
            session.get(Job, key).created_at = utc_now() - timedelta(days=days_ago)

    def tell(self, key: UUID, *reports: Report) -> None:
        ref = JobRef(str(self.person.account_id), str(key))
        self.site.runtime.log.append(ref, reports, attempt=1)

    def page(self, path: str) -> str:
        return self.person.browser.get(path).text


@pytest.fixture
def desk(site: Site, ada: Person) -> Desk:
    return Desk(site, ada)


# -- without JavaScript -----------------------------------------------------------------------


def test_a_job_that_waits_says_why_and_its_page_loads_itself_again(desk: Desk) -> None:
    key = desk.person.start("sync").json["id"]
    page = desk.page(f"/jobs/{key}")
    assert "No worker takes jobs of the queue ‘celery’ at the moment." in page
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page
    assert ">Waiting</span>" in page
    desk.person.post(f"/api/jobs/{key}/cancel")
    page = desk.page(f"/jobs/{key}")
    assert "No worker takes" not in page
    assert 'http-equiv="refresh"' not in page
    assert "Nothing was done." in page


@pytest.mark.parametrize(
    ("kind", "result", "words", "following"),
    [
        ("sync", READ, "Found 12 songs and 3 playlists; you love 5", "Listen to them now"),
        ("sync", READ | {"songs": 0}, "Found 0 songs", "Add music"),
        ("analysis", {"heard": 12}, "Heard 12 songs.", "Match them now"),
        ("matching", {"proposed": 2}, "Found a playlist for 2 songs.", "Look at the proposals"),
        ("matching", {"proposed": 0}, "There was no song you love", "Back to the start"),
    ],
)
def test_a_job_that_is_done_says_what_it_came_to_and_what_to_do_next(
    desk: Desk, kind: str, result: dict[str, int], words: str, following: str
) -> None:
    page = desk.page(f"/jobs/{desk.ended(kind, 'completed', **result)}")
    assert words in page
    assert following in page
    assert "12 of 12" not in page
    assert "<dt>Took</dt>" in page
    assert page.count("<time datetime=") == 3


def test_a_job_and_the_one_that_repeats_it_lead_to_each_other(desk: Desk) -> None:
    first = desk.ended("sync", "failed", error="The disk is away.")
    second = desk.job("sync", retry_of=first)
    assert f'href="/jobs/{second}"' in desk.page(f"/jobs/{first}")
    assert f'href="/jobs/{first}"' in desk.page(f"/jobs/{second}")


def test_the_list_shows_a_kind_a_status_and_a_time_and_its_pages_keep_to_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.pages.PAGE_JOBS", 1)
    old, new = (desk.ended("sync", "failed", error="Away.") for _ in range(2))
    desk.asked_for(old, days_ago=8)
    other = desk.ended("analysis", "completed", heard=3)

    def shown(query: str) -> list[bool]:
        text = desk.page(f"/jobs?{query}")
        return [f"job-{key}" in text for key in (old, new, other)]

    assert shown("kind=sync") == [False, True, False]
    assert shown("status=completed&kind=") == [False, False, True]
    assert shown("days=7&status=failed") == [False, True, False]
    first = desk.page("/jobs?kind=sync&status=failed&days=30")
    following = f"/jobs?before={new}&amp;kind=sync&amp;status=failed&amp;days=30"
    assert f'rel="next" href="{following}"' in first
    assert shown(f"before={new}&kind=sync&status=failed&days=30") == [True, False, False]
    assert shown("kind=nonsense&days=x") == [False, False, True]
    assert "No job is like that." in desk.page("/jobs?status=cancelled")
    assert '<option value="7" selected>' in desk.page("/jobs?days=7")


def test_the_api_bounds_the_time_too(desk: Desk) -> None:
    old, new = desk.ended("sync", "completed", **READ), desk.ended("sync", "completed", **READ)
    desk.asked_for(old, days_ago=8)
    week_ago = (utc_now() - timedelta(days=7)).isoformat()

    def listed(**query: str) -> list[str]:
        answer = desk.person.browser.get("/api/jobs", query_string=query)
        return [job["id"] for job in answer.json["jobs"]]

    assert listed(since=week_ago) == [str(new)]
    assert listed(until=week_ago) == [str(old)]
    answer = desk.person.browser.get(
        "/api/jobs", query_string={"since": "2026-01-01T00:00:00Z", "limit": "1"}
    )
    assert [job["id"] for job in desk.person.browser.get(answer.json["links"]["next"]).json["jobs"]]
    assert "since=2026-01-01T00" in answer.json["links"]["next"]
    refused = desk.person.browser.get("/api/jobs", query_string={"until": "tomorrow"})
    assert (refused.status_code, refused.json["field"]) == (422, "until")


# -- live -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(site: Site) -> Iterator[str]:
    """Where a real server answers for the site."""

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, *_: object) -> None: ...

    server = make_server("127.0.0.1", 0, site.app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def show(browser: Browser, address: str, desk: Desk) -> Iterator[Callable[..., Page]]:
    """Shows pages in a browser of the account."""
    contexts: list[BrowserContext] = []

    def show(path: str, **options: object) -> Page:
        context = browser.new_context(base_url=address, timezone_id="Asia/Tokyo", **options)
        contexts.append(context)
        name = desk.site.app.config["SESSION_COOKIE_NAME"]
        cookie = desk.person.browser.get_cookie(name)
        assert cookie is not None
        context.add_cookies([{"name": name, "value": cookie.value, "url": address}])
        page = context.new_page()
        page.goto(path)
        return page

    yield show
    for context in contexts:
        context.close()


def test_the_page_of_a_job_follows_it_from_waiting_to_what_it_came_to(
    desk: Desk, show: Callable[..., Page]
) -> None:
    key = UUID(desk.person.start("sync").json["id"])
    page = show(f"/jobs/{key}")
    page.evaluate("window.isTheSame = true")
    why = page.locator('[part="waiting"]')
    expect(why).to_have_text("No worker takes jobs of the queue ‘celery’ at the moment.")
    desk.site.runtime.log.queues.take("one", ["celery"], seconds=60)
    expect(why).to_have_text("", timeout=3_000)
    desk.site.runtime.log.queues.leave("one", ["celery"])
    desk.begin(key, TotalReport(12, time.time()), item("a", "in_progress", at=time.time() - 240))
    expect(page.locator('[data-part="status"]')).to_have_text("Running")
    expect(page.get_by_text("Started")).to_be_visible()
    expect(page.locator('[data-part="running"]')).to_contain_text("Song a 4 min")
    desk.tell(key, NoteReport("Reading the playlists", time.time()))
    expect(page.locator('job-progress [part="note"]')).to_have_text("Reading the playlists")
    desk.end(key, "completed", **READ)
    expect(page.get_by_text("Found 12 songs and 3 playlists")).to_be_visible()
    expect(page.get_by_role("button", name="Listen to them now")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    assert page.evaluate("window.isTheSame"), "it was loaded again"
    # Nine hours from UTC.
    begun = page.locator("time").first
    assert begun.get_attribute("datetime") is not None
    assert "UTC" not in (begun.text_content() or "UTC")


def test_the_list_shows_new_jobs_and_ends_and_cancels_and_repeats(
    desk: Desk, show: Callable[..., Page]
) -> None:
    page = show("/jobs")
    expect(page.get_by_text("No job has run yet.")).to_be_visible()
    key = UUID(desk.person.start("sync").json["id"])
    row = page.locator(f"#job-{key}")
    expect(row).to_contain_text("Waiting")
    desk.begin(key, TotalReport(12, time.time()))
    expect(row).to_contain_text("Running")
    desk.end(key, "failed", error="The disk is away.")
    expect(row).to_contain_text("The disk is away.")
    row.get_by_role("button", name="Again").click()
    page.wait_for_url("**/jobs/*")
    expect(page.locator('[data-part="status"]')).to_have_text("Waiting")
    page.goto("/jobs")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator('[data-part="status"]')).to_have_text("Cancelled")


def _waiting(desk: Desk) -> str:
    return f"/jobs/{desk.person.start('analysis').json['id']}"


def _running(desk: Desk) -> str:
    key, now = desk.job("analysis"), time.time()
    desk.begin(key, TotalReport(48, now), NoteReport("Listening to what came last week", now))
    for number in range(19):
        desk.tell(key, item(f"{number + 1}", "succeeded", at=now + number))
    desk.tell(key, item("20", "failed", at=now + 20, error="The file is empty."))
    desk.tell(key, item("21", "in_progress", at=now - 240), item("22", "in_progress", at=now))
    return f"/jobs/{key}"


def _failed(desk: Desk) -> str:
    error = "The music folder is not there. Connect its disk, and sync again."
    key = desk.ended("sync", "failed", error=error)
    desk.job("sync", retry_of=key)
    return f"/jobs/{key}"


def _cancelled(desk: Desk) -> str:
    key = desk.job("analysis")
    reports = [item(f"{number + 1}", "succeeded", at=time.time()) for number in range(7)]
    desk.begin(key, TotalReport(12, time.time()), *reports)
    desk.end(key, "cancelled")
    return f"/jobs/{key}"


def _finished(desk: Desk) -> str:
    return f"/jobs/{desk.ended('sync', 'completed', **READ)}"


def _replayed(desk: Desk) -> str:
    """A job of 80 seconds, by a clock of its own."""
    key, log = desk.job("analysis"), desk.site.runtime.log
    begun = time.time() - 90
    desk.now = clock = ManualClock(begun)
    log.clock_us = clock.microseconds
    try:
        desk.tell(key, status("pending", at=clock()))
        clock.advance(6)
        desk.begin(key, TotalReport(40, clock()))
        for number in range(40):
            clock.advance(1 + number % 3)
            name = "failed" if number == 17 else "succeeded"
            desk.tell(key, item(f"{number + 1}", name, at=clock(), error="The file is empty."))
            desk.tell(key, item(f"{number + 2}", "in_progress", at=clock()))
        desk.end(key, "completed", heard=39)
    finally:
        log.clock_us = None
    with desk.site.runtime.database.session() as session:
        job = session.get(Job, key)
        job.created_at, job.started_at, job.finished_at = (
            datetime.fromtimestamp(at, UTC) for at in (begun, begun + 6, clock())
        )
    return f"/jobs/{key}"


def _list(desk: Desk) -> str:
    _failed(desk)
    desk.ended("matching", "completed", proposed=3)
    _running(desk)
    return "/jobs"


@pytest.mark.parametrize(
    "state", ["waiting", "running", "failed", "cancelled", "finished", "replayed", "list"]
)
def test_each_state_fits_every_screen_and_axe_finds_nothing(
    desk: Desk, show: Callable[..., Page], state: str
) -> None:
    path = globals()[f"_{state}"](desk)
    for width, height in ((390, 844), (1440, 900)):
        page = show(path, viewport={"width": width, "height": height})
        if state == "waiting":
            expect(page.locator('[part="waiting"]')).to_contain_text("No worker")
        elif state == "replayed":
            page.get_by_role("button", name="Play it again").click()
            page.get_by_role("button", name="Pause").click()
            page.get_by_role("slider").fill("60")
        elif state == "running":
            expect(page.locator('[part="counts"]')).to_contain_text("20 of 48")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert axe.faults(page) == []
            wide = "document.documentElement.scrollWidth - innerWidth"
            assert page.evaluate(wide) <= 0
            _picture(page, f"job-{state}-{width}-{scheme}")


def _picture(page: Page, name: str) -> None:
    """Keep a picture of at most 60 KB, with a palette."""
    if not IMAGES:
        return
    path = Path(IMAGES) / f"{name}.png"
    page.screenshot(path=path, full_page="replayed" in name)
    script = (
        "import sys; from PIL import Image; "
        "Image.open(sys.argv[1]).convert('RGB').quantize(128).save(sys.argv[1], optimize=True)"
    )
    environment = os.environ | {"PYTHONPATH": str(package("pillow", alone=True))}
    subprocess.run([sys.executable, "-c", script, str(path)], env=environment, check=True)
    assert path.stat().st_size <= 60_000
