"""Short ways to write to a log and to read all of it, for tests."""

from __future__ import annotations

import select
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import uuid4

from ..cursor import Cursor
from ..events import FeedSnapshot, ItemStatus, JobStatus, LogEvent, Snapshot, parse_event
from ..log import Entry, Following, Gap, Heard, JobRef, Log, LogRef, Message, Messages
from ..reports import ItemReport, StatusReport
from ..rules.snapshot import fold, fold_feed


def fresh_ref() -> JobRef:
    """A job that no other test knows, so that tests may share a server."""
    return JobRef(f"account-{uuid4().hex[:12]}", uuid4().hex)


def entries_of(log: Log, ref: LogRef) -> list[Entry]:
    """All retained entries of a log whose first one is retained."""
    state = log.snapshot(ref)
    if state is None:
        return []
    after = Cursor(state[1].epoch, 0)
    entries: list[Entry] = []
    while True:
        page = log.read(ref, after=after)
        if isinstance(page, Gap):
            raise AssertionError(f"the log of {ref} begins later than at 1")
        if not page:
            return entries
        entries.extend(page)
        after = entries[-1].cursor


def events_of(log: Log, ref: LogRef) -> list[LogEvent]:
    """All retained events of a log whose first one is retained."""
    return [parse_event(entry.document) for entry in entries_of(log, ref)]


@contextmanager
def following(log: Log, ref: LogRef) -> Iterator[Messages]:
    """The messages of a log, which miss no append after the block is entered."""
    messages = log.messages()
    try:
        messages.follow(ref)
        while Following(ref) not in _take(messages, seconds=5):
            pass
        yield messages
    finally:
        messages.close()


def heard(messages: Messages, *, seconds: float) -> list[tuple[LogRef, Message]]:
    """The first messages that come from logs; an empty list where none comes within `seconds`."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        found = [told for told in _take(messages, seconds=left) if isinstance(told, tuple)]
        if found:
            return found
    return []


def _take(messages: Messages, *, seconds: float) -> list[Heard]:
    select.select([messages], [], [], seconds)
    return list(messages.take())


def folded(events: Iterable[LogEvent]) -> Snapshot | None:
    """The fold of a job's events from the beginning."""
    snapshot: Snapshot | None = None
    for event in events:
        snapshot = fold(snapshot, event)
    return snapshot


def folded_feed(events: Iterable[LogEvent]) -> FeedSnapshot | None:
    """The fold of a feed's events from the beginning."""
    snapshot: FeedSnapshot | None = None
    for event in events:
        snapshot = fold_feed(snapshot, event)
    return snapshot


def item(
    item_id: str, status: str, *, at: float = 1_790_000_000.0, error: str | None = None
) -> ItemReport:
    """A report of one song."""
    return ItemReport(item_id, "song", ItemStatus(status), at, f"Song {item_id}", error=error)


def status(name: str, *, at: float = 1_790_000_000.0, reason: str | None = None) -> StatusReport:
    """A report of a status."""
    return StatusReport(JobStatus(name), at, reason)
