"""A small server of progress/ for tests of clients: jobs that do what they are told over HTTP.

``python -m tests.job_server`` serves one until its standard input ends; its first line of output
is its address. The account of a request is in the cookie or the header `account`.

| request | what it does |
|---|---|
| ``POST /jobs/<id>/reports`` | appends ``{"reports": [["item", "a", "succeeded"], …]}`` |
| ``GET /jobs/<id>/state`` | the log's own snapshot and cursor |
| ``POST /answers`` | the next stream requests get ``[{"status": 503, "headers": {…}}, …]`` |
| ``GET /streams`` | how many are open now, by path, and how many ever were |
| ``GET /pages/<file>`` | a file of the folder given, with the account's cookie; with ``?strict``
  and a strict content security policy |
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request, send_from_directory
from werkzeug.serving import WSGIRequestHandler, make_server

from progress.errors import JobEnded
from progress.flask import create_blueprint
from progress.limits import StreamLimits
from progress.log import JobRef, Log
from progress.memory import MemoryLog
from progress.reports import CountsReport, ErrorReport, PhaseReport, Report, TotalReport
from progress.testing import item, status

ACCOUNT = "account"
#: Forbids all inline scripts and styles, and elements made of text.
STRICT = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


@dataclass
class JobServer:
    """The server while it runs."""

    log: Log
    url: str = ""
    #: The jobs that were told something, by id.
    refs: dict[str, JobRef] = field(default_factory=dict)
    #: Streams open now, and ever opened, by path.
    open: Counter[str] = field(default_factory=Counter)
    opened: Counter[str] = field(default_factory=Counter)
    #: Other sites whose pages may read what it serves.
    origins: set[str] = field(default_factory=set)
    #: How many requests were answered, by method.
    methods: Counter[str] = field(default_factory=Counter)
    #: What the next stream requests get instead of a stream: status and headers.
    answers: deque[tuple[int, dict[str, str]]] = field(default_factory=deque)

    def report(self, ref: JobRef, *reports: Report, attempt: int = 1) -> None:
        """Append to a job's log, now."""
        self.refs[ref.job_id] = ref
        now = self.log.clock() if isinstance(self.log, MemoryLog) else 0.0
        self.log.append(ref, [each._replace(at=now) for each in reports], attempt=attempt)
        # The feed holds back counts that come fast. A worker's heartbeat brings the last ones.
        with suppress(JobEnded):
            self.log.append(ref, (), attempt=attempt)

    def open_streams(self) -> int:
        """How many streams are open."""
        return self.open.total()


def _report(kind: str, *values: Any) -> Report:
    match kind:
        case "item":
            return item(*values[:2], error=values[2] if len(values) > 2 else None)
        case "status":
            return status(values[0], reason=values[1] if len(values) > 1 else None)
        case "total":
            return TotalReport(values[0], 0)
        case "counts":
            return CountsReport(values[0], 0, values[1])
        case "phase":
            return PhaseReport(values[0], 0, *values[1:])
        case _:
            return ErrorReport(*values, at=0)


class _Counted:
    """A body whose beginning and end are counted."""

    def __init__(self, body: Any, server: JobServer, path: str) -> None:
        self._body, self._server, self._path = body, server, path
        server.open[path] += 1
        server.opened[path] += 1
        self._lock = threading.Lock()
        self._is_open = True

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        with self._lock:
            was_open, self._is_open = self._is_open, False
        if was_open:
            self._server.open[self._path] -= 1
            self._body.close()

    __del__ = close


def create_app(
    server: JobServer, limits: StreamLimits, pages: Path | None, prefix: str = ""
) -> Flask:
    """The application of a server."""
    app = Flask(__name__, static_folder=None)

    def authorize(job_id: str) -> JobRef | None:
        ref = server.refs.get(job_id)
        return ref if ref is not None and ref.account == _account() else None

    app.register_blueprint(
        create_blueprint(server.log, authorize=authorize, account=_account, limits=limits),
        url_prefix=prefix or None,
    )

    @app.before_request
    def answer_otherwise() -> Response | None:
        if not request.path.startswith("/api/") or not server.answers:
            return None
        code, headers = server.answers.popleft()
        return Response(status=code, headers=headers)

    @app.after_request
    def count(response: Response) -> Response:
        if response.content_type == "text/event-stream" and "/api/" in request.path:
            response.response = _Counted(response.response, server, request.path)
        return response

    @app.get("/pages/<path:name>")
    def page(name: str) -> Response:
        assert pages is not None
        response = send_from_directory(pages, name)
        response.direct_passthrough = False  # read and closed before it is sent
        response.get_data()
        response.set_cookie(ACCOUNT, request.args.get(ACCOUNT, "ada"))
        if "strict" in request.args:
            response.headers["Content-Security-Policy"] = STRICT
        return response

    @app.after_request
    def let_in(response: Response) -> Response:
        origin = request.headers.get("Origin")
        if origin in server.origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Credentials"] = "true"
            response.vary.add("Origin")
        server.methods[request.method] += 1
        return response

    app.register_blueprint(_control(server))
    return app


def _account() -> str | None:
    return request.headers.get(ACCOUNT) or request.cookies.get(ACCOUNT)


def _control(server: JobServer) -> Blueprint:
    control = Blueprint("control", __name__)

    @control.post("/jobs/<job_id>/reports")
    def reports(job_id: str) -> Response:
        told = request.get_json()
        found = [_report(*each) for each in told["reports"]]
        ref = server.refs.setdefault(job_id, JobRef(_account() or "ada", job_id))
        server.report(ref, *found, attempt=told.get("attempt", 1))
        return Response(status=HTTPStatus.NO_CONTENT)

    @control.get("/jobs/<job_id>/state")
    def state(job_id: str) -> Response:
        found = server.log.snapshot(server.refs[job_id])
        assert found is not None
        return jsonify(snapshot=json.loads(found[0].to_json()), cursor=str(found[1]))

    @control.post("/answers")
    def answers() -> Response:
        server.answers.extend(
            (each["status"], each.get("headers", {})) for each in request.get_json()
        )
        return Response(status=HTTPStatus.NO_CONTENT)

    @control.get("/streams")
    def streams() -> Response:
        return jsonify(open=+server.open, opened=server.opened)

    return control


class _Handler(WSGIRequestHandler):
    """Keeps connections, as the servers of real sites do, and its peace."""

    protocol_version = "HTTP/1.1"

    def log(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def job_server(
    *,
    log: Log | None = None,
    limits: StreamLimits | None = None,
    pages: Path | None = None,
    port: int = 0,
    prefix: str = "",
) -> Iterator[JobServer]:
    """A running server, perhaps with its jobs below a prefix."""
    server = JobServer(log or MemoryLog())
    app = create_app(server, limits or StreamLimits(streams_per_account=1_000), pages, prefix)
    http = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Handler)
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        app.blueprints["progress"].hub.close()  # type: ignore[attr-defined]
        http.shutdown()
        thread.join()
        http.server_close()


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep-alive", type=float, default=0.5, help="seconds")
    parser.add_argument("--life", type=float, default=900.0, help="seconds")
    parser.add_argument("--cap", type=int, default=1_000, help="streams of an account")
    options = parser.parse_args()
    limits = StreamLimits(
        keep_alive_seconds=options.keep_alive,
        life_seconds=options.life,
        streams_per_account=options.cap,
    )
    with job_server(limits=limits) as server:
        print(server.url, flush=True)  # noqa: T201
        sys.stdin.read()


if __name__ == "__main__":
    main()
