"""Brings each log to its readers: who begins where, what is missing, when streams end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ..cursor import Cursor
from ..limits import StreamLimits
from ..log import Following, Heard, Log, LogRef, Message
from ..metrics import HubMetrics
from ..reports import made_at_json
from ..sse import PING
from .channel import Channel, Stream
from .fetcher import Fetcher
from .loop import TICK_SECONDS, Loop
from .open_streams import OpenStreams
from .reader import Reader
from .replays import Replays
from .sockets import Write, prepare
from .subscriptions import Subscriptions
from .wheel import Wheel
from .writer import Writer

#: A log is looked at this often even if no message came: a message is only a hint. Frames
#: are kept for as long, and channels that nobody reads, since who was cut off comes back.
LOOK_SECONDS = 30.0


class Distributor:
    """The half of a hub that thinks. Used by its loop's thread only.

    What is kept of a log is its newest frames, from the position on at which it was first
    read. A message that joins on to them goes to all who have what came before; whatever
    else a reader needs is read from the log, for it and for all who stand where it stands.
    """

    def __init__(
        self,
        log: Log,
        limits: StreamLimits,
        write: Write,
        metrics: HubMetrics,
        *,
        measures_lag: bool,
        on_ended: Callable[[str], None],
    ) -> None:
        self.metrics = metrics
        self._limits = limits
        self._measures_lag = measures_lag
        self._on_ended = on_ended
        self._channels: dict[LogRef, Channel] = {}
        #: Every channel is in it once.
        self._tended: Wheel[Channel] = Wheel(step_seconds=TICK_SECONDS, now=time.monotonic())
        self._pinged_at = 0.0
        self._loop = loop = Loop(on_gone=self.gone, on_writable=self.writable, on_tick=self.tick)
        self._writer = Writer(loop, write, metrics, on_behind=self._behind, on_end=self._ended)
        self._streams = OpenStreams(limits, metrics, on_dismiss=self._writer.dismiss)
        self._fetcher = Fetcher(
            log,
            on_found=lambda want, found: loop.post(
                lambda: self._replays.answered(self._channels[want.ref], want, found)
            ),
            on_connected=lambda messages: loop.post(lambda: self._subscriptions.begin(messages)),
        )
        self._replays = Replays(self._writer, metrics, self._fetcher.ask)
        self._subscriptions = Subscriptions(
            loop,
            self._fetcher,
            wanted=lambda: list(self._channels.values()),
            on_heard=self.heard,
            on_lost=self.lost,
            on_regained=self._streams.renew,
        )

    # -- from any thread -----------------------------------------------------------------

    def start(self) -> None:
        """Start the threads."""
        self._fetcher.connect()
        self._loop.start()
        self._fetcher.start()

    def post(self, do: Callable[[], None]) -> None:
        """Have something done in the loop's thread."""
        self._loop.post(do)

    def add(self, reader: Reader) -> None:
        """Have a reader served."""
        if self._loop.is_here:
            self.begin(reader)
        else:
            self._loop.post(lambda: self.begin(reader))

    def listen(self, fd: int, on_readable: Callable[[], None]) -> None:
        """Have something done in the loop's thread whenever a descriptor brings readers."""
        self._loop.post(lambda: self._loop.listen_for_descriptors(fd, on_readable))

    def forget(self, fd: int) -> None:
        """Listen no more. From the loop's thread."""
        self._loop.forget(fd)

    def close(self, *, seconds: float) -> None:
        """Wait for the threads to end after `drain`."""
        self._loop.join(seconds=seconds)
        self._fetcher.close(seconds=seconds)
        # It may have connected as the loop ended.
        self._loop.finish()

    def abandon(self) -> None:
        """Close what a parent's threads had, in a child after a fork."""
        self._subscriptions.abandon()
        self._loop.discard()
        self._streams.abandon()

    # -- readers -------------------------------------------------------------------------

    def begin(self, reader: Reader) -> None:
        """Begin a reader's stream."""
        prepare(reader.fd)
        now = time.monotonic()
        channel = self._channels.get(reader.ref)
        if channel is None:
            channel = Channel(reader.ref, told_at=now, looked_at=now)
            self._channels[reader.ref] = channel
            self._tend_later(channel)
            self._subscriptions.follow(channel)
        stream = self._streams.add(reader, channel)
        self._writer.begin(stream)
        if self._streams.may_begin(reader):
            self._replays.open(stream, reader.cursor, reader.first)
        elif self._writer.put(stream, reader.first):
            self._writer.dismiss(stream)

    def _behind(self, stream: Stream, cursor: Cursor | None) -> None:
        self._replays.fetch(stream, cursor)

    def gone(self, fd: int) -> None:
        """A reader has left."""
        stream = self._streams.of(fd)
        if stream is not None:
            self._writer.end(stream)

    def writable(self, fd: int) -> None:
        """A reader that took less than it was sent takes more."""
        stream = self._streams.of(fd)
        if stream is not None:
            self._writer.catch_up(stream)

    def _ended(self, stream: Stream) -> None:
        self._streams.remove(stream)
        stream.channel.waiting.discard(stream)
        self._on_ended(stream.channel.ref.account)

    # -- what the log says ---------------------------------------------------------------

    def heard(self, heard: Sequence[Heard]) -> None:
        """Logs grew, are followed now, or an account was revoked."""
        grown: dict[Channel, None] = {}
        for told in heard:
            if isinstance(told, tuple):
                channel = self._channels.get(told[0])
                if channel is not None and self._came(channel, told[1]):
                    grown[channel] = None
            elif isinstance(told, Following):
                self._following(told.ref)
            else:
                self._streams.revoke(told.account)
        # After all of them: where writing is slower than what comes, much goes out together.
        for channel in grown:
            self._writer.flush_soon(channel)

    def _came(self, channel: Channel, message: Message) -> bool:
        """A log grew; whether there is something to write."""
        entries = message.entries
        channel.heard = entries[-1].cursor
        if channel.ring is None:
            self._replays.ask_state(channel)
            return False
        last = channel.ring.last
        if not channel.take(entries):
            self._replays.mend(channel)
            return False
        is_news = channel.ring.last > last
        if is_news and self._measures_lag and channel.made_at is None:
            channel.made_at = made_at_json(entries[0].document)
        return is_news

    def _following(self, ref: LogRef) -> None:
        channel = self._channels.get(ref)
        if channel is not None:
            self._replays.follow(channel)

    def lost(self) -> None:
        """Messages are missed from now on."""
        self.metrics.reconnects += 1
        for channel in self._channels.values():
            channel.is_followed = False
        self._streams.renew()

    # -- ends ----------------------------------------------------------------------------

    def drain(self) -> None:
        """End every stream, and the loop."""
        self._streams.drain()
        self._subscriptions.close()
        self._loop.stop()

    def tick(self, now: float) -> None:
        """See to what time brings: keep-alives, ends, looks at logs that were silent."""
        self._subscriptions.check()
        for channel in self._tended.due(now):
            try:
                self._tend(channel, now)
            finally:
                if channel.ref in self._channels:
                    self._tend_later(channel)
        self._drop_stalled(now)
        self._streams.expire(now)
        if now - self._pinged_at >= self._limits.keep_alive_seconds:
            self._pinged_at = now
            for stream in self._replays.streams():
                self._writer.put(stream, PING)

    def _tend_later(self, channel: Channel) -> None:
        told_at, looked_at = channel.told_at, channel.looked_at
        due_at = min(told_at + self._limits.keep_alive_seconds, looked_at + LOOK_SECONDS)
        self._tended.put(channel, due_at)

    def _tend(self, channel: Channel, now: float) -> None:
        if now - channel.told_at >= self._limits.keep_alive_seconds:
            self._writer.keep_alive(channel, now)
        if now - channel.looked_at < LOOK_SECONDS:
            return
        channel.forget_old()
        # Kept for a while without readers: who was cut off comes back.
        if channel.has_readers:
            channel.is_idle = False
            self._replays.look(channel)
        elif not channel.is_idle:
            channel.is_idle, channel.looked_at = True, now
        else:
            del self._channels[channel.ref]
            self._subscriptions.leave(channel.ref)

    def _drop_stalled(self, now: float) -> None:
        for stream in self._writer.stalled(now, seconds=self._limits.stalled_seconds):
            self.metrics.slow_drops += 1
            self._writer.dismiss(stream)
