"""How a request arrives: where its head ends, and when its body is whole. No I/O here.

It understands no more of a request than that takes. It does not wait for the rest of a request that
is too long or malformed: the bytes that have come go to the server's parser and to the application,
which refuse it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

#: A head, and a form with it, may take this long from the first byte to the last. The worker looks
#: at least once a second, and so ends a slower one within 15 s.
PATIENCE_SECONDS = 14.0
#: The longest body of a form, and of a request to the API.
MAX_BODY_BYTES = 64 * 1024
#: The longest body of an upload: an export's files, and some for the form around them.
UPLOAD_BYTES = 64 * 1024 * 1024 + MAX_BODY_BYTES
#: What an upload arrives at, at least: a phone far from its mast does.
_UPLOAD_BYTES_PER_SECOND = 32 * 1024
#: A longer head goes to the server's parser as far as it has come, and is refused there.
MAX_HEAD_BYTES = 64 * 1024

_END = b"\r\n\r\n"
_LINE = re.compile(rb"(?:PROXY [^\r\n]*\r\n)?\S+ (\S+) HTTP/1\.(\d)\r\n")
_FIELD = re.compile(rb"\r\n(content-length|transfer-encoding)[ \t]*:[ \t]*([^\r\n]*)", re.I)
_EXPECT = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*(?=\r\n)", re.I)
_SIZE = re.compile(rb"([0-9a-f]{1,15})[ \t]*(?:;|$)", re.I)
# The PROXY protocol's second version: 16 bytes, the last two of which say how many follow. They
# begin with an empty line, which is not a head's end.
_PROXY, _PROXY_BYTES = b"\r\n\r\n\x00\r\nQUIT\n", 16


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyRule:
    """The longest body, and the longest time for it, of the paths with a prefix."""

    prefix: bytes = b"/"
    #: A longer body is not waited for: the application is asked at once, and refuses it.
    longest_bytes: int
    #: None for a form, which has the time of its head. An upload has as much time more as what has
    #: come of it takes at this rate.
    least_bytes_per_second: int | None = None


#: The first rule whose prefix fits a path holds. An address that takes uploads gets a rule before
#: the last, with its own length and least rate; its view sets `request.max_content_length` to the
#: same length.
BODY_RULES = (
    BodyRule(
        prefix=b"/sources/export",
        longest_bytes=UPLOAD_BYTES,
        least_bytes_per_second=_UPLOAD_BYTES_PER_SECOND,
    ),
    BodyRule(longest_bytes=MAX_BODY_BYTES),
)


class Ending(Enum):
    """Why the worker waits for no more of a request."""

    WHOLE = "whole"
    CUT = "cut"


@dataclass(slots=True)
class Arrival:
    """A request that comes in pieces."""

    rules: tuple[BodyRule, ...]
    #: Whether there is nothing more to wait for.
    is_over: bool = False
    #: Whether the rest is not waited for: nobody knows then where the next request begins.
    is_cut: bool = False
    #: Whether the client waits for a "100 Continue" before it sends the body.
    asks: bool = False
    _seen_bytes: int = 0
    _head: bytearray = field(default_factory=bytearray)
    _body: _Length | _Chunks | None = None
    _rate: int | None = None

    @property
    def has_begun(self) -> bool:
        """Whether a byte of it has come."""
        return self._seen_bytes > 0

    @property
    def is_large(self) -> bool:
        """Whether it is an upload, of which more has come than a form may have."""
        return self._rate is not None and self._seen_bytes > MAX_BODY_BYTES

    @property
    def more_seconds(self) -> float:
        """How much longer than a form it may take, for what has come of it."""
        return self._seen_bytes / self._rate if self._rate else 0.0

    def take(self, data: bytes) -> bytes:
        """Take in bytes that have come; returns those that the server's parser gets now.

        It gets none before the head is whole. The head is given without its wish for a
        "100 Continue", which whoever waits for the body has to fulfil.
        """
        self._seen_bytes += len(data)
        if self._body is not None:
            self._end(self._body.take(data))
            return data
        known = max(0, len(self._head) - len(_END) + 1)
        self._head += data
        begin = _proxy_bytes(self._head)
        end = self._head.find(_END, max(known, begin)) + len(_END)
        if end >= len(_END):
            return self._begin_body(begin, end)
        if len(self._head) <= MAX_HEAD_BYTES:
            return b""
        self._end(Ending.CUT)
        return bytes(self._head)

    def _begin_body(self, begin: int, end: int) -> bytes:
        came = bytes(self._head)
        head, rest = came[begin:end], came[end:]
        fields = {name.lower(): value.strip() for name, value in _FIELD.findall(head)}
        if not fields:
            self._end(Ending.WHOLE)
            return came
        line = _LINE.match(head)
        rule = line and next((r for r in self.rules if line[1].startswith(r.prefix)), None)
        if not line or not rule:
            self._end(Ending.CUT)
            return came
        self._rate = rule.least_bytes_per_second
        self._body = _body_of(fields, rule.longest_bytes)
        self._end(self._body.take(rest))
        kept = _EXPECT.sub(b"", head) if line[2] != b"0" else head
        self.asks = kept != head and not self.is_over
        return came[:begin] + kept + rest

    def _end(self, ending: Ending | None) -> None:
        self.is_over, self.is_cut = ending is not None, ending is Ending.CUT


def _proxy_bytes(head: bytearray) -> int:
    if not _PROXY.startswith(head[: len(_PROXY)]):
        return 0
    return _PROXY_BYTES + int.from_bytes(head[_PROXY_BYTES - 2 : _PROXY_BYTES], "big")


def _body_of(fields: dict[bytes, bytes], longest_bytes: int) -> _Length | _Chunks:
    if b"transfer-encoding" in fields:
        return _Chunks(longest_bytes)
    length = fields[b"content-length"]
    # Nobody sends a number of more digits, and a very long one takes long to read.
    is_known = length.isdigit() and len(length) < 19 and int(length) <= longest_bytes
    return _Length(int(length) if is_known else -1)


@dataclass(slots=True)
class _Length:
    """A body of a length that was said, or -1."""

    missing_bytes: int

    def take(self, data: bytes) -> Ending | None:
        if self.missing_bytes < 0:
            return Ending.CUT
        self.missing_bytes = max(0, self.missing_bytes - len(data))
        return None if self.missing_bytes else Ending.WHOLE


@dataclass(slots=True)
class _Chunks:
    """A body in chunks, RFC 9112 section 7.1."""

    room_bytes: int
    _came: bytearray = field(default_factory=bytearray)
    _skipped_bytes: int = 0
    _is_trailer: bool = False

    def take(self, data: bytes) -> Ending | None:
        self.room_bytes -= len(data)
        if self.room_bytes < 0:
            return Ending.CUT
        self._came += data
        while self._skips():
            line, end, after = self._came.partition(b"\r\n")
            if not end:
                return None
            self._came = after
            if self._is_trailer and not line:
                return Ending.WHOLE
            if not self._is_trailer and not self._begin_chunk(bytes(line)):
                return Ending.CUT
        return None

    def _skips(self) -> bool:
        """Pass over a chunk's bytes and its line end; whether all of them have come."""
        passed = min(self._skipped_bytes, len(self._came))
        del self._came[:passed]
        self._skipped_bytes -= passed
        return not self._skipped_bytes

    def _begin_chunk(self, line: bytes) -> bool:
        size = _SIZE.match(line)
        if size is None:
            return False
        self._is_trailer = not int(size[1], 16)
        self._skipped_bytes = 0 if self._is_trailer else int(size[1], 16) + len(b"\r\n")
        return True
