"""A site that echoes its requests, under a worker with short times. Also gunicorn's settings."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from web.arrival import BodyRule
from web.worker import Worker

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

control_socket_disable = True

LONGEST_FORM = 64 * 1024
LONGEST_UPLOAD = 4 * 1024 * 1024
PATIENCE_SECONDS = 1.0
LEAST_RATE = 256 * 1024
MOST_UPLOADS = 2


class Impatient(Worker):
    """A worker that tests need not wait for, and that takes uploads at an address."""

    patience_seconds = PATIENCE_SECONDS
    most_uploads = MOST_UPLOADS
    body_rules = (
        BodyRule(
            prefix=b"/upload", longest_bytes=LONGEST_UPLOAD, least_bytes_per_second=LEAST_RATE
        ),
        BodyRule(longest_bytes=LONGEST_FORM),
    )


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with the method, the path, and the length and the hash of the body."""
    path = environ["PATH_INFO"]
    if path.startswith("/until"):
        _wait_for(Path(path.removeprefix("/until")))
    body = b"" if path == "/unread" else environ["wsgi.input"].read()
    said = [environ["REQUEST_METHOD"], path, len(body), digest(body), environ["REMOTE_ADDR"]]
    text = b"x" * 300_000 if path == "/long" else " ".join(map(str, said)).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text]


def _wait_for(file: Path) -> None:
    file.with_suffix(".begun").touch()
    while not file.exists():
        time.sleep(0.02)


def digest(body: bytes) -> str:
    """A short name for a body."""
    return hashlib.sha256(body).hexdigest()[:8]
