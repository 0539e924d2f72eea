"""Which bytes of a file a request asks for (RFC 9110, sections 13 and 14). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from werkzeug.datastructures import Headers
from werkzeug.http import (
    http_date,
    parse_date,
    parse_etags,
    parse_if_range_header,
    parse_range_header,
)

#: A file that was written so recently may be written again within the same tick of its clock
#: (RFC 9110, section 8.8.2.2): what it is known by is no proof then.
_SURE_AFTER_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Version:
    """What a representation is known by."""

    #: Without quotes.
    tag: str
    modified: datetime
    #: Whether two that have the same tag are the same byte for byte.
    is_strong: bool

    @classmethod
    def of_file(cls, tag: str, *, modified_ns: int, now_seconds: float) -> Version:
        """The version of a file that was last written at a time; both times since 1970."""
        seconds = modified_ns // 1_000_000_000
        is_strong = now_seconds - seconds >= _SURE_AFTER_SECONDS
        # A clock that was wrong writes years that no date has.
        known = min(max(seconds, 0), int(now_seconds))
        return cls(tag, datetime.fromtimestamp(known, UTC), is_strong)

    @property
    def headers(self) -> dict[str, str]:
        """The headers that tell it."""
        tag = f'"{self.tag}"' if self.is_strong else f'W/"{self.tag}"'
        return {"ETag": tag, "Last-Modified": http_date(self.modified)}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request is answered with: a status, and the bytes from `start` to before `stop`."""

    status: HTTPStatus
    start: int
    #: None: to the end, wherever that is.
    stop: int | None
    headers: Mapping[str, str]


def asked(headers: Headers, *, size_bytes: int, version: Version) -> Asked:
    """The part of a representation that a GET or a HEAD asks for.

    A request for several parts is answered with the whole, as RFC 9110 allows: players ask for one.
    """
    if _has_it(headers, version):
        return Asked(HTTPStatus.NOT_MODIFIED, 0, 0, {})
    part = _part(headers, size_bytes, version)
    if part is None:
        return Asked(HTTPStatus.OK, 0, size_bytes, {"Content-Length": str(size_bytes)})
    start, stop = part
    if start >= stop:
        unsatisfied = {"Content-Range": f"bytes */{size_bytes}", "Content-Length": "0"}
        return Asked(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, 0, 0, unsatisfied)
    span = {
        "Content-Range": f"bytes {start}-{stop - 1}/{size_bytes}",
        "Content-Length": str(stop - start),
    }
    return Asked(HTTPStatus.PARTIAL_CONTENT, start, stop, span)


def _has_it(headers: Headers, version: Version) -> bool:
    """Whether the client has this version already."""
    tags = headers.get("If-None-Match")
    if tags is not None:
        return parse_etags(tags).contains_weak(version.tag)
    since = parse_date(headers.get("If-Modified-Since"))
    return since is not None and version.modified <= since


def _part(headers: Headers, size_bytes: int, version: Version) -> tuple[int, int] | None:
    """The one part that is asked for, empty where there is none such; None for the whole."""
    wanted = parse_range_header(headers.get("Range"))
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return None
    if not _is_same(headers.get("If-Range"), version):
        return None
    start, stop = wanted.ranges[0]
    if start < 0:  # the last so many bytes
        return max(0, size_bytes + start), size_bytes
    return start, size_bytes if stop is None else min(stop, size_bytes)


def _is_same(condition: str | None, version: Version) -> bool:
    """Whether the part may be joined to what the client has: by a strong comparison alone."""
    if condition is None:
        return True
    if not version.is_strong or condition.lstrip().startswith("W/"):
        return False
    found = parse_if_range_header(condition)
    return version.modified == found.date if found.date else version.tag == found.etag
