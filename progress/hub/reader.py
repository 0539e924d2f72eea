"""A stream that a client asked for, before and after it has a descriptor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..cursor import Cursor
from ..history import Excerpt, PageForm, with_page
from ..log import JobRef, LogRef


@dataclass(frozen=True, slots=True)
class PageWait:
    """A reader that wants one page of events instead of a stream, and waits for it."""

    #: When it is answered although nothing came, in seconds of `time.monotonic`.
    until: float
    #: How many events the page has at most.
    limit: int
    form: PageForm
    #: What the application and its middleware have the response bear, as name and value.
    headers: tuple[tuple[str, str], ...]
    #: The whole response where nothing came.
    nothing: bytes

    def response(self, found: Excerpt) -> bytes:
        """The whole response with a page."""
        made, body = self.form.answer(found)
        made["Content-Length"] = str(len(body))
        lines = [f"{name}: {value}" for name, value in with_page(self.headers, made)]
        head = "\r\n".join(["HTTP/1.1 200 OK", *lines, "Connection: close", "", ""])
        return head.encode("latin-1") + body


def job_id_of(ref: LogRef) -> str | None:
    """The job of a log; None for a feed."""
    return ref.job_id if isinstance(ref, JobRef) else None


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """A stream that a client asked for and may read. It is not tied to a descriptor."""

    ref: LogRef
    #: The stream begins after this position; None asks for a state first.
    cursor: Cursor | None = None
    #: Bytes that the hub writes before any frame, such as the head of the response.
    first: bytes = b""
    #: When the application was asked whether the account may read, in seconds of
    #: `time.monotonic` (the same clock in all processes of a machine). A hub that heard of a
    #: sign-out later than this does not begin the stream.
    authorized_at: float = float("inf")
    #: The reader wants a page of events instead of a stream.
    wait: PageWait | None = None

    def preceded_by(self, head: bytes) -> StreamRequest:
        """The same request with a response's head before its first bytes."""
        return replace(self, first=head + self.first)


@dataclass(frozen=True, slots=True)
class Reader:
    """A stream request and the descriptor of the socket that its frames are written to."""

    fd: int
    request: StreamRequest


#: Has another process serve a reader, on a duplicate of its descriptor. Returns whether that
#: process took it.
HandOver = Callable[[Reader], bool]
