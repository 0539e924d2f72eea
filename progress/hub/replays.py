"""Brings readers to where a log stands: from what is kept of it, or from what it answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from ..cursor import Cursor
from ..events import EMPTY_FEED, Snapshot
from ..log import FeedRef
from ..metrics import HubMetrics
from ..sse import frame
from .channel import Channel, Stream
from .fetcher import Found, NoLog, Page, State, Want
from .writer import Writer

#: A reader that waits for an answer, and where it is to begin then.
Asking = tuple[Stream, Cursor | None]


class Questions:
    """The questions of one hub, each asked once. Used by its loop's thread only.

    Args:
        put: Puts a question to the log.
    """

    def __init__(self, put: Callable[[Want], None]) -> None:
        self._put = put
        self._asking: dict[Want, list[Asking]] = {}

    def __contains__(self, want: Want) -> bool:
        return want in self._asking

    def ask(self, channel: Channel, want: Want, *readers: Asking) -> None:
        """Ask, for some readers or for nobody in particular."""
        asking = self._asking.get(want)
        if asking is not None:
            asking.extend(readers)
            return
        self._asking[want] = list(readers)
        channel.asked += 1
        # Subscribed to before it is read: what comes between is not missed.
        if channel.is_followed:
            self._put(want)
        else:
            channel.unasked.append(want)

    def begin(self, channel: Channel) -> None:
        """A channel is followed from now on: ask what waited for that."""
        channel.is_followed = True
        unasked, channel.unasked = channel.unasked, []
        for want in unasked:
            self._put(want)

    def answered(self, channel: Channel, want: Want) -> list[Asking]:
        """The readers of an answer that are still there."""
        channel.asked -= 1
        return [asking for asking in self._asking.pop(want) if asking[0].is_open]

    def streams(self) -> Iterator[Stream]:
        """All readers that wait for an answer."""
        for readers in list(self._asking.values()):
            for stream, _ in readers:
                if stream.is_open:
                    yield stream


class Replays:
    """What a hub asks of the logs, and what becomes of the answers. Used by its loop's thread only.

    An answer is for who asked, for all who stand where they stand, and for the frames kept.

    Args:
        put: Puts a question to the log.
    """

    def __init__(self, writer: Writer, metrics: HubMetrics, put: Callable[[Want], None]) -> None:
        self._writer, self._metrics = writer, metrics
        self._questions = Questions(put)

    def open(self, stream: Stream, cursor: Cursor | None, first: bytes = b"") -> None:
        """Begin a reader from what is kept, or have its beginning fetched."""
        channel = stream.channel
        opening = channel.opening(cursor)
        if opening is not None:
            data, position = opening
            if cursor is not None:
                self._metrics.replays.observe(position - cursor.seq)
            self._writer.send(stream, first + data, position)
        elif not self._writer.put(stream, first):
            return
        elif channel.ring is None:
            # Where the log stands comes first: from there on frames are kept, for all.
            self._ask(channel, None, (stream, cursor))
        else:
            self.fetch(stream, cursor)

    def fetch(self, stream: Stream, cursor: Cursor | None) -> None:
        """Have what follows a cursor read for a reader, or a state where there is none."""
        self._ask(stream.channel, cursor, (stream, cursor))

    def _ask(self, channel: Channel, after: Cursor | None, *readers: Asking) -> None:
        self._questions.ask(channel, Want(channel.ref, after), *readers)

    def mend(self, channel: Channel) -> None:
        """Fetch what is missing before a message, for nobody in particular."""
        if channel.heard is None:
            return
        is_same = channel.heard.epoch == channel.epoch
        after = channel.position if is_same else None
        # One that is on its way may have been answered before the message: then once more.
        if Want(channel.ref, after) not in self._questions:
            channel.heard = None
            self._ask(channel, after)

    def look(self, channel: Channel) -> None:
        """See whether a message was missed."""
        channel.looked_at = time.monotonic()
        if channel.has_readers:
            self._ask(channel, channel.position)

    def answered(self, channel: Channel, want: Want, found: Found) -> None:
        """A question was answered."""
        readers = self._questions.answered(channel, want)
        if isinstance(found, Page) and want.after is not None:
            self._found_page(channel, want.after, found, readers)
        elif isinstance(found, State):
            self._found_state(channel, want.after, found, readers)
        elif isinstance(found, NoLog):
            self._found_no_log(channel, readers)
        else:
            for stream, _ in readers:
                self._writer.dismiss(stream)
        if channel.is_behind:
            self.mend(channel)

    def _found_page(
        self, channel: Channel, after: Cursor, page: Page, readers: list[Asking]
    ) -> None:
        if channel.ring is None or channel.epoch != after.epoch:
            for stream, cursor in readers:
                self.open(stream, cursor)
            return
        position = page.entries[-1].cursor.seq if page.entries else after.seq
        frames = [frame(entry.document, entry.cursor) for entry in page.entries]
        channel.fill(after.seq, frames, page.entries)
        if channel.ring.last < position:
            self._begin_anew(channel, Cursor(after.epoch, position))
        self._writer.flush_soon(channel)
        data = b"".join(frames)
        for stream, _ in readers:
            self._metrics.replays.observe(len(frames))
            self._writer.send(stream, data, position)
        if not readers and not page.is_last:
            self._ask(channel, channel.position)

    def _found_state(
        self, channel: Channel, after: Cursor | None, state: State, readers: list[Asking]
    ) -> None:
        snapshot, cursor = state.snapshot, state.cursor
        if not channel.holds(cursor):
            self._begin_anew(channel, cursor)
        is_over = isinstance(snapshot, Snapshot) and snapshot.status.is_terminal
        channel.keep_snapshot(snapshot.to_json().encode(), cursor, is_over=is_over)
        self._writer.flush(channel)
        waiting, channel.waiting = channel.waiting, set()
        for stream in waiting:
            self.open(stream, None)
        for stream, begins_at in readers:
            if after is not None:
                self._metrics.gaps += 1
                begins_at = None  # noqa: PLW2901 - the log cannot go on from there
            self.open(stream, begins_at)

    def _found_no_log(self, channel: Channel, readers: list[Asking]) -> None:
        known = [*channel.live.values(), *channel.lagging]
        channel.lose()
        if isinstance(channel.ref, FeedRef):
            # A feed without a log has no active jobs.
            empty = frame(EMPTY_FEED.to_json().encode(), None)
            for stream in (*known, *(stream for stream, _ in readers)):
                if stream not in channel.lagging and self._writer.put(stream, empty):
                    channel.waiting.add(stream)
            return
        # Who let them in can tell the state from elsewhere when they come back.
        for stream in (*known, *(() if readers else tuple(channel.waiting))):
            self._writer.dismiss(stream)
        channel.waiting.update(stream for stream, _ in readers)

    def _begin_anew(self, channel: Channel, cursor: Cursor) -> None:
        """Keep frames from another position on. Who has not come there is caught up."""
        sent = channel.position
        is_same = sent is not None and sent.epoch == cursor.epoch
        after = Cursor(cursor.epoch, channel.sent) if is_same else None
        live = list(channel.live.values())
        channel.begin(cursor)
        for stream in live:
            self.fetch(stream, after)
        if not is_same:
            for lag in channel.lagging.values():
                lag.position = None

    def follow(self, channel: Channel) -> None:
        """A log is subscribed to from now on: ask what waited for that."""
        self._questions.begin(channel)
        if channel.ring is not None or channel.waiting:
            self.look(channel)

    def ask_state(self, channel: Channel) -> None:
        """Ask where a log stands whose readers wait for its beginning."""
        if channel.waiting:
            self._ask(channel, None)

    def streams(self) -> Iterator[Stream]:
        """All readers that wait for an answer."""
        return self._questions.streams()
