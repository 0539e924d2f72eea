"""Brings each log to its readers: passes on what the loop, the log and the writer tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from ..aliases import SumRef
from ..cursor import Cursor
from ..events import JobWaiting
from ..limits import StreamLimits
from ..log import Following, Heard, JobRef, Log, LogRef, Messages
from ..metrics import HubMetrics
from ..sse import PING
from .admission import Admission
from .channel import Channel, Stream
from .channels import LOOK_SECONDS, Channels
from .fetcher import Fetcher, Found, Want
from .looks import Looks
from .loop import Loop
from .open_streams import OpenStreams
from .reader import Reader
from .reasons import Reasons
from .replays import Replays
from .sockets import Write, prepare
from .subscriptions import Subscriptions
from .waits import Waits
from .writer import Writer


class Distributor:
    """The half of a hub that runs in the loop's thread.

    It is the loop's `Watcher`, the log's `LogListener` and the writer's `StreamOwner`. The hub
    keeps the newest frames of a log, from the position on at which the log was first read. A
    message that joins on to them goes to all readers that have what came before. Everything else
    that a reader needs is read from the log, for it and for all readers at the same position.
    """

    def __init__(
        self,
        log: Log,
        limits: StreamLimits,
        write: Write,
        metrics: HubMetrics,
        admission: Admission,
        *,
        measures_lag: bool,
    ) -> None:
        self._limits, self._metrics, self._admission = limits, metrics, admission
        self._measures_lag = measures_lag
        self._pinged_at = 0.0
        self._is_lost = False
        #: Whether messages may be had, and whether one was heard over this connection.
        self._is_refused = self._is_heard = False
        self._channels = Channels(keep_alive_seconds=limits.keep_alive_seconds)
        self._loop = Loop(self)
        self._writer = Writer(self._loop, write, metrics, self)
        self._streams = OpenStreams(limits, metrics, self._writer)
        self._fetcher = Fetcher(log, self._loop, self)
        self._waits = Waits(self._loop, write, self._begin, admission.leave)
        self._replays = Replays(self._writer, metrics, self._fetcher)
        self._subscriptions = Subscriptions(self._loop, self._fetcher, self)
        self._looks = Looks()
        self._reasons = Reasons()

    # -- from any thread -----------------------------------------------------------------

    def start(self) -> None:
        """Start the threads."""
        self._subscriptions.connect()
        self._loop.start()
        self._fetcher.start()

    def post(self, do: Callable[[], None]) -> None:
        """Call a function in the loop's thread."""
        self._loop.post(do)

    def add(self, reader: Reader) -> None:
        """Serve a reader."""
        if self._loop.is_here:
            self._begin(reader)
        else:
            self._loop.post(lambda: self._begin(reader))

    def listen(self, fd: int, on_readable: Callable[[], None]) -> None:
        """Call a function in the loop's thread whenever new readers come on a descriptor."""
        self._loop.post(lambda: self._loop.listen_for_descriptors(fd, on_readable))

    def forget(self, fd: int) -> None:
        """Stop listening to a descriptor. The loop's thread calls this."""
        self._loop.forget(fd)

    def close(self, *, seconds: float) -> None:
        """Wait for the threads to end after `drain`."""
        self._loop.join(seconds=seconds)
        self._fetcher.close(seconds=seconds)
        # The fetcher may have connected while the loop ended.
        self._loop.finish()

    def abandon(self) -> None:
        """Close what the parent's threads used, in a child after a fork."""
        self._subscriptions.abandon()
        self._loop.discard()
        self._streams.abandon()
        self._waits.abandon()

    # -- readers: a Watcher and a StreamOwner ---------------------------------------------

    def _begin(self, reader: Reader) -> None:
        request = reader.request
        if request.wait is not None:
            self._waits.begin(reader, request.wait)
            return
        prepare(reader.fd)
        channel = self._channels.by_ref.get(request.ref)
        if channel is None:
            channel = self._channels.open(request.ref, now=time.monotonic())
            self._follow(channel)
        if not self._is_heard or isinstance(channel.ref, SumRef):
            self._looks.begin(channel, time.monotonic())
        self._reasons.begin(channel)
        stream = self._streams.add(reader, channel)
        self._writer.begin(stream)
        if self._streams.may_begin(reader):
            self._replays.open(stream, request.cursor, request.first)
        elif self._writer.put(stream, request.first):
            self._writer.dismiss(stream)

    def _follow(self, channel: Channel) -> None:
        if self._is_refused:
            self._replays.follow(channel)
        else:
            self._subscriptions.follow(channel.ref)

    def gone(self, fd: int) -> None:
        """See `Watcher.gone`."""
        stream = self._streams.of(fd)
        if stream is not None:
            self._writer.end(stream)

    def writable(self, fd: int) -> None:
        """See `Watcher.writable`."""
        stream = self._streams.of(fd)
        if stream is not None:
            self._writer.catch_up(stream)

    def behind(self, stream: Stream, cursor: Cursor | None) -> None:
        """See `StreamOwner.behind`."""
        self._replays.fetch(stream, cursor)

    def ended(self, stream: Stream) -> None:
        """See `StreamOwner.ended`."""
        self._streams.remove(stream)
        self._replays.forget(stream)
        self._admission.leave(stream.channel.ref.account)

    # -- what the log says: a LogListener ------------------------------------------------

    def answered(self, want: Want, found: Found) -> None:
        """See `LogListener.answered`."""
        # A channel whose questions are not answered is not dropped.
        channel = self._channels.by_ref[want.ref]
        self._replays.answered(channel, want, found)
        self._reasons.go_on(channel)

    def told_why(self, told: Mapping[JobRef, JobWaiting]) -> None:
        """See `LogListener.told_why`."""
        now = time.monotonic()
        for channel, data in self._reasons.news(told, self._channels.by_ref, now):
            self._writer.say(channel, data, now)

    def connected(self, messages: Messages) -> None:
        """See `LogListener.connected`."""
        was_lost, self._is_lost = self._is_lost, False
        self._is_refused = self._is_heard = False
        self._subscriptions.begin(messages)
        for ref in list(self._channels.by_ref):
            self._subscriptions.follow(ref)
        if was_lost:
            self._streams.renew()

    def heard(self, heard: Sequence[Heard]) -> None:
        """See `LogListener.heard`."""
        by_ref = self._channels.by_ref
        grown: dict[Channel, None] = {}
        for told in heard:
            if isinstance(told, tuple):
                channel = by_ref.get(told[0])
                entries = told[1].entries
                if channel is None:
                    continue
                self._is_heard = True
                self._looks.heard(channel)
                if self._replays.came(channel, entries):
                    grown[channel] = None
                    self._reasons.go_on(channel)
                    if self._measures_lag:
                        self._writer.note_made(channel, entries[0].document)
            elif isinstance(told, Following):
                self._following(told.ref)
            else:
                self._streams.revoke(told.account)
        # After all messages: where writing is slower than what comes, much goes out together.
        for channel in grown:
            self._writer.flush_soon(channel)

    def _following(self, ref: LogRef) -> None:
        channel = self._channels.by_ref.get(ref)
        if channel is not None:
            self._replays.follow(channel)

    def lost(self) -> None:
        """See `LogListener.lost`."""
        self._is_lost = True
        self._metrics.reconnects += 1
        for channel in self._channels.by_ref.values():
            self._replays.unfollow(channel)
        self._streams.renew()

    def refused(self) -> None:
        """See `LogListener.refused`."""
        self._is_refused, self._is_heard = True, False
        self._subscriptions.refused()
        now = time.monotonic()
        for channel in self._channels.by_ref.values():
            self._looks.begin(channel, now)
            self._replays.follow(channel)

    # -- what time brings: a Watcher -----------------------------------------------------

    def tick(self, now: float) -> None:
        """See `Watcher.tick`. Sends keep-alives, ends streams, looks at logs that were silent."""
        self._subscriptions.check()
        for channel in self._channels.due(now):
            try:
                self._tend(channel, now)
            finally:
                self._channels.tend_later(channel)
        for channel in self._looks.due(now):
            self._replays.look(channel)
        refs = self._reasons.due(now)
        if refs:
            self._fetcher.ask_why(refs)
        self._drop_stalled(now)
        self._streams.expire(now)
        if now - self._pinged_at >= self._limits.keep_alive_seconds:
            self._pinged_at = now
            for stream in self._replays.asking():
                self._writer.put(stream, PING)

    def _tend(self, channel: Channel, now: float) -> None:
        if now - channel.delivery.told_at >= self._limits.keep_alive_seconds:
            self._writer.keep_alive(channel, now)
        if now - channel.inquiry.looked_at < LOOK_SECONDS:
            return
        self._replays.tend(channel)
        if self._channels.drop_if_unread(channel):
            self._subscriptions.leave(channel.ref)

    def _drop_stalled(self, now: float) -> None:
        for stream in self._writer.stalled(now, seconds=self._limits.stalled_seconds):
            self._metrics.slow_drops += 1
            self._writer.dismiss(stream)

    def drain(self) -> None:
        """End every stream, and the loop."""
        self._waits.drain()
        self._streams.drain()
        self._subscriptions.close()
        self._loop.stop()
