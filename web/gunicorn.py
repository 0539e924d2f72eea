"""Gunicorn's settings, for `earmark up` and for a Procfile: ``gunicorn -c python:web.gunicorn``."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from types import FrameType
from typing import Any

from flask import Flask

from progress.streamer.supervisor import StreamerSettings, Supervisor
from tasks import logs, startup

from . import access_log
from .sound import services as sound_services

_settings = startup.read_settings(needs_key=True)
logs.configure(_settings)
startup.look_around(_settings)

bind = f"0.0.0.0:{_settings.port}"
# With one process all would wait for its slowest page.
workers = _settings.web_processes
worker_class = "web.worker.Worker"
# Connections that wait for a request cost a descriptor each and no thread. Where there are more
# than this, the worker closes those that waited longest.
worker_connections = 10_000
# Threads answer pages; a stream keeps none. More threads take the interpreter from each other: with
# 16 of gunicorn's own threads a worker let in 470 streams a second, with 2 it let in 560. Each may
# hold a connection to Redis and one to the database.
threads = 4
# Streams end within a second of SIGTERM; other requests have this long.
graceful_timeout = 8
keepalive = 5
# Where the processors are full the streamer goes first: a page is for one person, a frame for all
# readers. Beside 500 pages a second the slowest of 1,000 readers waited 85 ms with 5, 35 with 10.
_NICENESS = 10
# gunicorn makes no control socket: Earmark uses none.
control_socket_disable = True
# Only EARMARK_TRUSTED_PROXIES says which proxies are believed: gunicorn itself believes none, also
# where the host sets FORWARDED_ALLOW_IPS to "*", as Heroku does.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
accesslog = "-"
logger_class = access_log.AccessLog.for_settings(_settings)
access_log_format = access_log.FORMAT


# A socket's path has at most some hundred bytes, and a data folder's path may be longer.
_streamer_path = str(Path(mkdtemp(prefix="earmark-")) / "streamer")
streamer = Supervisor(
    StreamerSettings(
        _streamer_path,
        _settings.redis_url,
        metrics_port=_settings.metrics_port,
        logging=logs.configuration(_settings),
    )
)


def when_ready(_server: Any) -> None:
    """Start the streamer, before the workers that hand streams to it."""
    streamer.start()
    os.environ["EARMARK_STREAMER"] = _streamer_path


def on_exit(_server: Any) -> None:
    """End the streamer, and with it all streams."""
    streamer.stop()
    rmtree(Path(_streamer_path).parent, ignore_errors=True)


def post_worker_init(worker: Any) -> None:
    """Have the worker give way, and its streams end at SIGTERM, before gunicorn waits for them."""
    os.nice(_NICENESS)
    # Imported modules stay: to look for garbage in them stops all threads for a tenth of a second.
    gc.collect()
    gc.freeze()
    app = worker.wsgi
    blueprint = app.blueprints.get("progress") if isinstance(app, Flask) else None
    hub = getattr(blueprint, "hub", None)
    if hub is None:
        return
    sounds = sound_services.of(app)
    stop_worker: Any = signal.getsignal(signal.SIGTERM)

    def stop(signum: int, frame: FrameType | None) -> None:
        hub.drain()
        sounds.sender.drain()
        stop_worker(signum, frame)

    signal.signal(signal.SIGTERM, stop)


def worker_exit(_server: Any, worker: Any) -> None:
    """Have what is nearly sent of a song be sent."""
    app = getattr(worker, "wsgi", None)
    if isinstance(app, Flask) and sound_services.is_in(app):
        sender = sound_services.of(app).sender
        sender.drain()
        sender.join()
