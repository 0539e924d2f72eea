"""A log as JSON pages: what each request is answered, and how one page leads to the next."""

from __future__ import annotations

import gzip
import json
import re
import threading
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from progress.aliases import Sent, SumRef
from progress.cursor import Cursor
from progress.events import JobStatus, Snapshot, parse_event
from progress.flask import create_blueprint
from progress.history import EventPage, Links
from progress.limits import StreamLimits
from progress.log import FeedRef, JobRef, Retention
from progress.memory import MemoryLog
from progress.queues import Destination
from progress.reports import Report
from progress.rules.snapshot import fold
from progress.testing import FaultyLog, entries_of, fresh_ref, item, status

REF = fresh_ref()
JSON = {"Accept": "application/json"}
NO_JOB = {"type": "about:blank", "title": "Not Found", "status": 404}
NO_JOB |= {"detail": "There is no such job."}


def client_of(log: Any, prefix: str = "", **options: Any) -> FlaskClient:
    """A browser whose account may read whatever it names."""
    app = Flask(__name__)
    blueprint = create_blueprint(
        log,
        authorize=lambda job_id: JobRef(REF.account, job_id),
        account=lambda: request.headers.get("X-Account", REF.account) or None,
        **options,
    )
    app.register_blueprint(blueprint, url_prefix=prefix or None)
    return app.test_client()


def log_with(*reports: Report, kept: int = 2_000) -> MemoryLog:
    log = MemoryLog(Retention(job_events=kept))
    log.append(REF, [status("running"), *reports], attempt=1)
    return log


def path_of(name: str, job_id: str = REF.job_id) -> str:
    return f"/api/jobs/{job_id}/{name}"


def next_of(answer: TestResponse) -> str | None:
    found = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
    return found[1] if found else None


def row(job_status: JobStatus = JobStatus.PENDING) -> Snapshot:
    at = "2026-01-31T12:00:00Z"
    return Snapshot.model_validate(
        {"jobId": REF.job_id, "at": at, "attempt": 1, "status": job_status, "progress": None}
        | {"itemsInProgress": (), "failedItems": ()}
    )


@settings(deadline=None, max_examples=30)
@given(count=st.integers(0, 30), limit=st.integers(1, 40), ends=st.booleans())
def test_the_pages_together_are_the_log(count: int, limit: int, ends: bool) -> None:
    log = log_with(*(item(str(number), "succeeded") for number in range(count)))
    if ends:
        log.append(REF, [status("completed")], attempt=1)
    known = log.snapshot(REF)
    assert known is not None
    client, told, last = client_of(log), [], None
    path: str | None = f"{path_of('events')}?after={known[1].epoch}-0&limit={limit}"
    while path is not None:
        answer = client.get(path)
        page = EventPage.model_validate_json(answer.data)
        assert (page.job_id, page.snapshot) == (REF.job_id, None)
        assert len(page.events) <= limit
        if not page.events:
            break
        told += [(entry.id, entry.event) for entry in page.events]
        assert page.cursor == told[-1][0]
        last, path = page, next_of(answer)
    entries = entries_of(log, REF)
    assert told == [(str(entry.cursor), parse_event(entry.document)) for entry in entries]
    assert last is not None
    assert (last.ended, path is None) == (ends, ends)


def test_the_state_of_a_page_is_where_its_cursor_says() -> None:
    log = log_with(item("a", "succeeded"))
    client = client_of(log)
    page = EventPage.model_validate_json(client.get(path_of("events")).data)
    assert page.cursor is not None
    log.append(REF, [item("b", "failed"), status("completed")], attempt=1)
    state = page.snapshot
    assert isinstance(state, Snapshot)
    for entry in log.read(REF, after=Cursor.parse(page.cursor)):  # type: ignore[union-attr]
        state = fold(state, parse_event(entry.document))
    after = client.get(f"{path_of('events')}?after={page.cursor}").json
    assert [entry["event"]["type"] for entry in after["events"]][-1] == "status"
    assert state == client_state(client)


def client_state(client: FlaskClient) -> Snapshot:
    answer = client.get(path_of("progress"), headers={"Accept": "application/json"})
    return Snapshot.model_validate(answer.json["snapshot"])


@pytest.mark.parametrize("after", ["x", "5", "$", "1-1", "0-0", "18446744073709551615-1", "1-1-1"])
def test_any_cursor_that_the_log_does_not_go_on_from_is_answered_with_a_state(after: str) -> None:
    answer = client_of(log_with()).get(path_of("events"), query_string={"after": after})
    page = EventPage.model_validate_json(answer.data)
    assert isinstance(page.snapshot, Snapshot)
    assert page.events == ()


