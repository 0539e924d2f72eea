"""A site under gunicorn whose streams are handed over to a streamer. Also gunicorn's settings."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from flask import Flask, request

from progress.flask import create_blueprint
from progress.limits import StreamLimits
from progress.log import JobRef
from progress.redis import RedisLog
from progress.streamer.protocol import StreamerClient
from progress.streamer.supervisor import StreamerSettings, Supervisor
from progress.wsgi.middleware import StreamMiddleware
from tests.integration.progress.apps.around import AROUND

URL, PATH = os.environ["HANDED_REDIS"], os.environ["HANDED_SOCKET"]

bind = os.environ["HANDED_BIND"]
worker_class = os.environ["HANDED_WORKER"]
workers, threads = 2, 4
graceful_timeout = 2
accesslog = "-"
access_log_format = "%(m)s %(U)s %(s)s"

_supervisor = Supervisor(
    StreamerSettings(PATH, URL, limits=StreamLimits(streams_per_account=100_000))
)


def when_ready(_: Any) -> None:
    _supervisor.start()


def on_exit(_: Any) -> None:
    _supervisor.stop()


def create_app() -> Flask:
    app = Flask("handed")
    log = RedisLog(URL)

    def account() -> str | None:
        return request.headers.get("X-Account") or request.cookies.get("account")

    def authorize(job_id: str) -> JobRef | None:
        owner = account()
        return JobRef(owner, job_id) if owner else None

    @app.get("/page")
    def page() -> str:
        return "a page"

    @app.get("/slow")
    def slow() -> str:
        Path(PATH).with_name("begun").touch()
        while not Path(PATH).with_name("go").exists():
            time.sleep(0.02)
        return "at last"

    @app.after_request
    def add_header(response: Any) -> Any:
        response.headers["X-Frame-Options"] = "DENY"
        return response

    hand_over = StreamerClient(PATH).send
    blueprint = create_blueprint(log, authorize=authorize, account=account, hand_over=hand_over)
    app.register_blueprint(blueprint)
    app.wsgi_app = StreamMiddleware(  # type: ignore[method-assign]
        app.wsgi_app,
        blueprint.entrance,
        admit=admit,
        headers={"X-Frame-Options": "DENY", "X-Way": "short"},
    )
    for name in filter(None, os.environ.get("HANDED_AROUND", "").split(",")):
        app.wsgi_app = AROUND[name](app.wsgi_app)  # type: ignore[method-assign]
    return app


def admit(environ: Any, job_id: str | None) -> JobRef | None:
    """Only who asks for it is let in by the lane."""
    account = environ.get("HTTP_X_ACCOUNT")
    wanted = environ.get("HTTP_X_WAY") == "short"
    return JobRef(account, job_id) if wanted and account and job_id else None
