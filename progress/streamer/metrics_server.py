"""The streamer's ``GET /metrics`` for Prometheus, on 127.0.0.1 alone."""

from __future__ import annotations

import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ..hub import Hub
from ..metrics import CONTENT_TYPE, exposition

logger = logging.getLogger(__name__)

#: A client that connects and sends nothing is dropped after this time.
_TIMEOUT_SECONDS = 5


def serve_metrics(hub: Hub, *, port: int) -> ThreadingHTTPServer | None:
    """Serve a hub's metrics from threads of their own.

    Returns None where the port is taken. That is logged, and streams go on without metrics.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = _TIMEOUT_SECONDS

        def do_GET(self) -> None:
            """Answer with the metrics."""
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404)
                return
            body = exposition(hub.metrics, open_streams=hub.streams).encode()
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing: Prometheus asks every few seconds."""

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        logger.warning(
            "Port %d cannot be had for metrics: %s", port, error, extra={"action": "no_metrics"}
        )
        return None
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="progress-metrics", daemon=True).start()
    return server
