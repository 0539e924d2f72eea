"""A job read without a stream: from its log, from its row, by its owner alone."""

from __future__ import annotations

from uuid import uuid4

from flask.testing import FlaskClient

from progress.history import EventPage
from progress.log import JobRef
from progress.testing import item, status
from tests.integration.web.conftest import Person, Site

NO_JOB = "There is no such job."


def test_a_job_in_the_queue_is_pending_and_then_what_its_log_says(site: Site, ada: Person) -> None:
    job_id = ada.start("sync").json["id"]
    path = f"/api/jobs/{job_id}/events"
    first = EventPage.model_validate_json(ada.browser.get(path).data)
    assert first.snapshot is not None
    assert first.snapshot.status == "pending"  # type: ignore[union-attr]
    ref = JobRef(str(ada.account_id), job_id)
    site.runtime.log.append(ref, [status("running"), item("a", "succeeded")], attempt=1)
    answer = ada.browser.get(path, query_string={"after": first.cursor or ""})
    page = EventPage.model_validate_json(answer.data)
    assert page.cursor != first.cursor
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert {"Accept", "Accept-Encoding", "Cookie"} <= set(answer.headers["Vary"].split(", "))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_job_whose_log_was_lost_is_answered_from_its_row(site: Site, ada: Person) -> None:
    job_id = ada.start("sync").json["id"]
    log = site.runtime.log
    keys = list(log.client.scan_iter(f"*{job_id}*"))
    if keys:
        log.client.delete(*keys)
    for path in (f"/api/jobs/{job_id}/events", f"/api/jobs/{job_id}/events?after=7-3"):
        page = EventPage.model_validate_json(ada.browser.get(path).data)
        assert page.snapshot is not None
        assert (page.snapshot.status, page.cursor) == ("pending", None)  # type: ignore[union-attr]


def test_a_strangers_job_is_unknown_in_the_same_words_wherever_it_is_asked_for(
    site: Site, ada: Person
) -> None:
    job_id = site.person().start("sync").json["id"]
    told = set()
    for known_id in (job_id, str(uuid4()), "no-id"):
        for name in ("", "/progress", "/events", "/failures", "/run"):
            answer = ada.browser.get(f"/api/jobs/{known_id}{name}")
            assert (answer.status_code, answer.json["detail"]) == (404, NO_JOB)
            told.add(answer.data)
    assert len(told) == 1


def test_the_script_for_pages_needs_no_session(anyone: FlaskClient) -> None:
    answer = anyone.get("/api/jobs/job-progress.js")
    assert (answer.status_code, answer.mimetype) == (200, "text/javascript")
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Set-Cookie" not in answer.headers
