"""Health: tells a host whether this process is alive, and whether to send it visitors."""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flask import Flask, Response

from library.schema import Schema
from progress.log import FeedRef

from .services import Services

logger = logging.getLogger(__name__)

#: How long an answer is remembered: a host may ask as often as it likes.
REMEMBERED_SECONDS = 1.0
#: A part that has not answered within this time is not well.
PATIENCE_SECONDS = 2.0

#: A job without a log. To ask for its position is one round trip to the server.
_NOBODY = FeedRef("-")


@dataclass
class Part:
    """One thing that must be well, asked by one thread at a time however many want to know.

    A check that hangs, as one of a server behind a dead network does, holds up nobody for longer
    than the patience, and no second one is begun beside it.
    """

    name: str
    #: Returns if it is well.
    check: Callable[[], object]
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _asking: threading.Thread | None = None
    _asked_at: float = -math.inf
    _is_well: bool = False

    def begin(self) -> threading.Thread | None:
        """Ask it, unless that is being done or the answer is remembered."""
        with self._lock:
            is_busy = self._asking is not None and self._asking.is_alive()
            if not is_busy and self.clock() - self._asked_at >= REMEMBERED_SECONDS:
                self._asked_at = self.clock()
                self._asking = threading.Thread(target=self._ask, daemon=True)
                self._asking.start()
            return self._asking

    def is_well(self) -> bool:
        """Whether the part's last answer was good; False while an answer is overdue."""
        is_busy = self._asking is not None and self._asking.is_alive()
        return self._is_well and not is_busy

    def _ask(self) -> None:
        try:
            self.check()
        except Exception as error:
            self._is_well = False
            logger.warning(
                "Not ready: %s.", self.name, exc_info=error, extra={"action": "not_ready"}
            )
        else:
            self._is_well = True


def ask(parts: Sequence[Part]) -> dict[str, bool]:
    """Every part's name, and whether it is well; all are asked at the same time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    for asking in [part.begin() for part in parts]:
        if asking is not None:
            asking.join(max(0.0, deadline - time.monotonic()))
    return {part.name: part.is_well() for part in parts}


class SchemaUnusable(Exception):
    """The tables are not those of this code: a migration is to be run, or newer code."""


def register(app: Flask, found: Services) -> None:
    """Have an application answer ``/healthz`` and ``/readyz``."""
    parts = [Part(name, check) for name, check in _checks(found).items()]

    @app.get("/healthz", endpoint="health.alive")
    def alive() -> Response:
        return _answer({}, 200)

    @app.get("/readyz", endpoint="health.ready")
    def ready() -> Response:
        found = ask(parts)
        return _answer(found, 200 if all(found.values()) else 503)


def _answer(parts: Mapping[str, bool], status: int) -> Response:
    said = {name: "ok" if is_well else "unavailable" for name, is_well in parts.items()}
    whole = {"status": "ok" if status == 200 else "unavailable", **said}
    return Response(json.dumps(whole), status, content_type="application/json")


def _checks(found: Services) -> dict[str, Callable[[], object]]:
    seen: dict[str | None, Schema] = {}

    def migrations() -> None:
        # What a revision means does not change; only which one it is, is asked for each time.
        revision = found.database.revision()
        schema = seen.get(revision) or seen.setdefault(revision, found.database.schema())
        if not schema.is_usable:
            raise SchemaUnusable(str(schema))

    return {
        "database": found.database.revision,
        "migrations": migrations,
        "log": lambda: found.log.position(_NOBODY),
    }
