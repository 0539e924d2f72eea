"""The jobs API: starting, listing, looking at, cancelling and retrying jobs."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from library import jobs
from library.models import Job, utc_now
from tests.integration.web.conftest import Person, Site

NO_SUCH_IDS = (str(uuid4()), str(uuid4()).upper(), "1", "null", "%00", "⁂", "x" * 300)


def assert_problem(answer, status: int, *words: str) -> dict:
    body = json.loads(answer.data)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert set(body) >= {"type", "title", "status", "detail"}
    assert body["status"] == status
    for word in words:
        assert word in body["detail"]
    return body


def ended(site: Site, person: Person, *, kind: str = "sync", status: str = "failed") -> str:
    """The id of a job that is over."""
    with site.runtime.database.session() as session:
        job, _ = jobs.create(session, account_id=person.account_id, kind=kind)
        jobs.finish(session, job_id=job.id, attempt=0, status=status, now=utc_now())
        return str(job.id)


def test_a_job_is_accepted_with_its_links(ada: Person):
    answer = ada.start("sync")
    job = answer.json
    assert answer.status_code == 202
    assert answer.location == job["links"]["self"] == f"/api/jobs/{job['id']}"
    assert (job["kind"], job["status"], job["attempt"]) == ("sync", "pending", 0)
    assert job["createdAt"].endswith("Z")
    assert ada.browser.get(job["links"]["self"]).json == job
    assert ada.browser.get(job["links"]["page"]).status_code == 200
    progress = ada.browser.get(job["links"]["progress"], headers={"Accept": "application/json"})
    assert progress.json["snapshot"]["status"] == "pending"


def test_a_second_job_of_a_kind_is_refused_with_the_first_ones_address(ada: Person):
    first = ada.start("sync").json
    body = assert_problem(ada.start("sync"), 409, "running already")
    assert body["job"] == first["links"]["self"]
    assert ada.start("matching").status_code == 202


def test_an_idempotency_key_makes_a_repeat_harmless(ada: Person):
    answers = [ada.start("sync", **{"Idempotency-Key": "monday"}) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json["id"] for answer in answers}) == 1
    other = ada.start("analysis", **{"Idempotency-Key": "monday"})
    assert assert_problem(other, 422, "Idempotency-Key", "monday", "sync")
    assert len(ada.browser.get("/api/jobs").json["jobs"]) == 1


def test_a_key_of_one_account_is_none_of_another(site: Site):
    ids = {site.person().start("sync", **{"Idempotency-Key": "k"}).json["id"] for _ in range(2)}
    assert len(ids) == 2


@pytest.mark.parametrize("key", ["", " ", "x" * 129, "é"])
def test_a_key_that_is_none_is_refused(ada: Person, key: str):
    assert_problem(ada.start("sync", **{"Idempotency-Key": key}), 422, "Idempotency-Key")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"kind": "nonsense"}', ('kind is "nonsense"', "sync, analysis, matching")),
        (b'{"kind": 7}', ("kind is 7",)),
        (b'{"kind": ["sync"]}', ('kind is ["sync"]',)),
        (b'{"kind": NaN}', ("kind is NaN",)),
        (b'{"kind": "\\ud800"}', ('kind is "\\ud800"',)),
        (b'{"kind": "' + b"s" * 5000 + b'"}', ("sss…",)),
        (b"{}", ("kind is null",)),
        (b"[]", ("The body is []",)),
        (b"", ('The body is ""', '{"kind": "sync"}')),
        (b"\xff\xfe", ("The body is",)),
        (b"{", ("The body is",)),
        (b"[" * 50_000, ("The body is",)),
    ],
)
def test_a_body_that_is_no_request_is_refused_with_its_field_and_value(ada: Person, body, words):
    answer = ada.post("/api/jobs", data=body, content_type="application/json")
    assert "field" in assert_problem(answer, 422, *words)
    assert len(answer.data) < 500
    assert ada.browser.get("/api/jobs").json["jobs"] == []


def test_a_body_over_64_kb_is_refused(ada: Person):
    body = b'{"kind": "sync", "more": "' + b"x" * 65_536 + b'"}'
    assert_problem(ada.post("/api/jobs", data=body, content_type="application/json"), 413)


def test_a_body_that_is_not_json_is_refused(ada: Person):
    assert_problem(ada.post("/api/jobs", data={"kind": "sync"}), 415, "application/json")


def test_jobs_are_listed_newest_first_a_page_at_a_time(ada: Person, site: Site):
    made = [ended(site, ada) for _ in range(5)][::-1]
    found, address = [], "/api/jobs?limit=2"
    while address:
        answer = ada.browser.get(address)
        assert len(answer.json["jobs"]) <= 2
        found += [job["id"] for job in answer.json["jobs"]]
        address = answer.json["links"]["next"]
    assert found == made


def test_a_full_last_page_names_no_next_one(ada: Person, site: Site):
    for _ in range(2):
        ended(site, ada)
    assert ada.browser.get("/api/jobs?limit=2").json["links"] == {"next": None}


def test_jobs_are_filtered_by_kind_and_status(ada: Person, site: Site):
    failed = ended(site, ada, kind="sync", status="failed")
    completed = ended(site, ada, kind="matching", status="completed")
    pending = ada.start("matching").json["id"]

    def found(query: str) -> list[str]:
        return [job["id"] for job in ada.browser.get(f"/api/jobs?{query}").json["jobs"]]

    assert found("kind=matching") == [pending, completed]
    assert found("status=failed") == [failed]
    assert found("kind=matching&status=completed") == [completed]
    assert found("kind=sync&status=pending") == []
    assert (
        "kind=matching" in ada.browser.get("/api/jobs?kind=matching&limit=1").json["links"]["next"]
    )


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("kind=nonsense", ("kind", "nonsense")),
        ("status=done", ("status", "done", "completed")),
        ("limit=0", ("limit", '"0"', "1 to 100")),
        ("limit=101", ("limit",)),
        ("limit=²", ("limit",)),
        ("limit=" + "9" * 5000, ("limit",)),
        ("before=yesterday", ("before", "yesterday")),
    ],
)
def test_a_query_that_cannot_be_answered_is_refused_with_its_field_and_value(ada, query, words):
    assert_problem(ada.browser.get(f"/api/jobs?{query}"), 422, *words)


def test_a_job_that_no_worker_has_begun_is_cancelled_at_once(ada: Person):
    job = ada.start("sync").json
    answer = ada.post(job["links"]["cancel"])
    assert (answer.status_code, answer.json["status"]) == (202, "cancelled")
    assert answer.json["finishedAt"]
    assert_problem(ada.post(job["links"]["cancel"]), 409, "over already")


def test_a_retry_is_a_job_that_names_the_one_it_goes_on_from(ada: Person, site: Site):
    first = ended(site, ada)
    answer = ada.post(f"/api/jobs/{first}/retry")
    assert answer.status_code == 202
    assert answer.json["retryOf"] == first
    assert answer.json["kind"] == "sync"
    body = assert_problem(ada.post(f"/api/jobs/{first}/retry"), 409)
    assert body["job"] == answer.json["links"]["self"]


def test_a_job_that_is_not_there_is_answered_alike_whatever_its_id(ada: Person, site: Site):
    theirs = site.person().start("sync").json["id"]
    for path in ("/api/jobs/{}", "/api/jobs/{}/progress"):
        answers = {ada.browser.get(path.format(key)).data for key in (*NO_SUCH_IDS, theirs)}
        assert len(answers) == 1
        assert ada.browser.get(path.format(theirs)).status_code == 404
    for path in ("/api/jobs/{}/cancel", "/api/jobs/{}/retry"):
        answers = {ada.post(path.format(key)).data for key in (*NO_SUCH_IDS, theirs)}
        assert len(answers) == 1
        assert_problem(ada.post(path.format(theirs)), 404, "no such job")


def test_another_accounts_job_is_no_mark_in_a_list(ada: Person, site: Site):
    ada.start("sync")
    theirs = site.person().start("sync").json["id"]
    answers = [ada.browser.get(f"/api/jobs?before={key}").data for key in (theirs, uuid4())]
    assert answers[0] == answers[1]


def test_what_is_not_there_and_what_is_not_taken_are_problems_too(ada: Person):
    assert_problem(ada.browser.get("/api/nothing"), 404)
    answer = ada.post("/api/jobs/progress")
    assert_problem(answer, 405)
    assert "GET" in answer.headers["Allow"]


def test_a_stored_error_is_shown_with_its_code(ada: Person, site: Site):
    with site.runtime.database.session() as session:
        job, _ = jobs.create(session, account_id=ada.account_id, kind="sync")
        session.get(Job, job.id).status = "failed"
        job.finished_at, job.error_code, job.error_message = utc_now(), "no_source", "No folder."
    shown = ada.browser.get(f"/api/jobs/{job.id}").json
    assert shown["error"] == {"message": "No folder.", "code": "no_source"}
