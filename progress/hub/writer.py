"""Writes frames to readers: the same bytes to all who have what came before, the rest to each."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial

from ..cursor import Cursor
from ..metrics import HubMetrics
from ..sse import PING, retry_hint
from .channel import Channel, Lag, Stream
from .loop import Loop
from .sockets import Write

#: After a write, what comes within this time goes out together: so it is on average. A write
#: may be early by the second time, or events that come every 50 ms, give or take, would wait.
JOIN_SECONDS, EARLY_SECONDS = 0.05, 0.025
#: Writing takes at most this part of the time, or reading what comes would fall behind.
BUSY = 2 / 3
#: Written to one reader at once while it catches up.
_CHUNK = 64 * 1024


class Writer:
    """The writing half of a hub. Used by its loop's thread only.

    Args:
        on_behind: Called with a reader that needs what follows a cursor, from the log; or a
            state, where there is none.
        on_end: Called with a reader that is no more.
    """

    def __init__(
        self,
        loop: Loop,
        write: Write,
        metrics: HubMetrics,
        *,
        on_behind: Callable[[Stream, Cursor | None], None],
        on_end: Callable[[Stream], None],
    ) -> None:
        self._loop, self._write, self._metrics = loop, write, metrics
        self._on_behind, self._on_end = on_behind, on_end
        #: Channels of which some reader takes less than it is sent, and maybe some of the past.
        self._slow: set[Channel] = set()

    def begin(self, stream: Stream) -> None:
        """Follow a reader's socket."""
        self._loop.follow(stream.fd)

    def flush_soon(self, channel: Channel) -> None:
        """Write what came: at once after a quiet time, else with what comes in the next moment."""
        now = time.monotonic()
        if channel.ended or now >= channel.due_at - EARLY_SECONDS:
            self.flush(channel)
        elif channel.flush_at is None:
            channel.flush_at = channel.due_at - EARLY_SECONDS
            self._loop.at(channel.flush_at, partial(self._flush_due, channel))

    def _flush_due(self, channel: Channel) -> None:
        if channel.flush_at is not None:
            self.flush(channel)

    def flush(self, channel: Channel) -> None:
        """Write what came to all who have everything before it: the same bytes."""
        channel.flush_at = None
        ring = channel.ring
        if ring is None or (channel.sent >= ring.last and not channel.ended):
            return
        position, channel.sent = channel.sent, ring.last
        if not ring.holds(position):
            behind = list(channel.live.values())
            channel.live.clear()
            for stream in behind:
                self._on_behind(stream, Cursor(channel.epoch, position))
            return
        if position < ring.last:
            self._metrics.deliveries += (ring.last - position) * len(channel.live)
            self._write_to_all(channel, ring.since(position), ring.last)
            if channel.live:
                self._metrics.observe_lag(channel.made_at)
            channel.made_at = None
        if channel.ended:
            for stream in list(channel.live.values()):
                self.end(stream)

    def _write_to_all(self, channel: Channel, data: bytes, position: int) -> None:
        began = channel.told_at = time.monotonic()
        live = channel.live
        for fd, written in self._write(live, data):
            self._fell_short(live[fd], written, data, position)
        took = time.monotonic() - began
        channel.due_at = max(began, channel.due_at) + max(JOIN_SECONDS, took / BUSY)

    def _fell_short(self, stream: Stream, written: int, data: bytes, position: int) -> None:
        """A reader took only so much of what brings it to a position; -1 where it is gone."""
        if written < 0:
            self.end(stream)
        else:
            self._lag(stream, memoryview(data)[written:], position)

    def send(self, stream: Stream, data: bytes, position: int) -> None:
        """Write to one reader what brings it to a position, and have it go on from there."""
        written = self._write_some(stream.fd, data)
        if written is None:
            self.end(stream)
        elif written < len(data):
            self._lag(stream, memoryview(data)[written:], position)
        else:
            self._join(stream, position)

    def _join(self, stream: Stream, position: int) -> None:
        """A reader has everything up to a position: it is live, or is sent what follows."""
        channel = stream.channel
        ring = channel.ring
        if ring is None or not ring.holds(position):
            self._on_behind(stream, Cursor(channel.epoch, position))
            return
        if position != channel.sent and position != ring.last:
            self._metrics.deliveries += ring.last - position
            self.send(stream, ring.since(position), ring.last)
            return
        if position != channel.sent:
            # It has what the others get in a moment: they are brought up to it.
            self.flush(channel)
        if channel.ended and position == ring.last:
            self.end(stream)
        else:
            channel.live[stream.fd] = stream

    def _lag(self, stream: Stream, left: memoryview, position: int | None) -> None:
        stream.channel.live.pop(stream.fd, None)
        stream.channel.lagging[stream] = Lag(left, position, time.monotonic())
        self._slow.add(stream.channel)
        self._loop.want_write(stream.fd, wanted=True)

    def catch_up(self, stream: Stream) -> None:
        """Write more to a reader that takes more."""
        lag = stream.channel.lagging.get(stream)
        if lag is None:
            return
        written = self._write_some(stream.fd, bytes(lag.left[:_CHUNK]))
        if written is None:
            self.end(stream)
            return
        if written:
            lag.left, lag.took_at = lag.left[written:], time.monotonic()
        if lag.left:
            return
        del stream.channel.lagging[stream]
        self._loop.want_write(stream.fd, wanted=False)
        if lag.position is None:
            self._on_behind(stream, None)
        else:
            self._join(stream, lag.position)

    def stalled(self, now: float, *, seconds: float) -> list[Stream]:
        """The readers that have taken nothing for so long."""
        self._slow = {channel for channel in self._slow if channel.lagging}
        return [
            stream
            for channel in self._slow
            for stream, lag in channel.lagging.items()
            if now - lag.took_at >= seconds
        ]

    def put(self, stream: Stream, data: bytes) -> bool:
        """Write a few bytes whole; who does not take even those is ended."""
        if self._write_some(stream.fd, data) == len(data):
            return True
        self.end(stream)
        return False

    def _write_some(self, fd: int, data: bytes) -> int | None:
        """How much was written; None for a peer that is gone."""
        if not data:
            return 0
        for _, written in self._write((fd,), data):
            return written if written >= 0 else None
        return len(data)

    def keep_alive(self, channel: Channel, now: float) -> None:
        """Write a comment to all who have nothing else to read."""
        channel.told_at = now
        for stream in (*channel.live.values(), *channel.waiting):
            if stream.is_open:
                self.put(stream, PING)

    def dismiss(self, stream: Stream) -> None:
        """End a stream between two frames, with when to come back."""
        # In the midst of a frame nothing can be said: that frame is lost, its cursor is not.
        if stream not in stream.channel.lagging:
            self._write_some(stream.fd, retry_hint())
        self.end(stream)

    def end(self, stream: Stream) -> None:
        """End a stream and close its descriptor."""
        if not stream.is_open:
            return
        stream.is_open = False
        stream.channel.live.pop(stream.fd, None)
        stream.channel.lagging.pop(stream, None)
        self._loop.forget(stream.fd)
        os.close(stream.fd)
        self._on_end(stream)
