"""An error as a program reads it: ``application/problem+json`` (RFC 9457). Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from ..errors import TooManyStreams


@dataclass(frozen=True, slots=True)
class Problem:
    """An error response, for whichever framework sends it."""

    status: int
    #: One sentence for the person who reads it.
    detail: str
    #: When the client may try again; 0 says nothing about that.
    retry_after_seconds: int = 0
    #: Further members of the document.
    more: Mapping[str, object] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the response."""
        headers = {"Content-Type": "application/problem+json"}
        if self.retry_after_seconds:
            headers["Retry-After"] = str(self.retry_after_seconds)
        return headers | {"Cache-Control": "no-store"}

    @property
    def body(self) -> bytes:
        """The JSON document."""
        title = HTTPStatus(self.status).phrase
        document = {"type": "about:blank", "title": title, "status": self.status}
        return json.dumps(document | {"detail": self.detail, **self.more}).encode()


#: The answer where a process has no descriptor for a stream.
NOT_TAKEN = Problem(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "This server cannot take a stream now.",
    retry_after_seconds=1,
)


def too_many(error: TooManyStreams) -> Problem:
    """The answer to who may read and finds no free place."""
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, str(error), error.retry_after_seconds)
