"""The events of a log as JSON pages, for who cannot stream. No input or output of its own.

`EventPage` is the document that a page is, for the schema. `Excerpt` is what a log says after a
position, and makes the document of the events as they are stored. `read_excerpt` asks a log.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2s

from pydantic import Field

from .cursor import Cursor, parse_cursor
from .events import FeedSnapshot, JobWaiting, LogEvent, Snapshot
from .failures import UnusableQuery, parse_limit
from .log import Entry, Gap, JobRef, Log, LogRef, Position
from .queues import why_job_waits
from .reports import is_terminal_json
from .wire import WireModel

CONTENT_TYPE = "application/json"

#: Who waits for news is answered after this time at the latest: proxies end what takes longer.
MAX_WAIT_SECONDS = 25

#: Headers of every JSON answer about a job. A browser asks each time whether its copy still holds.
HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Accept, Accept-Encoding"}


def _is_none(value: object) -> bool:
    return value is None


class PageEntry(WireModel):
    """One event of a page, at its position."""

    id: str
    event: LogEvent


class EventPage(WireModel):
    """Some of a log's events, oldest first, as JSON."""

    #: Absent in a page of the feed.
    job_id: str | None = Field(default=None, exclude_if=_is_none)
    #: What to ask with next, as `after`; null where there is no log.
    cursor: str | None
    #: Nothing follows.
    ended: bool
    #: The state before the events of the page. It is there where no cursor was given, and where
    #: the log cannot go on from the one that was given.
    snapshot: Snapshot | FeedSnapshot | None = Field(default=None, exclude_if=_is_none)
    events: tuple[PageEntry, ...]
    #: Why the job waits, where it does and that is known. No event, and not part of the cursor.
    waiting: JobWaiting | None = Field(default=None, exclude_if=_is_none)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What a log says after a position."""

    job_id: str | None
    #: The position after it; None where there is no log.
    cursor: Cursor | None
    #: Nothing follows.
    ended: bool
    #: A state as JSON, where the log does not go on from the position asked for.
    snapshot: str | None = None
    entries: Sequence[Entry] = field(default=())
    waiting: JobWaiting | None = None

    @property
    def is_news(self) -> bool:
        """Whether it says anything that the position itself does not."""
        return self.snapshot is not None or bool(self.entries)

    @property
    def etag(self) -> str:
        """Names what it says. It is weak: the bytes may be compressed."""
        if self.cursor is None:
            return row_etag(self.snapshot or "")
        tag = state_etag(self.cursor, ended=self.ended)
        # What a job waits for changes while its log does not.
        return tag if self.waiting is None else f'{tag[:-1]}-{_digest(self.waiting.to_json())}"'

    def to_json(self) -> bytes:
        """The `EventPage`. The events are not parsed for it."""
        parts = [f'"jobId":{json.dumps(self.job_id)}'] if self.job_id is not None else []
        parts.append(f'"cursor":{json.dumps(str(self.cursor) if self.cursor else None)}')
        parts.append(f'"ended":{json.dumps(self.ended)}')
        if self.snapshot is not None:
            parts.append(f'"snapshot":{self.snapshot}')
        if self.waiting is not None:
            parts.append(f'"waiting":{self.waiting.to_json()}')
        entries = (b'{"id":"%b","event":%b}' % _in_page(entry) for entry in self.entries)
        return b'{%b,"events":[%b]}' % (",".join(parts).encode(), b",".join(entries))


def _in_page(entry: Entry) -> tuple[bytes, bytes]:
    return str(entry.cursor).encode("ascii"), entry.document


def state_etag(cursor: Cursor, *, ended: bool) -> str:
    """The ETag of what a log says up to a position."""
    return f'W/"{cursor}-end"' if ended else f'W/"{cursor}"'


def row_etag(document: str) -> str:
    """The ETag of a state that no log told."""
    return f'W/"row-{_digest(document)}"'


def _digest(document: str) -> str:
    return blake2s(document.encode(), digest_size=8).hexdigest()


State = Callable[[], Snapshot | FeedSnapshot | None]


def read_excerpt(
    log: Log, ref: LogRef, position: Position, *, after: Cursor | None, limit: int
) -> Excerpt | None:
    """What a log that stands at a position says after a cursor, and why its job waits.

    None where the log has just gone.

    Raises:
        LogUnavailable: the log cannot be asked.
    """
    excerpt = _read(log, ref, position, after=after, limit=limit)
    if excerpt is None or excerpt.ended:
        return excerpt
    return replace(excerpt, waiting=why_job_waits(log, ref))


def _read(
    log: Log, ref: LogRef, position: Position, *, after: Cursor | None, limit: int
) -> Excerpt | None:
    job_id = ref.job_id if isinstance(ref, JobRef) else None
    if after == position.cursor:
        return Excerpt(job_id, after, position.has_ended)
    entries = log.read(ref, after=after, limit=limit) if after is not None else Gap()
    if entries and not isinstance(entries, Gap):
        last = entries[-1]
        ended = job_id is not None and is_terminal_json(last.document)
        return Excerpt(job_id, last.cursor, ended, entries=entries)
    known = log.snapshot(ref)
    return None if known is None else _of_state(job_id, *known)


def _of_state(
    job_id: str | None, snapshot: Snapshot | FeedSnapshot, cursor: Cursor | None
) -> Excerpt:
    return Excerpt(job_id, cursor, is_over(snapshot), snapshot.to_json())


def excerpt_of_row(ref: LogRef, snapshot: Snapshot | FeedSnapshot) -> Excerpt:
    """What an application's own rows say, where there is no log."""
    return _of_state(ref.job_id if isinstance(ref, JobRef) else None, snapshot, None)


