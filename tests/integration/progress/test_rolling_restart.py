"""Web workers are replaced, twice, while a job reports and a hundred and more follow it."""

from __future__ import annotations

import http.client
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from progress.cursor import Cursor
from progress.log import JobRef
from progress.testing import entries_of, fresh_ref, item, status
from tests.servers import Server
from tests.sse import Parser

from .gunicorns import Site, gunicorn

STREAMS = 100
SECONDS = 40
#: Through Flask, and before it.
WAYS = ("long", "short")


@dataclass
class Follower:
    """A browser: it comes back by its cursor for as long as the job is not over."""

    site: Site
    ref: JobRef
    way: str
    parser: Parser = field(default_factory=Parser)
    connections: int = 0

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    @property
    def ids(self) -> list[int]:
        return [Cursor.parse(id_).seq for id_, _ in self.parser.events]

    @property
    def is_over(self) -> bool:
        return bool(self.parser.events) and '"completed"' in self.parser.events[-1][1]

    def _follow(self) -> None:
        deadline = time.monotonic() + SECONDS
        while not self.is_over and time.monotonic() < deadline:
            connection = self.site.connect()
            try:
                self._read_over(connection)
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
            finally:
                connection.close()

    def _read_over(self, connection: http.client.HTTPConnection) -> None:
        # What was cut within an event is sent again.
        self.parser = Parser(self.parser.last_event_id, self.parser.events)
        headers = {"X-Account": self.ref.account, "Accept": "text/event-stream"}
        headers["X-Way"] = self.way
        if self.parser.last_event_id:
            headers["Last-Event-ID"] = self.parser.last_event_id
        connection.request("GET", f"/api/jobs/{self.ref.job_id}/progress", headers=headers)
        with connection.getresponse() as response:
            assert response.status in (200, 204)
            self.connections += 1
            while data := response.read1(65536):
                self.parser.feed(data)


@dataclass
class Job:
    """Reports until it is told to end."""

    site: Site
    ref: JobRef
    ending: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.site.log.append(self.ref, [status("running")], attempt=1)
        self.thread = threading.Thread(target=self._report)
        self.thread.start()

    def _report(self) -> None:
        number = 0
        while not self.ending.wait(0.02):
            self.site.log.append(self.ref, [item(str(number), "succeeded")], attempt=1)
            number += 1
        self.site.log.append(self.ref, [status("completed")], attempt=1)

    def end(self) -> int:
        """How many events it was."""
        self.ending.set()
        self.thread.join()
        return entries_of(self.site.log, self.ref)[-1].cursor.seq


@pytest.mark.parametrize("worker_class", ["sync", "gthread", "gevent"])
def test_nobody_loses_an_event_or_has_one_twice(
    tmp_path: Path, valkey_server: Server, worker_class: str
) -> None:
    with gunicorn(tmp_path, valkey_server, worker_class) as site:
        job = Job(site, fresh_ref())
        followers = [Follower(site, job.ref, WAYS[number % 2]) for number in range(STREAMS)]
        try:
            for _ in range(2):
                followers += _come_while_workers_go(site, job.ref)
        finally:
            last = job.end()
        for follower in followers:
            follower.thread.join(SECONDS)
            # Who comes late begins with the state so far, in one event.
            assert follower.ids == list(range(follower.ids[0], last + 1))
            assert follower.ids[0] == 1 or '"snapshot"' in follower.parser.events[0][1]
        early = followers[:STREAMS]
        assert all(follower.connections == 1 for follower in early), "a stream was cut"


def _come_while_workers_go(site: Site, ref: JobRef) -> list[Follower]:
    before, came = site.workers(), []
    site.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 15
    while before & site.workers():
        assert time.monotonic() < deadline
        came.append(Follower(site, ref, WAYS[len(came) % 2]))
        time.sleep(0.05)
    return came
