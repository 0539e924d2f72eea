"""A browser that watches a job throughout: over HTTP, coming back with its cursor."""

from __future__ import annotations

import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from tests.sse import Parser

TERMINAL = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Seen:
    """One frame as the browser got it."""

    at: float
    id: str
    event: dict[str, Any]


@dataclass
class Watch:
    """Follows one job's stream in a thread until it has ended."""

    port: int
    account: str
    job_id: str
    frames: list[Seen] = field(default_factory=list)
    _stopped: bool = False

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        return any(status in TERMINAL for status in self.statuses)

    @property
    def statuses(self) -> list[str]:
        """Every status that was shown, in order, a snapshot's included."""
        return [
            frame.event["status"]
            for frame in self.frames
            if frame.event["type"] in ("status", "snapshot")
        ]

    def stop(self) -> None:
        self._stopped = True
        self._thread.join(10)

    def _run(self) -> None:
        parser = Parser()
        while not self._stopped and not self.ended:
            try:
                self._connect(parser)
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)

    def _connect(self, parser: Parser) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        headers = {"X-Account": self.account}
        if parser.last_event_id:
            headers["Last-Event-ID"] = parser.last_event_id
        try:
            connection.request("GET", f"/api/jobs/{self.job_id}/progress", headers=headers)
            response = connection.getresponse()
            if response.status != 200:
                time.sleep(0.05)
                return
            # What was cut off in the midst of a frame is no frame.
            parser._buffer, parser._data = b"", []
            while not self._stopped and (data := response.read1()):
                known = len(parser.events)
                parser.feed(data)
                now = time.monotonic()
                for id_, text in parser.events[known:]:
                    event = json.loads(text)
                    # Why a job waits is no event of its log, and has no place in it.
                    if event["type"] != "waiting":
                        self.frames.append(Seen(now, id_, event))
        finally:
            connection.close()