def is_over(snapshot: Snapshot | FeedSnapshot) -> bool:
    """Whether nothing follows a state."""
    return isinstance(snapshot, Snapshot) and snapshot.status.is_terminal


@dataclass(frozen=True, slots=True)
class PageQuery:
    """What a request for a page asks for."""

    #: None asks for the state; so does a cursor that is none.
    after: Cursor | None
    limit: int
    #: How long to wait where there is nothing new.
    wait_seconds: int

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> PageQuery:
        """The query of a request.

        Raises:
            UnusableQuery: a value cannot be used.
        """
        after, limit = parse_cursor(query.get("after")), parse_limit(query.get("limit"))
        return cls(after, limit, _parse_wait(query.get("wait", "0")))


def _parse_wait(text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_WAIT_SECONDS))
    if not is_number or int(text) > MAX_WAIT_SECONDS:
        raise UnusableQuery(f"wait must be a number of seconds from 0 to {MAX_WAIT_SECONDS}.")
    return int(text)


@dataclass(frozen=True, slots=True)
class Links:
    """Where a JSON answer leads on to."""

    #: The paths of the stream and of the pages, as a URL has them.
    stream: str
    events: str
    #: What the link to the next page has besides the cursor.
    query: str = ""

    def header(self, cursor: Cursor | None, *, ended: bool, is_page: bool) -> str | None:
        """The `Link` header (RFC 8288): the stream that goes on from here, and the next page."""
        if ended:
            return None
        at = f"?lastEventId={cursor}" if cursor is not None else ""
        stream = f'<{self.stream}{at}>; rel="alternate"; type="text/event-stream"'
        if not is_page:
            return stream
        query = "&".join(
            filter(None, (f"after={cursor}" if cursor is not None else "", self.query))
        )
        following = f"{self.events}?{query}" if query else self.events
        return f'<{following}>; rel="next", {stream}'


@dataclass(frozen=True, slots=True)
class PageForm:
    """How one client is told a page."""

    links: Links
    #: The client accepts gzip.
    gzip: bool

    def answer(self, excerpt: Excerpt) -> tuple[dict[str, str], bytes]:
        """The headers that belong to a page, and its body."""
        return self.pack(excerpt, excerpt.to_json(), is_page=True)

    def pack(self, excerpt: Excerpt, body: bytes, *, is_page: bool) -> tuple[dict[str, str], bytes]:
        """The headers that belong to an answer with this body, and what is sent of it."""
        body += b"\n"  # a page is a line, where pages are written one after the other
        headers = {"Content-Type": CONTENT_TYPE, "ETag": excerpt.etag}
        link = self.links.header(excerpt.cursor, ended=excerpt.ended, is_page=is_page)
        if link is not None:
            headers["Link"] = link
        if self.gzip:
            headers["Content-Encoding"] = "gzip"
            body = compressed(body)
        return headers, body


def compressed(body: bytes) -> bytes:
    """A body for who accepts gzip."""
    return gzip.compress(body, compresslevel=5, mtime=0)


#: Headers that say something of one page alone.
_OF_A_PAGE = frozenset({"content-encoding", "content-length", "etag", "link", "transfer-encoding"})


def with_page(headers: Iterable[tuple[str, str]], made: Mapping[str, str]) -> list[tuple[str, str]]:
    """The headers of a response, with those of another page in the place of its own page's."""
    told = {name.lower() for name in made} | _OF_A_PAGE
    return [*(pair for pair in headers if pair[0].lower() not in told), *made.items()]
