"""Streams let in before Flask: by the same session, to the same person, with the same headers."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from sqlalchemy import update

from library.models import BrowserSession, utc_now
from library.sessions import LIFE
from progress.hub.reader import Reader
from progress.log import FeedRef, JobRef
from progress.testing import status
from progress.wsgi.middleware import StreamMiddleware
from tests.gunicorn_answer import gunicorn_response
from tests.integration.web.conftest import PASSWORD, Person, Site
from web import streams

SOCKET = "/nowhere/streamer"


@dataclass
class Door:
    """A site with a streamer that keeps what is handed over."""

    site: Site
    readers: list[Reader] = field(default_factory=list)
    #: The requests that Flask has seen.
    seen: int = 0

    def job(self, person: Person) -> JobRef:
        ref = JobRef(str(person.account_id), person.start("sync").json["id"])
        self.site.runtime.log.append(ref, [status("running")], attempt=1)
        return ref

    def ask(
        self, path: str, cookie: str, accept: str = "text/event-stream", **more: str
    ) -> tuple[str, bytes]:
        """The status, and what the client reads."""
        server, client = socket.socketpair()
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SCRIPT_NAME": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_ACCEPT": accept,
            "HTTP_COOKIE": cookie,
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "gunicorn.socket": server,
        } | more
        with server, client:
            client.settimeout(0.2)
            response = gunicorn_response(server)
            for _ in self.site.app(environ, response.start_response):
                pass
            try:
                return response.status, client.recv(65_536)
            except TimeoutError:
                return response.status, b""


@pytest.fixture
def door(make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Door:
    doors: list[Door] = []

    class Client:
        def __init__(self, _: str) -> None: ...

        def send(self, reader: Reader) -> bool:
            doors[0].readers.append(reader)
            os.write(reader.fd, reader.request.first)
            return True

    monkeypatch.setattr(streams, "StreamerClient", Client)
    site = make_site(streamer=SOCKET)
    door = Door(site)
    doors.append(door)

    @site.app.before_request
    def count() -> None:
        door.seen += 1

    return door


def cookie_of(person: Person) -> str:
    found = person.browser.get_cookie("earmark")
    assert found is not None
    return f"other=1; earmark={found.value}"


def path_of(ref: JobRef) -> str:
    return f"/api/jobs/{ref.job_id}/progress"


def test_an_owner_is_let_in_to_a_job_and_to_the_feed_without_flask(door: Door) -> None:
    ada = door.site.person()
    ref, cookie = door.job(ada), cookie_of(ada)
    before = door.seen
    for path in (path_of(ref), "/api/jobs/progress"):
        assert door.ask(path, cookie)[0] == "200 OK"
    assert [reader.request.ref for reader in door.readers] == [ref, FeedRef(ref.account)]
    assert door.seen == before


def test_the_head_is_the_one_that_flask_gives(door: Door) -> None:
    ada = door.site.person()
    ref, cookie = door.job(ada), cookie_of(ada)
    before = door.seen
    # From elsewhere Flask-Login marks the session, and Flask sends it again.
    where = {
        "REMOTE_ADDR": ada.browser.environ_base["REMOTE_ADDR"],
        "HTTP_USER_AGENT": ada.browser.environ_base["HTTP_USER_AGENT"],
    }
    _, short = door.ask(path_of(ref), cookie, **where)
    _, long = door.ask(path_of(ref), cookie, accept="text/event-stream, */*;q=0.1", **where)
    assert door.seen == before + 1
    heads = [data.partition(b"\r\n\r\n")[0].split(b"\r\n") for data in (short, long)]
    assert sorted(heads[0]) == sorted(heads[1])
    assert any(line.startswith(b"Content-Security-Policy:") for line in heads[0])


@pytest.mark.parametrize("tampered", ["", "earmark=", "earmark=x", "earmark=a.b.c", "session=1"])
def test_without_a_session_nobody_is_let_in(door: Door, tampered: str) -> None:
    ref = door.job(door.site.person())
    assert door.ask(path_of(ref), tampered)[0].startswith("401")
    assert door.ask("/api/jobs/progress", tampered)[0].startswith("401")
    assert door.readers == []


def test_a_session_whose_signature_was_changed_lets_nobody_in(door: Door) -> None:
    ada = door.site.person()
    ref, cookie = door.job(ada), cookie_of(ada)
    for at in (-1, -10, len("other=1; earmark=") + 2):
        changed = cookie[:at] + ("A" if cookie[at] != "A" else "B") + cookie[at:][1:]
        if at == -1:  # the last letter has bits that say nothing
            changed = cookie[:-1]
        assert door.ask(path_of(ref), changed)[0].startswith("401")
    assert door.readers == []


def test_a_stranger_is_told_that_there_is_no_such_job(door: Door) -> None:
    ada, bob = door.site.person(), door.site.person()
    ref = door.job(ada)
    assert door.ask(path_of(ref), cookie_of(bob))[0].startswith("404")
    assert door.ask(f"/api/jobs/{uuid4()}/progress", cookie_of(ada))[0].startswith("404")
    # Only the one form of an id is one.
    assert door.ask(path_of(ref).upper().replace("/API/JOBS", "/api/jobs"), cookie_of(ada))[
        0
    ].startswith("404")
    assert door.readers == []


def test_a_cookie_that_was_copied_before_a_sign_out_lets_nobody_in(door: Door) -> None:
    ada = door.site.person()
    ref, cookie = door.job(ada), cookie_of(ada)
    for path in (path_of(ref), "/api/jobs/progress"):
        assert door.ask(path, cookie)[0] == "200 OK"
    door.readers.clear()
    ada.submit("/sign-out")
    for path in (path_of(ref), "/api/jobs/progress"):
        for accept in ("text/event-stream", "text/event-stream, */*;q=0.1"):
            assert door.ask(path, cookie, accept=accept)[0].startswith("401")
    assert door.readers == []


def test_a_session_that_a_new_password_ended_lets_nobody_in(door: Door) -> None:
    ada = door.site.person()
    other = Person(door.site.client(), ada.account_id, ada.email)
    other.sign_in()
    ref, cookie = door.job(ada), cookie_of(ada)
    answer = other.submit("/account/password", present=PASSWORD, password="a new password")
    assert answer.status_code == 303
    for path in (path_of(ref), "/api/jobs/progress"):
        assert door.ask(path, cookie)[0].startswith("401")
        assert door.ask(path, cookie_of(other))[0] == "200 OK"


def test_a_session_whose_row_is_over_lets_nobody_in(door: Door) -> None:
    ada = door.site.person()
    ref, cookie = door.job(ada), cookie_of(ada)
    with door.site.runtime.database.session() as session:
        mine = update(BrowserSession).where(BrowserSession.account_id == ada.account_id)
        session.execute(mine.values(last_seen_at=utc_now() - LIFE))
    for path in (path_of(ref), "/api/jobs/progress"):
        assert door.ask(path, cookie)[0].startswith("401")
    assert door.readers == []


def test_a_session_that_is_over_lets_nobody_in(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = door.site.person()
    ref, cookie = door.job(ada), cookie_of(ada)
    from datetime import timedelta

    monkeypatch.setitem(door.site.app.config, "PERMANENT_SESSION_LIFETIME", timedelta(seconds=-1))
    assert door.ask(path_of(ref), cookie)[0].startswith("401")
    assert door.readers == []


def test_without_a_streamer_flask_does_it_all(site: Site) -> None:
    assert not isinstance(site.app.wsgi_app, StreamMiddleware)
