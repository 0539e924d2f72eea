"""An independent reader of event streams for tests, after the WHATWG text."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Parser:
    """Takes bytes as they come and holds what an EventSource would."""

    last_event_id: str = ""
    #: (id at dispatch, data) of each dispatched event.
    events: list[tuple[str, str]] = field(default_factory=list)
    retry_ms: int | None = None
    comments: int = 0
    _buffer: bytes = b""
    _data: list[str] = field(default_factory=list)
    _id: str = ""

    def __post_init__(self) -> None:
        self._id = self.last_event_id

    def feed(self, data: bytes) -> None:
        self._buffer += data
        # A CR at the very end may be half of a CRLF: it waits for what follows.
        while True:
            cut = min((i for i in map(self._buffer.find, (b"\r", b"\n")) if i >= 0), default=-1)
            if cut < 0 or (self._buffer[cut : cut + 1] == b"\r" and cut + 1 == len(self._buffer)):
                return
            width = 2 if self._buffer[cut : cut + 2] == b"\r\n" else 1
            line, self._buffer = self._buffer[:cut], self._buffer[cut + width :]
            self._line(line.decode("utf-8", "replace"))

    def _line(self, line: str) -> None:
        if not line:
            self._dispatch()
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not name:
            self.comments += 1
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdecimal():
            self.retry_ms = int(value)

    def _dispatch(self) -> None:
        self.last_event_id = self._id
        if self._data:
            self.events.append((self._id, "\n".join(self._data)))
        self._data = []
