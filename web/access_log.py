"""Gunicorn's access log, a line for each request."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger

FORMAT = "%(m)s %(U)s %(s)s %(B)s bytes %(M)s ms"


class AccessLog(Logger):  # type: ignore[misc] # gunicorn is untyped
    """Gathers only what a line of ours shows, where gunicorn gathers all headers each time."""

    def atoms(
        self, resp: Any, _req: Any, environ: dict[str, Any], request_time: timedelta
    ) -> dict[str, object]:
        """What ``access_log_format`` may name: h, m, U, s, B, M. All else is a dash.

        The path is as it was sent: decoded, it could end the line and begin one of its own. Its
        query is left out, which may hold what a log should not.
        """
        return {
            "h": environ.get("REMOTE_ADDR", "-"),
            "m": environ["REQUEST_METHOD"],
            "U": environ["RAW_URI"].partition("?")[0],
            "s": str(resp.status).partition(" ")[0],
            "B": resp.sent,
            "M": round(request_time.total_seconds() * 1_000),
        }
