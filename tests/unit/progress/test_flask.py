"""Where the blueprint's streams are: the same URLs for Flask and for the middleware before it."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, request
from werkzeug.test import EnvironBuilder

from progress.flask import ProgressBlueprint, create_blueprint
from progress.hub.reader import Reader
from progress.log import JobRef, LogRef
from progress.memory import MemoryLog
from progress.testing import FaultyLog, fresh_ref, status
from progress.wsgi import StreamMiddleware
from tests.gunicorn_answer import gunicorn_response

REF = fresh_ref()


def readable(account: str | None, job_id: str) -> JobRef | None:
    return JobRef(account, job_id) if account == REF.account else None


def admit(environ: Any, job_id: str | None) -> LogRef | None:
    return readable(environ.get("HTTP_X_ACCOUNT"), job_id) if job_id else None


class Site:
    """An application whose streams are handed over, and the requests that Flask saw."""

    def __init__(self) -> None:
        self.app = Flask(__name__)
        self.readers: list[Reader] = []
        self.seen: list[str] = []
        log = MemoryLog()
        log.append(REF, [status("running")], attempt=1)
        self.blueprint: ProgressBlueprint = create_blueprint(
            log,
            authorize=lambda job_id: readable(request.headers.get("X-Account"), job_id),
            account=lambda: request.headers.get("X-Account"),
            hand_over=self._take,
        )
        self.app.before_request(lambda: self.seen.append(request.path))
        self.app.wsgi_app = StreamMiddleware(  # type: ignore[method-assign]
            self.app.wsgi_app, self.blueprint.entrance, admit=admit
        )

    def _take(self, reader: Reader) -> bool:
        self.readers.append(reader)
        os.write(reader.fd, reader.request.first)
        return True

    def ask(self, path: str, account: str = REF.account) -> bytes:
        server, client = socket.socketpair()
        with server, client:
            headers = {"X-Account": account, "Accept": "text/event-stream"}
            environ = EnvironBuilder(path=path, headers=headers).get_environ()
            response = gunicorn_response(server)
            told = self.app(environ | {"gunicorn.socket": server}, response.start_response)
            client.settimeout(1)
            return client.recv(65_536) if response.status == "200 OK" else b"".join(told)


@pytest.mark.parametrize("prefix", [None, "/shop", "/shop/"])
def test_under_a_prefix_a_stream_comes_by_the_short_way_too(prefix: str | None) -> None:
    site = Site()
    site.app.register_blueprint(site.blueprint, url_prefix=prefix)
    at = (prefix or "").rstrip("/")
    assert b"retry: " in site.ask(f"{at}/api/jobs/{REF.job_id}/progress")
    assert (len(site.readers), site.seen) == (1, [])


def test_a_blueprint_in_a_blueprint_is_found_under_both_prefixes() -> None:
    site, outer = Site(), Blueprint("outer", __name__, url_prefix="/outer")
    outer.register_blueprint(site.blueprint, url_prefix="/inner")
    site.app.register_blueprint(outer)
    assert b"retry: " in site.ask(f"/outer/inner/api/jobs/{REF.job_id}/progress")
    assert (len(site.readers), site.seen) == (1, [])


def test_flask_refuses_in_words_under_the_prefix_what_the_middleware_does_not_let_in() -> None:
    site = Site()
    site.app.register_blueprint(site.blueprint, url_prefix="/shop")
    path = f"/shop/api/jobs/{REF.job_id}/progress"
    assert b"There is no such job." in site.ask(path, account="another")
    assert (site.readers, site.seen) == ([], [path])


def _cancelling(log: MemoryLog | FaultyLog, **options: Any) -> Any:
    app = Flask(__name__)
    blueprint = create_blueprint(
        log,
        authorize=lambda job_id: readable(request.headers.get("X-Account"), job_id),
        account=lambda: request.headers.get("X-Account"),
        **options,
    )
    app.register_blueprint(blueprint)
    return app.test_client()


PATH = f"/api/jobs/{REF.job_id}/cancel"


def test_a_job_can_be_cancelled_by_its_owner_alone() -> None:
    log = MemoryLog()
    log.append(REF, [status("running")], attempt=1)
    client = _cancelling(log, cancel=log.request_cancel)
    assert client.post(PATH).status_code == 401
    assert client.post(PATH, headers={"X-Account": "another"}).status_code == 404
    assert client.get(PATH, headers={"X-Account": REF.account}).status_code == 405
    assert not log.cancel_requested(REF)
    answer = client.post(PATH, headers={"X-Account": REF.account})
    assert (answer.status_code, answer.json) == (202, {"jobId": REF.job_id})
    assert log.cancel_requested(REF)


def test_a_job_that_nobody_knows_cannot_be_cancelled() -> None:
    log = MemoryLog()
    answer = _cancelling(log, cancel=log.request_cancel).post(
        PATH, headers={"X-Account": REF.account}
    )
    assert (answer.status_code, answer.json["detail"]) == (404, "There is no such job.")
    assert not log.cancel_requested(REF)


def test_there_is_no_way_to_cancel_unless_the_application_asks_for_one() -> None:
    answer = _cancelling(MemoryLog()).post(PATH, headers={"X-Account": REF.account})
    assert answer.status_code == 404
    assert answer.content_type.startswith("text/html")  # Flask's own


def test_a_log_that_cannot_be_asked_is_not_taken_for_one_that_knows_nothing() -> None:
    log = FaultyLog(MemoryLog())
    client = _cancelling(log, cancel=log.request_cancel)
    headers = {"X-Account": REF.account, "Accept": "application/json"}
    path = f"/api/jobs/{REF.job_id}/progress"
    assert client.get(path, headers=headers).status_code == 404
    log.fail_next = 1_000
    assert client.get(path, headers=headers).status_code == 503
    assert client.post(PATH, headers=headers).status_code == 503


def exchanged(site: Site, headers: dict[str, str]) -> tuple[bytes, bytes]:
    """What the server and the client get where an extension puts another body in place."""
    site.app.register_blueprint(site.blueprint)

    @site.app.after_request
    def exchange(answer: Response) -> Response:
        body, answer.direct_passthrough = answer.response, False
        answer.response = (b"<" + part + b">" for part in body)  # type: ignore[operator,union-attr]
        answer.headers.update(headers)
        return answer

    server, client = socket.socketpair()
    with server, client:
        asked = {"X-Account": REF.account, "Accept": "text/event-stream, */*"}
        path = f"/api/jobs/{REF.job_id}/progress"
        environ = EnvironBuilder(path=path, headers=asked).get_environ()
        response = gunicorn_response(server)
        body = site.app(environ | {"gunicorn.socket": server}, response.start_response)
        sent = next(iter(body), b"")
        getattr(body, "close", lambda: None)()
        client.setblocking(False)
        return sent, client.recv(65_536) if site.readers else b""


def test_a_stream_whose_body_the_application_exchanges_is_not_handed_over() -> None:
    site = Site()
    sent, received = exchanged(site, {})
    assert (sent[:8], received) == (b"<retry: ", b"")
    assert (site.readers, len(site.seen)) == ([], 1)


def test_a_stream_that_an_extension_compresses_is_sent_as_it_is() -> None:
    # Flask-Compress holds the frames of a stream back, if it is told to compress them.
    site = Site()
    sent, received = exchanged(site, {"Content-Encoding": "gzip"})
    head, _, first = received.partition(b"\r\n\r\n")
    assert sent == b""
    assert b"Content-Encoding" not in head
    assert first.startswith(b"retry: ")
    assert len(site.readers) == 1