def test_a_cursor_whose_next_event_was_trimmed_is_answered_with_a_state() -> None:
    log = log_with(*(item(str(number), "succeeded") for number in range(20)), kept=5)
    known = log.snapshot(REF)
    assert known is not None
    page = client_of(log).get(f"{path_of('events')}?after={known[1].epoch}-2").json
    assert (page["cursor"], page["events"]) == (str(known[1]), [])
    assert page["snapshot"]["progress"]["done"] == 20


@pytest.mark.parametrize(
    "path",
    [path_of("progress"), path_of("events"), "/api/jobs/events"],
    ids=["snapshot", "page", "feed"],
)
def test_who_has_what_an_answer_says_is_sent_nothing(path: str) -> None:
    log = log_with()
    client = client_of(log)
    headers = {"Accept": "application/json"}
    first = client.get(path, headers=headers)
    assert first.headers["Cache-Control"] == "private, no-cache"
    etag = first.headers["ETag"]
    assert etag.startswith('W/"')
    for given_etag in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        again = client.get(path, headers={**headers, "If-None-Match": given_etag})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == etag
        assert again.headers["Cache-Control"] == "private, no-cache"
    log.append(REF, [item("a", "succeeded"), status("completed")], attempt=1)
    changed = client.get(path, headers={**headers, "If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag


def test_an_etag_tells_that_the_job_is_over() -> None:
    log = log_with()
    client = client_of(log)
    assert "end" not in client.get(path_of("events")).headers["ETag"]
    log.append(REF, [status("completed")], attempt=1)
    answer = client.get(path_of("events"))
    assert answer.headers["ETag"].endswith('-end"')
    assert answer.json["ended"] is True
    assert "Link" not in answer.headers
    # Also to who has the terminal event already.
    again = client.get(f"{path_of('events')}?after={answer.json['cursor']}")
    assert (again.json["ended"], again.json["events"]) == (True, [])


def test_json_is_compressed_where_it_is_asked_for_and_nowhere_else() -> None:
    client = client_of(log_with())
    for path in (path_of("progress"), path_of("events")):
        plain = client.get(path, headers={"Accept": "application/json"})
        assert "Content-Encoding" not in plain.headers
        assert set(plain.headers["Vary"].split(", ")) == {"Accept", "Accept-Encoding"}
        headers = {"Accept": "application/json", "Accept-Encoding": "br, gzip;q=0.5"}
        packed = client.get(path, headers=headers)
        assert packed.headers["Content-Encoding"] == "gzip"
        assert int(packed.headers["Content-Length"]) == len(packed.data)
        assert gzip.decompress(packed.data) == plain.data
        assert packed.headers["ETag"] == plain.headers["ETag"]
        refused = client.get(path, headers={**headers, "Accept-Encoding": "gzip;q=0"})
        assert "Content-Encoding" not in refused.headers


def test_a_stream_is_never_compressed() -> None:
    log = log_with(status("completed"))
    with client_of(log).get(path_of("progress"), headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.content_type == "text/event-stream"
        assert "Content-Encoding" not in answer.headers
        assert b"data: " in answer.data


@pytest.mark.parametrize(
    ("name", "accept", "code"),
    [
        ("progress", "text/html", 406),
        ("progress", "image/png, text/*;q=0", 406),
        ("progress", "application/json;q=0.5, text/event-stream;q=0.1", 200),
        ("events", "text/event-stream", 406),
        ("events", "text/html, */*;q=0.1", 200),
        ("events", "application/*", 200),
    ],
)
def test_an_answer_that_cannot_be_had_is_406(name: str, accept: str, code: int) -> None:
    answer = client_of(log_with()).get(path_of(name), headers={"Accept": accept})
    assert answer.status_code == code
    if code == 200:
        assert answer.content_type == "application/json"
    else:
        assert "application/json" in answer.json["detail"]


def test_json_leads_to_the_stream_that_goes_on_from_there_under_whatever_prefix() -> None:
    client = client_of(log_with(), prefix="/shop")
    for name in (f"{REF.job_id}/events", "events"):
        path = f"/shop/api/jobs/{name}"
        answer = client.get(f"{path}?limit=7")
        at, stream = answer.json["cursor"], path.replace("events", "progress")
        assert answer.headers["Link"] == (
            f'<{path}?after={at}&limit=7>; rel="next", '
            f'<{stream}?lastEventId={at}>; rel="alternate"; type="text/event-stream"'
        )
    state = client.get(stream, headers={"Accept": "application/json"})
    assert state.headers["Link"].startswith(f"<{stream}?lastEventId=")


def test_links_hold_where_there_is_no_cursor() -> None:
    header = Links("/s", "/e").header(None, ended=False, is_page=True)
    assert header == '</e>; rel="next", </s>; rel="alternate"; type="text/event-stream"'


@pytest.mark.parametrize("limit", ["0", "-1", "501", "x", "1e3", "", "9" * 99])
def test_a_limit_that_cannot_be_is_refused_in_words(limit: str) -> None:
    answer = client_of(log_with()).get(path_of("events"), query_string={"limit": limit})
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert answer.json["detail"] == "limit must be a number from 1 to 500."


NAMES = ["progress", "events"]


@pytest.mark.parametrize("options", [{}, {"fallback": lambda _: None}])
@pytest.mark.parametrize(
    ("name", "accept"),
    [(name, "application/json") for name in (*NAMES, "failures", "run")]
    + [("progress", "text/event-stream")],
)
def test_a_job_of_which_nothing_is_known_is_404_with_the_same_body(
    name: str, accept: str, options: dict[str, Any]
) -> None:
    answer = client_of(log_with(), **options).get(
        path_of(name, "unknown"), headers={"Accept": accept}
    )
    assert (answer.status_code, answer.json) == (404, NO_JOB)


@pytest.mark.parametrize("name", [*NAMES, "failures", "run"])
def test_a_job_of_another_is_404_with_that_body(name: str) -> None:
    app = Flask(__name__)
    blueprint = create_blueprint(log_with(), authorize=lambda _: None, account=lambda: "ada")
    app.register_blueprint(blueprint)
    answer = app.test_client().get(path_of(name))
    assert (answer.status_code, answer.json) == (404, NO_JOB)


@pytest.mark.parametrize("name", ["progress", "events", "failures"])
def test_without_a_session_nothing_is_told(name: str) -> None:
    answer = client_of(log_with()).get(path_of(name), headers={"X-Account": ""})
    assert answer.status_code == 401


def test_a_log_that_cannot_be_asked_is_no_404() -> None:
    log = FaultyLog(MemoryLog())
    log.fail_next = 1_000
    for name in NAMES:
        answer = client_of(log).get(path_of(name), headers={"Accept": "application/json"})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_a_log_that_was_lost_is_no_404_to_who_has_seen_it() -> None:
    client = client_of(MemoryLog())
    assert client.get(f"{path_of('events')}?after=7-3").status_code == 503
    with client.get(f"{path_of('progress')}?lastEventId=7-3", buffered=False) as answer:
        assert (answer.status_code, answer.content_type) == (200, "text/event-stream")


@pytest.mark.parametrize("can_ask", [True, False])
def test_a_job_without_a_log_is_answered_from_its_row(can_ask: bool) -> None:
    log = FaultyLog(MemoryLog())
    log.fail_next = 0 if can_ask else 1_000
    client = client_of(log, fallback=lambda _: row())
    page = client.get(path_of("events"))
    assert page.json["snapshot"]["status"] == "pending"
    assert (page.json["cursor"], page.json["ended"], page.json["events"]) == (None, False, [])
    etag = page.headers["ETag"]
    again = client.get(path_of("events"), headers={"If-None-Match": etag})
    assert again.status_code == 304
    over = client_of(log, fallback=lambda _: row(JobStatus.FAILED)).get(path_of("events"))
    assert (over.json["ended"], "Link" in over.headers) == (True, False)
    assert over.headers["ETag"] != etag


def test_a_feed_without_a_log_has_no_jobs() -> None:
    page = client_of(MemoryLog()).get("/api/jobs/events").json
    assert (page["cursor"], page["ended"], page["snapshot"]["jobs"]) == (None, False, [])


def test_the_pages_of_a_feed_are_the_feed() -> None:
    log = log_with(item("a", "succeeded"))
    client = client_of(log)
    feed = FeedRef(REF.account)
    known = log.snapshot(feed)
    assert known is not None
    page = client.get(f"/api/jobs/events?after={known[1].epoch}-0").json
    assert "jobId" not in page
    expected = [(str(entry.cursor), json.loads(entry.document)) for entry in entries_of(log, feed)]
    assert [(entry["id"], entry["event"]) for entry in page["events"]] == expected


@pytest.mark.parametrize("wait", ["26", "-1", "1.5", "x", ""])
def test_a_wait_that_cannot_be_is_refused_in_words(wait: str) -> None:
    answer = client_of(log_with()).get(path_of("events"), query_string={"wait": wait})
    assert answer.status_code == 422
    assert answer.json["detail"] == "wait must be a number of seconds from 0 to 25."


def test_who_can_be_told_something_does_not_wait() -> None:
    log = log_with(item("a", "succeeded"))
    client = client_of(log)
    known = log.snapshot(REF)
    assert known is not None
    started = f"{path_of('events')}?wait=25&after={known[1].epoch}-"
    for path in (f"{path_of('events')}?wait=25", f"{started}1", f"{started}99"):
        assert client.get(path).status_code == 200
    assert client.head(f"{started}{known[1].seq}").status_code == 200
    end = log.append(REF, [status("completed")], attempt=1).cursor
    assert client.get(f"{started}{end.seq}").json["ended"] is True


@pytest.mark.parametrize("fallback", [None, lambda _: row()])
def test_a_reader_that_waits_in_the_servers_thread_is_told_what_comes(fallback: Any) -> None:
    log = log_with() if fallback is None else MemoryLog()
    client = client_of(log, fallback=fallback)
    first = client.get(path_of("events"))
    query = {"wait": 20, "after": first.json["cursor"] or ""}
    timer = threading.Timer(0.2, lambda: log.append(REF, [status("completed")], attempt=1))
    timer.start()
    headers = {"If-None-Match": first.headers["ETag"], "Accept-Encoding": "gzip"}
    answer = client.get(path_of("events"), query_string=query, headers=headers)
    timer.join()
    page = EventPage.model_validate_json(gzip.decompress(answer.data))
    assert (answer.status_code, page.ended) == (200, True)
    assert answer.headers["ETag"] == f'W/"{page.cursor}-end"'
    assert "Link" not in answer.headers


def test_a_reader_that_waits_in_the_servers_thread_in_vain_is_told_so() -> None:
    client = client_of(log_with())
    first = client.get(path_of("events"))
    query = {"wait": 1, "after": first.json["cursor"]}
    answer = client.get(path_of("events"), query_string=query)
    assert (answer.status_code, answer.json["events"]) == (200, [])
    headers = {"If-None-Match": first.headers["ETag"]}
    answer = client.get(path_of("events"), query_string=query, headers=headers)
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == first.headers["ETag"]


def test_who_waits_counts_as_a_stream_of_the_account() -> None:
    log = log_with()
    client = client_of(log, limits=StreamLimits(streams_per_account=0, retry_after_seconds=7))
    at = client.get(path_of("events")).json["cursor"]
    answer = client.get(path_of("events"), query_string={"wait": 5, "after": at})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


@pytest.mark.parametrize("name", ["group", "last of the chain"])
def test_an_id_that_leads_to_a_job_is_waited_for_as_the_job_is(name: str) -> None:
    log, group = MemoryLog(), SumRef(REF.account, "group")
    aliases, sum_aliases = ["last of the chain"], ["group"]
    log.note_sent(Sent(REF, aliases=aliases, sum=group, sum_aliases=sum_aliases))
    log.append(REF, [status("running")], attempt=1)
    client = client_of(log)
    first = client.get(path_of("events", name)).json
    timer = threading.Timer(0.2, lambda: log.append(REF, [status("completed")], attempt=1))
    timer.start()
    query = {"after": first["cursor"], "wait": 20}
    answer = client.get(path_of("events", name), query_string=query)
    timer.join()
    page = EventPage.model_validate_json(answer.data)
    assert page.ended
    assert page.snapshot is not None or page.events


def test_a_job_that_waits_says_why_in_both_answers_and_by_their_etags() -> None:
    log = MemoryLog()
    ref = fresh_ref()
    log.append(JobRef(REF.account, ref.job_id), [status("pending")], attempt=1)
    log.queues.sent(JobRef(REF.account, ref.job_id), Destination("analysis"))
    client = client_of(log)
    etags = set()
    for workers in (0, 1):
        if workers:
            log.queues.take("one", ["analysis"], seconds=60)
        state, page = (
            client.get(path_of(n, ref.job_id), headers=JSON) for n in ("progress", "events")
        )
        for answer in (state, page):
            assert answer.json["waiting"]["queue"] == "analysis"
            assert answer.json["waiting"]["workers"] == workers
            assert answer.headers["ETag"] not in etags
        again = client.get(
            path_of("events", ref.job_id), headers=JSON | {"If-None-Match": page.headers["ETag"]}
        )
        assert again.status_code == 304
        etags.add(page.headers["ETag"])
    log.append(JobRef(REF.account, ref.job_id), [status("running")], attempt=1)
    assert "waiting" not in client.get(path_of("events", ref.job_id)).json
