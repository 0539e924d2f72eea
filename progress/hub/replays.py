"""Brings readers to where a log stands: from what is kept of it, or from what it answers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from ..cursor import Cursor
from ..events import EMPTY_FEED
from ..log import Entry, FeedRef, JobRef
from ..metrics import HubMetrics
from ..sse import frame
from .channel import Channel, Stream
from .fetcher import Fetcher, Found, NoLog, Page, State, Want
from .kept import Kept
from .writer import Writer

#: A reader that waits for an answer, and the cursor that it is to begin with then.
Asking = tuple[Stream, Cursor | None]


class Questions:
    """The questions of one hub, each asked once for all who wait for its answer.

    Used by the loop's thread only.
    """

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._asking: dict[Want, list[Asking]] = {}

    def __contains__(self, want: Want) -> bool:
        return want in self._asking

    def ask(self, channel: Channel, want: Want, *readers: Asking) -> None:
        """Ask on behalf of these readers; without any, for the frames that are kept."""
        asking = self._asking.get(want)
        if asking is not None:
            asking.extend(readers)
            return
        self._asking[want] = list(readers)
        inquiry = channel.inquiry
        inquiry.asked += 1
        # A log is subscribed to before it is read: what comes between the two is not missed.
        if inquiry.is_followed:
            self._fetcher.ask(want)
        else:
            inquiry.unasked += (want,)

    def begin(self, channel: Channel) -> None:
        """The log is subscribed to from now on: ask the questions that waited for that."""
        inquiry = channel.inquiry
        inquiry.is_followed = True
        unasked, inquiry.unasked = inquiry.unasked, ()
        for want in unasked:
            self._fetcher.ask(want)

    def answered(self, channel: Channel, want: Want) -> list[Asking]:
        """The readers that wait for an answer and are still there. It is asked no more."""
        channel.inquiry.asked -= 1
        return [asking for asking in self._asking.pop(want) if asking[0].is_open]

    def streams(self) -> Iterator[Stream]:
        """All readers that wait for an answer."""
        for readers in list(self._asking.values()):
            for stream, _ in readers:
                if stream.is_open:
                    yield stream


class Replays:
    """What a hub asks of its logs, and what it does with messages and answers.

    An answer is for the readers that asked, for those that stand at the same position, and for the
    frames that are kept. Used by the loop's thread only; it alone writes each channel's `Inquiry`,
    and sets its `Kept`.
    """

    def __init__(self, writer: Writer, metrics: HubMetrics, fetcher: Fetcher) -> None:
        self._writer, self._metrics = writer, metrics
        self._questions = Questions(fetcher)

    # -- readers -------------------------------------------------------------------------

    def open(self, stream: Stream, cursor: Cursor | None, first: bytes = b"") -> None:
        """Begin a reader from what is kept, or have its beginning fetched."""
        channel = stream.channel
        kept = channel.kept
        opening = kept.opening(cursor) if kept is not None else None
        if opening is not None:
            data, position = opening
            if cursor is not None:
                self._metrics.replays.observe(position - cursor.seq)
            self._writer.send(stream, first + data, position)
        elif not self._writer.put(stream, first):
            return
        elif kept is None:
            # The log's position comes first: from there on, frames are kept for all.
            self._ask(channel, None, (stream, cursor))
        else:
            self.fetch(stream, cursor)

    def fetch(self, stream: Stream, cursor: Cursor | None) -> None:
        """Have what follows a cursor read for a reader, or a state where there is no cursor."""
        self._ask(stream.channel, cursor, (stream, cursor))

    def forget(self, stream: Stream) -> None:
        """A stream has ended."""
        stream.channel.inquiry.early.pop(stream, None)

    def asking(self) -> Iterator[Stream]:
        """All readers that wait for an answer."""
        return self._questions.streams()

    def _ask(self, channel: Channel, after: Cursor | None, *readers: Asking) -> None:
        self._questions.ask(channel, Want(channel.ref, after), *readers)

    # -- messages ------------------------------------------------------------------------

    def came(self, channel: Channel, entries: Sequence[Entry]) -> bool:
        """A message said that a log grew; returns whether there is something to write."""
        kept = channel.kept
        if kept is None:
            channel.inquiry.heard = entries[-1].cursor
            # Its readers wait for it to begin. Where it stands, the message does not tell.
            if channel.inquiry.early:
                self._ask(channel, None)
            return False
        last = kept.ring.last
        if not kept.take(entries):
            channel.inquiry.heard = entries[-1].cursor
            self._mend(channel, kept)
            return False
        return kept.ring.last > last

    def _mend(self, channel: Channel, kept: Kept) -> None:
        """Fetch what is missing before the last message, for the frames that are kept."""
        heard = channel.inquiry.heard
        if heard is None:
            return
        after = kept.position if heard.epoch == kept.epoch else None
        # A question that is on its way may have been answered before the message came. Then this
        # is called again with that answer, since `heard` is kept.
        if Want(channel.ref, after) not in self._questions:
            channel.inquiry.heard = None
            self._ask(channel, after)

    def follow(self, channel: Channel) -> None:
        """A log is subscribed to from now on: ask what waited for that."""
        self._questions.begin(channel)
        if channel.kept is not None or channel.inquiry.early:
            self.look(channel)

    def unfollow(self, channel: Channel) -> None:
        """Messages of a log are missed until `follow` is called again."""
        channel.inquiry.is_followed = False

    def tend(self, channel: Channel) -> None:
        """Forget old frames, and ask whether a message was missed where none came of late."""
        kept, inquiry = channel.kept, channel.inquiry
        if kept is not None:
            kept.forget_old(channel.delivery.sent)
        tended_at = inquiry.tended_at
        inquiry.tended_at = kept.position if kept is not None else None
        if kept is None or kept.position == tended_at:
            self.look(channel)
        else:
            # A message tells of each hole before it. The question costs as much as many of them.
            inquiry.looked_at = time.monotonic()

    def look(self, channel: Channel) -> None:
        """Ask whether a log grew."""
        channel.inquiry.looked_at = time.monotonic()
        if channel.has_readers:
            self._ask(channel, channel.kept.position if channel.kept is not None else None)

    # -- answers -------------------------------------------------------------------------

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
        kept, heard = channel.kept, channel.inquiry.heard
        if kept is not None and heard is not None and heard > kept.position:
            self._mend(channel, kept)
        if kept is None and heard is not None and channel.inquiry.early:
            # The log began after the question was answered and before the answer came here.
            channel.inquiry.heard = None
            self._ask(channel, None)

    def _found_page(
        self, channel: Channel, after: Cursor, page: Page, readers: list[Asking]
    ) -> None:
        kept = channel.kept
        if kept is None or kept.epoch != after.epoch:
            for stream, cursor in readers:
                self.open(stream, cursor)
            return
        position = page.entries[-1].cursor.seq if page.entries else after.seq
        frames = [frame(entry.document, entry.cursor) for entry in page.entries]
        kept.fill(after.seq, frames, page.entries)
        if kept.ring.last < position:
            kept = self._begin_anew(channel, Cursor(after.epoch, position))
        self._writer.flush_soon(channel)
        data = b"".join(frames)
        for stream, _ in readers:
            self._metrics.replays.observe(len(frames))
            self._writer.send(stream, data, position)
        if not readers and not page.is_last:
            self._ask(channel, kept.position)

    def _found_state(
        self, channel: Channel, after: Cursor | None, state: State, readers: list[Asking]
    ) -> None:
        snapshot, cursor = state.snapshot, state.cursor
        kept = channel.kept
        if kept is None or not kept.holds(cursor):
            kept = self._begin_anew(channel, cursor)
        kept.keep_state(snapshot, cursor)
        self._writer.flush(channel)
        inquiry = channel.inquiry
        early, inquiry.early = inquiry.early, {}
        for stream in early:
            self.open(stream, None)
        for stream, begins_at in readers:
            if after is not None:
                # The log cannot go on from this cursor.
                self._metrics.gaps += 1
                self.open(stream, None)
            else:
                self.open(stream, begins_at)

    def _found_no_log(self, channel: Channel, readers: list[Asking]) -> None:
        early, lagging = channel.inquiry.early, channel.delivery.lagging
        channel.kept = None
        known = [*self._writer.restart(channel, is_same_log=False), *lagging]
        if isinstance(channel.ref, FeedRef):
            # A feed without a log has no active jobs.
            empty = frame(EMPTY_FEED.to_json().encode(), None)
            for stream in (*known, *(stream for stream, _ in readers)):
                if stream not in lagging and self._writer.put(stream, empty):
                    early[stream] = None
            return
        # Readers that saw the log are ended: when they come back, the application can tell the
        # state from its database. Readers that ask for the first time wait for the job to begin.
        for stream in (*known, *(() if readers else tuple(early))):
            self._writer.dismiss(stream)
        early.update((stream, None) for stream, _ in readers)

    def _begin_anew(self, channel: Channel, cursor: Cursor) -> Kept:
        """Keep frames from another position on. Readers that are not there yet are caught up."""
        is_same = channel.kept is not None and channel.kept.epoch == cursor.epoch
        after = Cursor(cursor.epoch, channel.delivery.sent) if is_same else None
        channel.kept = kept = Kept(cursor, can_end=isinstance(channel.ref, JobRef))
        for stream in self._writer.restart(channel, is_same_log=is_same):
            self.fetch(stream, after)
        return kept
