"""The limit of gunicorn: an application that only takes a stream's descriptor, and keeps it.

It has no session, no account and no log, and asks nobody. Also gunicorn's settings: as many
processes and threads as Earmark's, and no access log.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from progress.wsgi.gunicorn import client_socket, give_away

from .limit import HEAD

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

workers, threads = 2, 4
worker_class = "web.worker.Worker"
backlog = 8192
control_socket_disable = True

_KEPT: list[int] = []


def post_worker_init(_worker: Any) -> None:
    """Give way to the streams, as Earmark's do."""
    os.nice(10)


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with a stream that has begun."""
    client = client_socket(environ)
    if client is not None:
        give_away(client, _take)
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    return []


def _take(fd: int) -> None:
    kept = os.dup(fd)
    os.write(kept, HEAD)
    _KEPT.append(kept)
