"""Where only the server may write to its client, the stream's bytes are those of the hand-off."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import flask
import pytest
from werkzeug.serving import make_server

from progress.flask import create_blueprint
from progress.log import JobRef
from progress.redis import RedisLog
from progress.testing import entries_of, fresh_ref, item, status
from tests.packages import package
from tests.servers import Server, free_port

from .gunicorns import MODULE, Stream, answers, gunicorn, wait_until

#: A response's status, those of its headers that the application set, and its body.
Answer = tuple[int, dict[str, str], bytes]
Ask = Callable[[JobRef, str], Answer]

HEADERS = ("Content-Type", "Cache-Control", "X-Accel-Buffering", "X-Frame-Options")


def headers_for(ref: JobRef, cursor: str) -> dict[str, str]:
    return {"X-Account": ref.account} | ({"Last-Event-ID": cursor} if cursor else {})


def path_of(ref: JobRef) -> str:
    return f"/api/jobs/{ref.job_id}/progress"


def without_hint(body: bytes) -> bytes:
    """A stream's bytes but for when to come back, which is drawn at random."""
    return re.sub(rb"^retry: \d+$", b"retry:", body, flags=re.MULTILINE)


def over_http(port: int) -> Ask:
    def ask(ref: JobRef, cursor: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path_of(ref), headers=headers_for(ref, cursor))
            response = connection.getresponse()
            headers = {name: response.headers[name] for name in HEADERS}
            return response.status, headers, without_hint(response.read())
        finally:
            connection.close()

    return ask


@contextmanager
def served_by(command: list[str], port: int, environment: dict[str, str]) -> Iterator[Ask]:
    """A server of the application in a process of its own."""
    with subprocess.Popen(command, env=os.environ | environment) as process:
        try:
            wait_until(lambda: process.poll() is not None or answers(port))
            assert process.poll() is None
            yield over_http(port)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def environment(valkey_server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the application reads; no streamer listens there."""
    return {
        "HANDED_REDIS": valkey_server.tcp_url,
        "HANDED_SOCKET": str(tmp_path_factory.mktemp("none") / "s.sock"),
        "HANDED_BIND": "",
        "HANDED_WORKER": "",
        "PYTHONPATH": str(Path.cwd()),
    }


def with_packages(environment: dict[str, str], folder: Path) -> dict[str, str]:
    return environment | {"PYTHONPATH": os.pathsep.join([str(folder), str(Path.cwd())])}


@contextmanager
def waitress(environment: dict[str, str]) -> Iterator[Ask]:
    port, found = free_port(), package("waitress")
    command = [sys.executable, "-m", "waitress", f"--listen=127.0.0.1:{port}", "--call"]
    command.append(f"{MODULE}:create_app")
    with served_by(command, port, with_packages(environment, found)) as ask:
        yield ask


@contextmanager
def uwsgi(environment: dict[str, str]) -> Iterator[Ask]:
    port, found = free_port(), package("pyuwsgi")
    command = [sys.executable, "-c", "import pyuwsgi, sys; pyuwsgi.run(sys.argv[1:])"]
    # A hub is a thread, for which uWSGI's manual asks for this.
    command += ["--http-socket", f"127.0.0.1:{port}", "--enable-threads", "--threads", "4"]
    command += ["--master", "--need-app", "--disable-logging", "--module", f"{MODULE}:create_app()"]
    with served_by(command, port, with_packages(environment, found)) as ask:
        yield ask


@contextmanager
def application(environment: dict[str, str]) -> Iterator[flask.Flask]:
    with pytest.MonkeyPatch.context() as patch:
        for name in set(environment) - {"PYTHONPATH"}:
            patch.setenv(name, environment[name])
        from .apps import handed

        app = handed.create_app()
    yield app
    app.blueprints["progress"].hub.close()


@contextmanager
def werkzeug(environment: dict[str, str]) -> Iterator[Ask]:
    with application(environment) as app, serving(app) as port:
        yield over_http(port)


@contextmanager
def flask_test_client(environment: dict[str, str]) -> Iterator[Ask]:
    with application(environment) as app:

        def ask(ref: JobRef, cursor: str) -> Answer:
            with app.test_client() as client:
                response = client.get(path_of(ref), headers=headers_for(ref, cursor))
                headers = {name: response.headers[name] for name in HEADERS}
                return response.status_code, headers, without_hint(response.data)

        yield ask


@contextmanager
def serving(app: flask.Flask) -> Iterator[int]:
    """The port of a Werkzeug server in this process."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()


SERVERS = [werkzeug, waitress, uwsgi, flask_test_client]


@pytest.fixture(scope="module", params=SERVERS, ids=lambda server: server.__name__)
def ask(request: pytest.FixtureRequest, environment: dict[str, str]) -> Iterator[Ask]:
    with request.param(environment) as ask:
        yield ask


@pytest.fixture(scope="module")
def ask_streamer(valkey_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """The hand-off, which the others are held against."""
    port = free_port()
    with gunicorn(tmp_path_factory.mktemp("handed"), valkey_server, "gthread", port=port):
        yield over_http(port)


@pytest.fixture
def log(valkey_server: Server) -> Iterator[RedisLog]:
    log = RedisLog(valkey_server.tcp_url)
    yield log
    log.close()


@pytest.fixture
def over(log: RedisLog) -> JobRef:
    """A job that is over."""
    ref = fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    for number in range(30):
        log.append(ref, [item(f"№ {number} ü", "succeeded")], attempt=1)
    log.append(ref, [status("completed")], attempt=1)
    return ref


def test_a_job_that_is_over_is_told_in_the_same_bytes(
    ask: Ask, ask_streamer: Ask, over: JobRef
) -> None:
    assert ask(over, "") == ask_streamer(over, "")
    assert b'"completed"' in ask(over, "")[2]


def test_what_followed_a_cursor_is_told_in_the_same_bytes(
    ask: Ask, ask_streamer: Ask, over: JobRef, log: RedisLog
) -> None:
    entries = entries_of(log, over)
    for after in (entries[0], entries[12], entries[-2]):
        answer = ask(over, str(after.cursor))
        assert answer == ask_streamer(over, str(after.cursor))
        assert answer[2].count(b"\nid: ") == entries[-1].cursor.seq - after.cursor.seq


class Session:
    """What a request would hold of a database."""

    def __init__(self) -> None:
        self.is_open = True


def test_an_open_stream_holds_neither_its_request_nor_its_session(log: RedisLog) -> None:
    sessions: list[weakref.ref[Session]] = []

    ended = threading.Event()
    app = flask.Flask("held")

    def authorize(job_id: str) -> JobRef:
        flask.g.session = Session()
        sessions.append(weakref.ref(flask.g.session))
        return JobRef("everyone", job_id)

    @app.teardown_appcontext
    def close_session(_: BaseException | None) -> None:
        flask.g.session.is_open = False
        ended.set()

    blueprint = create_blueprint(log, authorize=authorize, account=lambda: "everyone")
    app.register_blueprint(blueprint)
    ref = JobRef("everyone", fresh_ref().job_id)
    log.append(ref, [status("running")], attempt=1)
    with serving(app) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", path_of(ref))
        stream = Stream(connection.getresponse())
        stream.read_until(1)
        assert ended.is_set()
        assert [found() for found in sessions] == [None]
        assert blueprint.hub.streams == 1
        log.append(ref, [status("completed")], attempt=1)
        stream.read_to_the_end()
        stream.response.close()
        connection.close()
    blueprint.hub.close()
