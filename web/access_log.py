"""Gunicorn's logs: in the form of all others, and a line for each request."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from gunicorn.glogging import Logger

from tasks import logs
from tasks.settings import Settings

from .request_context import ENVIRON_KEY

#: What hosts ask all the time.
QUIET = frozenset({"/healthz", "/readyz"})

FORMAT = "%(m)s %(U)s %(s)s %(B)s bytes %(M)s ms"


class AccessLog(Logger):  # type: ignore[misc] # gunicorn is untyped
    """Gathers only what a line of ours shows, where gunicorn gathers all headers each time."""

    #: Said by `for_settings`: gunicorn makes the object itself.
    settings: ClassVar[Settings]

    @classmethod
    def for_settings(cls, settings: Settings) -> type[AccessLog]:
        """The class that writes as the settings say."""
        return type(cls.__name__, (cls,), {"settings": settings})

    def setup(self, cfg: Any) -> None:
        """As gunicorn's, with our lines."""
        super().setup(cfg)
        formatter = logs.formatter(self.settings)
        for handler in self.access_log.handlers:
            handler.setFormatter(formatter)
        if cfg.errorlog == "-":
            # The root's handler counts what repeats.
            self.error_log.handlers.clear()
            self.error_log.propagate = True

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """Write the line of a request. A host that looks every few seconds has none."""
        if environ.get("PATH_INFO") in QUIET and str(resp.status).startswith("200"):
            return
        if not (self.cfg.accesslog or self.cfg.logconfig or self.cfg.logconfig_dict):
            return
        atoms = self.atoms(resp, req, environ, request_time)
        self.access_log.info(
            self.cfg.access_log_format, atoms, extra=environ.get(ENVIRON_KEY) or {}
        )

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
