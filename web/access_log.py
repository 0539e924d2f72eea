"""Gunicorn's logs: its own lines in the form of all others, and one line for each request."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from gunicorn.glogging import Logger

from tasks import logs
from tasks.settings import Settings

from .request_context import ENVIRON_KEY

#: Addresses that a host asks every few seconds: no line for a 200.
QUIET = frozenset({"/healthz", "/readyz"})

FORMAT = "%(m)s %(U)s %(s)s %(B)s bytes %(M)s ms"


class AccessLog(Logger):  # type: ignore[misc] # gunicorn is untyped
    """gunicorn's logger; it collects only the atoms of `FORMAT`, gunicorn's own all headers."""

    #: Set by `for_settings`, since gunicorn itself makes the object.
    settings: ClassVar[Settings]

    @classmethod
    def for_settings(cls, settings: Settings) -> type[AccessLog]:
        """The class that writes as the settings say."""
        return type(cls.__name__, (cls,), {"settings": settings})

    def setup(self, cfg: Any) -> None:
        """Set gunicorn's loggers up, with Earmark's form of lines."""
        super().setup(cfg)
        formatter = logs.formatter(self.settings)
        for handler in self.access_log.handlers:
            handler.setFormatter(formatter)
        if cfg.errorlog == "-":
            # The root's handler counts repeats.
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
        """The values that ``access_log_format`` may name: h, m, U, s, B, M. Others are a dash.

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
