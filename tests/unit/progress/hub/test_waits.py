"""Readers that wait for a page of events: one answer each, whatever comes, and nothing kept."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from progress.cursor import Cursor
from progress.history import EventPage, Links, PageForm
from progress.hub import Hub
from progress.hub.collected import Collected
from progress.hub.reader import PageWait, Reader, StreamRequest
from progress.log import FeedRef, LogRef
from progress.memory import MemoryLog
from progress.sse import PING, frame, retry_hint
from progress.testing import ForgetfulLog, entries_of, fresh_ref, item, status

WAIT_SECONDS = 10
NOTHING = b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"


@pytest.fixture
def log() -> ForgetfulLog:
    return ForgetfulLog()


@pytest.fixture
def hub(log: MemoryLog) -> Iterator[Hub]:
    hub = Hub(log)
    yield hub
    hub.close()


class Client:
    """One that waits."""

    def __init__(
        self,
        hub: Hub,
        ref: LogRef,
        cursor: Cursor | None,
        *,
        seconds: float = WAIT_SECONDS,
        **asked: Any,
    ) -> None:
        ours, theirs = socket.socketpair()
        self.socket = ours
        ours.settimeout(WAIT_SECONDS)
        form = PageForm(Links("/stream", "/events"), gzip=asked.get("gzip", False))
        headers = (("X-Frame-Options", "DENY"), ("ETag", "old"), ("Content-Length", "7"))
        until = time.monotonic() + seconds
        wait = PageWait(until, asked.get("limit", 100), form, headers, NOTHING)
        hub.admit(ref.account)
        hub.add(Reader(theirs.detach(), StreamRequest(ref, cursor, wait=wait)))

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        with self.socket, HTTPResponse(self.socket, method="GET") as response:
            response.begin()
            return response.status, dict(response.getheaders()), response.read()

    def page(self) -> EventPage:
        code, _, body = self.answer()
        assert code == 200
        return EventPage.model_validate_json(body)


def end_of(log: MemoryLog, ref: LogRef) -> Cursor:
    found = log.position(ref)
    assert found is not None
    return found.cursor


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def wait_for_streams(hub: Hub, number: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while hub.streams != number:
        assert time.monotonic() < deadline, hub.streams
        time.sleep(0.01)


def test_all_who_wait_are_told_what_comes_and_nothing_is_kept(hub: Hub, log: MemoryLog) -> None:
    ref = fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    cursor = end_of(log, ref)
    assert Client(hub, ref, cursor, seconds=0).answer()[0] == 304  # the hub runs
    wait_for_streams(hub, 0)
    before = descriptors()
    clients = [Client(hub, ref, cursor) for _ in range(10)]
    wait_for_streams(hub, 10)
    log.append(ref, [item("a", "succeeded")], attempt=1)
    for client in clients:
        page = client.page()
        assert (page.job_id, page.ended, page.snapshot) == (ref.job_id, False, None)
        assert page.events[0].id == f"{cursor.epoch}-{cursor.seq + 1}"
        assert page.cursor == page.events[-1].id
    wait_for_streams(hub, 0)
    # Not one for each who waited. Whatever else this process runs may connect meanwhile.
    assert descriptors() - before < len(clients)


def test_a_page_bears_the_headers_of_the_application_and_its_own(hub: Hub, log: MemoryLog) -> None:
    ref = fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    client = Client(hub, ref, end_of(log, ref), gzip=True)
    log.append(ref, [status("completed")], attempt=1)
    code, headers, body = client.answer()
    at = str(end_of(log, ref))
    assert (code, headers["X-Frame-Options"], headers["ETag"]) == (200, "DENY", f'W/"{at}-end"')
    assert (headers["Content-Encoding"], headers["Connection"]) == ("gzip", "close")
    assert int(headers["Content-Length"]) == len(body)
    assert "Link" not in headers
    page = EventPage.model_validate_json(gzip.decompress(body))
    assert (page.ended, page.cursor) == (True, at)


def test_what_came_between_the_question_and_the_hub_is_not_missed(hub: Hub, log: MemoryLog) -> None:
    ref = fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    cursor = end_of(log, ref)
    log.append(ref, [item(str(number), "succeeded") for number in range(9)], attempt=1)
    page = Client(hub, ref, cursor, limit=4).page()
    expected = [str(entry.cursor) for entry in entries_of(log, ref)[1:5]]
    assert [entry.id for entry in page.events] == expected
    assert page.cursor == expected[-1]


def test_who_waits_in_vain_is_told_so_in_time(hub: Hub, log: MemoryLog) -> None:
    ref = fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    began = time.monotonic()
    client = Client(hub, ref, end_of(log, ref), seconds=0.3)
    assert client.answer()[0] == 304
    assert 0.25 < time.monotonic() - began < 5
    wait_for_streams(hub, 0)


def test_a_cursor_of_another_log_is_answered_with_a_state(hub: Hub, log: MemoryLog) -> None:
    ref = fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    page = Client(hub, ref, Cursor(1, 1)).page()
    assert page.snapshot is not None
    assert page.cursor == str(end_of(log, ref))


def test_who_waits_for_a_job_that_has_no_log_yet_is_told_its_beginning(
    hub: Hub, log: MemoryLog
) -> None:
    ref = fresh_ref()
    client = Client(hub, ref, None)
    wait_for_streams(hub, 1)
    log.append(ref, [status("running")], attempt=1)
    page = client.page()
    assert page.snapshot is not None
    assert page.cursor == str(end_of(log, ref))


def test_a_feed_without_a_log_is_no_news(hub: Hub, log: MemoryLog) -> None:
    ref = fresh_ref()
    client = Client(hub, FeedRef(ref.account), None, seconds=5)
    time.sleep(0.2)
    log.append(ref, [status("running")], attempt=1)
    assert client.page().cursor == str(end_of(log, FeedRef(ref.account)))


def test_a_sign_out_ends_the_wait(hub: Hub, log: MemoryLog) -> None:
    ref = fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    client = Client(hub, ref, end_of(log, ref))
    wait_for_streams(hub, 1)
    time.sleep(0.1)  # it is subscribed
    log.revoke(ref.account)
    assert client.answer()[0] == 304


def test_a_hub_that_ends_answers_all_who_wait(log: MemoryLog) -> None:
    hub, ref = Hub(log), fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    clients = [Client(hub, ref, end_of(log, ref)) for _ in range(5)]
    wait_for_streams(hub, 5)
    hub.close()
    assert [client.answer()[0] for client in clients] == [304] * 5
    assert hub.streams == 0


def test_who_leaves_is_counted_no_longer(hub: Hub, log: MemoryLog) -> None:
    ref = fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    clients = [Client(hub, ref, end_of(log, ref)) for _ in range(5)]
    wait_for_streams(hub, 5)
    for client in clients:
        client.socket.close()
    wait_for_streams(hub, 0)


def test_a_client_that_reads_slowly_is_sent_all_of_a_page(hub: Hub, log: MemoryLog) -> None:
    ref = fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    cursor = end_of(log, ref)
    label = "x" * 200
    log.append(ref, [item(f"{label}{n}", "succeeded") for n in range(400)], attempt=1)
    client = Client(hub, ref, cursor, limit=500)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    time.sleep(0.3)
    assert len(client.page().events) > 100


@settings(deadline=None, max_examples=30)
@given(
    numbers=st.integers(1, 20),
    limit=st.integers(1, 25),
    cuts=st.lists(st.integers(1, 200), max_size=40),
    state=st.booleans(),
)
def test_frames_come_to_the_same_page_however_they_are_cut(
    numbers: int, limit: int, cuts: list[int], state: bool
) -> None:
    events = [json.dumps({"type": "note", "number": n}).encode() for n in range(1, numbers + 1)]
    data = retry_hint() + PING + frame(b'{"type":"snapshot","status":"pending"}', None)
    if state:
        data += frame(b'{"type":"snapshot","status":"running"}', Cursor(7, 3))
    data += b"".join(frame(event, Cursor(7, 3 + n)) for n, event in enumerate(events, 1))
    collected, found = Collected("one", limit=limit), None
    for cut in cuts:
        found, data = collected.take(data[:cut]) or found, data[cut:]
    found = collected.take(data) or found
    assert found is not None
    told = min(limit, numbers)
    assert [entry.document for entry in found.entries] == events[:told]
    assert (found.cursor, found.snapshot is not None) == (Cursor(7, 3 + told), state)
