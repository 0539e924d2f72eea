"""The stream over real HTTP: what any client receives, however its connection breaks."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from flask import Flask
from werkzeug.serving import make_server

from progress.cursor import Cursor
from progress.events import Snapshot, parse_event, parse_stream_event
from progress.flask import create_blueprint
from progress.limits import StreamLimits
from progress.log import FeedRef, JobRef, Log
from progress.memory import MemoryLog
from progress.redis import RedisLog
from progress.rules.snapshot import fold
from progress.testing import entries_of, fresh_ref, item, status
from tests.servers import Server
from tests.sse import Parser

OWNER = "X-Account"


@dataclass
class Site:
    """An application with the blueprint, served for real; the account is told by a header."""

    log: Log
    port: int
    connections: list[http.client.HTTPConnection] = field(default_factory=list)

    def get(self, path: str, account: str | None, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        self.connections.append(connection)
        owner = {OWNER: account} if account else {}
        connection.request("GET", path, headers=owner | headers)
        return connection.getresponse()

    def stream(self, ref: JobRef, last_event_id: str = "") -> http.client.HTTPResponse:
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        return self.get(f"/api/jobs/{ref.job_id}/progress", ref.account, **headers)


@pytest.fixture(params=["memory", "redis"])
def log(request: pytest.FixtureRequest, valkey_server: Server) -> Iterator[Log]:
    if request.param == "memory":
        yield MemoryLog()
        return
    log = RedisLog(valkey_server.url)
    yield log
    log.close()


@pytest.fixture
def site(log: Log) -> Iterator[Site]:
    from flask import request

    app = Flask(__name__)
    owners: dict[str, str] = {}

    def authorize(job_id: str) -> JobRef | None:
        account = request.headers[OWNER]
        return JobRef(account, job_id) if owners.setdefault(job_id, account) == account else None

    limits = StreamLimits(keep_alive_seconds=0.6, streams_per_account=3)
    app.register_blueprint(
        create_blueprint(
            log,
            authorize=authorize,
            account=lambda: request.headers.get(OWNER),
            limits=limits,
        )
    )
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    site = Site(log, server.port)
    yield site
    for connection in site.connections:
        connection.close()
    server.shutdown()
    server.server_close()
    thread.join()


def read_to_the_end(answer: http.client.HTTPResponse, parser: Parser) -> None:
    while data := answer.read1(65536):
        parser.feed(data)


def read_events(answer: http.client.HTTPResponse, parser: Parser, count: int) -> None:
    while len(parser.events) < count:
        data = answer.read1(65536)
        assert data, "the stream ended too early"
        parser.feed(data)


def a_job(log: Log, ref: JobRef) -> None:
    log.append(ref, [status("running")], attempt=1)
    for number in range(8):
        name = str(number)
        log.append(ref, [item(name, "in_progress")], attempt=1)
        log.append(ref, [item(name, "failed" if number == 3 else "succeeded")], attempt=1)
    log.append(ref, [status("completed")], attempt=1)


def test_without_a_cursor_a_snapshot_comes_first_and_then_the_tail(site: Site) -> None:
    ref = fresh_ref()
    site.log.append(ref, [status("running"), item("a", "in_progress")], attempt=1)
    answer = site.stream(ref)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["Cache-Control"] == "no-cache, no-transform"
    assert answer.headers["X-Accel-Buffering"] == "no"
    parser = Parser()
    read_events(answer, parser, 1)
    assert parser.retry_ms is not None
    snapshot = parse_stream_event(parser.events[0][1])
    assert isinstance(snapshot, Snapshot)
    site.log.append(ref, [item("a", "succeeded"), status("completed")], attempt=1)
    read_to_the_end(answer, parser)
    for _, data in parser.events[1:]:
        snapshot = fold(snapshot, parse_event(data))
    state = site.log.snapshot(ref)
    assert state is not None
    assert (snapshot, parser.last_event_id) == (state[0], str(state[1]))


def test_who_has_the_terminal_event_is_told_to_stop(site: Site) -> None:
    ref = fresh_ref()
    a_job(site.log, ref)
    end = entries_of(site.log, ref)[-1].cursor
    assert site.stream(ref, str(end)).status == 204
    parser = Parser()
    read_to_the_end(site.stream(ref, str(Cursor(end.epoch, end.seq - 1))), parser)
    assert [cursor for cursor, _ in parser.events] == [str(end)]


@pytest.mark.parametrize(
    "odd",
    ["nonsense", "-1", "5", "$", "0-0", "1-1", f"{2**64}-1", "1-2-3", "é", "1" * 5000, "01-1"],
)
def test_any_cursor_is_answered_with_a_snapshot_and_what_follows(site: Site, odd: str) -> None:
    ref = fresh_ref()
    a_job(site.log, ref)
    parser = Parser()
    read_to_the_end(site.stream(ref, odd.encode().decode("latin-1")), parser)
    assert json.loads(parser.events[0][1])["type"] == "snapshot"
    assert json.loads(parser.events[0][1])["status"] == "completed"
    assert len(parser.events) == 1


def test_a_cut_after_any_byte_loses_nothing_and_repeats_nothing(site: Site) -> None:
    ref = fresh_ref()
    a_job(site.log, ref)
    entries = entries_of(site.log, ref)
    before_first = str(Cursor(entries[0].cursor.epoch, 0))
    answer = site.stream(ref, before_first)
    recorded = b"".join(iter(lambda: answer.read1(65536), b""))
    expected = [(str(entry.cursor), entry.document.decode()) for entry in entries]
    whole = Parser(before_first)
    whole.feed(recorded)
    assert whole.events == expected
    # Every place in a frame once, then a stride that meets every frame.
    cuts = [*range(700), *range(700, len(recorded), 37)]
    replayed: dict[str, list[tuple[str, str]]] = {}
    for cut in cuts:
        parser = Parser(before_first)
        parser.feed(recorded[:cut])
        at = parser.last_event_id
        if at not in replayed:
            again = Parser(at)
            read_to_the_end(site.stream(ref, at), again)
            replayed[at] = again.events
        assert parser.events + replayed[at] == expected, f"cut after byte {cut}"


def test_killing_the_connection_at_random_during_a_job_loses_nothing(site: Site) -> None:
    ref = fresh_ref()
    first = site.log.append(ref, [status("running")], attempt=1).cursor

    def work() -> None:
        for number in range(300):
            name = str(number)
            site.log.append(ref, [item(name, "in_progress"), item(name, "succeeded")], attempt=1)
            if number % 10 == 0:
                time.sleep(0.005)
        site.log.append(ref, [status("completed")], attempt=1)

    worker = threading.Thread(target=work)
    worker.start()
    chance = random.Random(7)
    received: list[tuple[str, str]] = []
    cursor, connections = str(first), 0
    while not received or json.loads(received[-1][1])["type"] != "status":
        parser = Parser(cursor)
        answer = site.stream(ref, cursor)
        if answer.status == 429:  # the server has not yet noticed who went
            time.sleep(0.2)
            continue
        connections += 1
        budget = chance.randrange(1, 8000)
        while budget > 0 and (data := answer.read1(min(budget, 1000))):
            parser.feed(data)
            budget -= len(data)
        answer.close()
        received += parser.events
        cursor = parser.last_event_id
    worker.join()
    log = [(str(entry.cursor), entry.document.decode()) for entry in entries_of(site.log, ref)]
    assert received == log[1:]
    assert connections > 10


def test_a_stranger_and_a_visitor_are_refused(site: Site) -> None:
    ref = fresh_ref()
    a_job(site.log, ref)
    assert site.stream(ref).status == 200
    stranger = site.get(f"/api/jobs/{ref.job_id}/progress", "somebody else")
    visitor = site.get(f"/api/jobs/{ref.job_id}/progress", None)
    assert (stranger.status, visitor.status) == (404, 401)
    assert stranger.headers["Content-Type"] == "application/problem+json"
    assert site.get("/api/jobs/progress", None).status == 401


def test_the_feed_lists_active_jobs_and_follows_them_all(site: Site) -> None:
    ref = fresh_ref()
    other = JobRef(ref.account, "other")
    site.log.append(ref, [status("running")], attempt=1)
    answer = site.get("/api/jobs/progress", ref.account)
    parser = Parser()
    read_events(answer, parser, 1)
    feed = json.loads(parser.events[0][1])
    assert [job["jobId"] for job in feed["jobs"]] == [ref.job_id]
    site.log.append(other, [status("running")], attempt=1)
    site.log.append(ref, [status("completed")], attempt=1)
    read_events(answer, parser, 4)
    told = [json.loads(data) for _, data in parser.events[1:]]
    assert {event["jobId"] for event in told} == {ref.job_id, "other"}
    state = site.log.snapshot(FeedRef(ref.account))
    assert state is not None
    answer.close()


def test_an_idle_stream_is_kept_alive_and_the_cap_is_answered_with_429(site: Site) -> None:
    ref = fresh_ref()
    site.log.append(ref, [status("running")], attempt=1)
    answers = [site.stream(ref) for _ in range(3)]
    refused = site.stream(ref)
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) > 0
    parser = Parser()
    while not parser.comments:
        parser.feed(answers[0].read1(1000))
    for answer in answers:
        answer.close()


def test_as_json_the_snapshot_comes_with_its_cursor(site: Site) -> None:
    ref = fresh_ref()
    a_job(site.log, ref)
    answer = site.get(f"/api/jobs/{ref.job_id}/progress", ref.account, Accept="application/json")
    body = json.loads(answer.read())
    assert body["snapshot"]["status"] == "completed"
    assert body["cursor"] == str(entries_of(site.log, ref)[-1].cursor)
