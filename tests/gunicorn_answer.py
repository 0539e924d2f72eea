"""gunicorn's own response object, for tests that play the server."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

from gunicorn.config import Config
from gunicorn.http.wsgi import Response


def gunicorn_response(server: socket.socket) -> Any:
    """A response to a GET that came on a socket; its `start_response` is what applications get."""
    request = SimpleNamespace(method="GET", version=(1, 1), should_close=lambda: True)
    return Response(request, server, Config())
