"""Gunicorn's settings, for `earmark up` and for a Procfile: ``gunicorn -c python:web.gunicorn``.

The number of processes is WEB_CONCURRENCY, which gunicorn reads itself.
"""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Any

from flask import Flask

from tasks.settings import Settings, SettingsError

try:
    _settings = Settings.from_environ(os.environ)
except SettingsError as _error:
    raise SystemExit(f"earmark: {_error}") from _error
if _settings.secret_key is None:
    raise SystemExit("earmark: SECRET_KEY is not set: set it to a long random text, and keep it.")

bind = f"0.0.0.0:{_settings.port}"
worker_class = "gthread"
# Each open stream keeps a thread, so this bounds the streams of a process.
threads = 128
# Streams end within a second of SIGTERM; this is for the other requests.
graceful_timeout = 8
keepalive = 5
# No file of its own beside the socket that is for serving.
control_socket_disable = True
accesslog = "-"
# The path without its query: a query may hold what a log should not.
access_log_format = "%(m)s %(U)s %(s)s %(B)s bytes %(M)s ms"


def post_worker_init(worker: Any) -> None:
    """Have the worker's streams end at SIGTERM, before gunicorn waits for them."""
    app = worker.wsgi
    blueprint = app.blueprints.get("progress") if isinstance(app, Flask) else None
    streams = getattr(blueprint, "streams", None)
    if streams is None:
        return
    stop_worker: Any = signal.getsignal(signal.SIGTERM)

    def stop(signum: int, frame: FrameType | None) -> None:
        streams.close()
        stop_worker(signum, frame)

    signal.signal(signal.SIGTERM, stop)
