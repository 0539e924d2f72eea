"""Writes frames: the same bytes to all live readers, and the rest to each lagging one alone."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import Protocol

from ..cursor import Cursor
from ..metrics import HubMetrics
from ..reports import made_at_json
from ..sse import PING, retry_hint
from .channel import Channel, Delivery, Lag, Stream
from .loop import Loop
from .sockets import Write

#: Events that come within this time after a write go out together with the next one, so that a
#: reader is written to once in this time on average. A write may be early by the second time, or
#: events that come every 50 ms, give or take, would wait.
JOIN_SECONDS, EARLY_SECONDS = 0.05, 0.025
#: Writing takes at most this part of the time, or the hub would fall behind in reading what comes.
BUSY = 2 / 3
#: How many bytes are written at once to a reader that catches up.
_CHUNK = 64 * 1024


class StreamOwner(Protocol):
    """Is told by a writer what it cannot see to itself."""

    def behind(self, stream: Stream, cursor: Cursor | None) -> None:
        """A reader needs what follows a cursor, from the log; a state, where there is no cursor."""
        ...

    def ended(self, stream: Stream) -> None:
        """A stream has ended and its descriptor is closed."""
        ...


class Writer:
    """Writes to the sockets of a hub, and alone writes each channel's `Delivery`.

    Used by the loop's thread only.
    """

    def __init__(self, loop: Loop, write: Write, metrics: HubMetrics, owner: StreamOwner) -> None:
        self._loop, self._write, self._metrics, self._owner = loop, write, metrics, owner
        #: Channels that have a lagging reader, and some that had one.
        self._slow: set[Channel] = set()

    def begin(self, stream: Stream) -> None:
        """Have the loop tell when the reader leaves."""
        self._loop.follow(stream.fd)

    # -- to all readers of a channel -----------------------------------------------------

    def note_made(self, channel: Channel, document: bytes) -> None:
        """Note when the oldest event that waits was made; called where that is measured."""
        if channel.delivery.made_at is None:
            channel.delivery.made_at = made_at_json(document)

    def flush_soon(self, channel: Channel) -> None:
        """Write what came: now after a quiet time, else with what comes until a write is due."""
        now = time.monotonic()
        delivery, kept = channel.delivery, channel.kept
        if kept is None or kept.ended or now >= delivery.due_at - EARLY_SECONDS:
            self.flush(channel)
        elif delivery.flush_at is None:
            delivery.flush_at = delivery.due_at - EARLY_SECONDS
            self._loop.at(delivery.flush_at, partial(self._flush_due, channel))

    def _flush_due(self, channel: Channel) -> None:
        if channel.delivery.flush_at is not None:
            self.flush(channel)

    def flush(self, channel: Channel) -> None:
        """Write the frames after `sent` to all live readers."""
        delivery, kept = channel.delivery, channel.kept
        delivery.flush_at = None
        if kept is None or (delivery.sent >= kept.ring.last and not kept.ended):
            return
        ring = kept.ring
        position, delivery.sent = delivery.sent, ring.last
        if not ring.holds(position):
            behind = list(delivery.live.values())
            delivery.live.clear()
            for stream in behind:
                self._owner.behind(stream, Cursor(kept.epoch, position))
            return
        if position < ring.last:
            self._metrics.deliveries += (ring.last - position) * len(delivery.live)
            self._write_to_all(delivery, ring.since(position), ring.last)
            if delivery.live:
                self._metrics.observe_lag(delivery.made_at)
            delivery.made_at = None
        if kept.ended:
            for stream in list(delivery.live.values()):
                self.end(stream)

    def _write_to_all(self, delivery: Delivery, data: bytes, position: int) -> None:
        began = delivery.told_at = time.monotonic()
        live = delivery.live
        for fd, written in self._write(live, data):
            self._fell_short(live[fd], written, data, position)
        took = time.monotonic() - began
        delivery.due_at = max(began, delivery.due_at) + max(JOIN_SECONDS, took / BUSY)

    def _fell_short(self, stream: Stream, written: int, data: bytes, position: int) -> None:
        """A reader took a part of what brings it to a position; -1 where it is gone."""
        if written < 0:
            self.end(stream)
        else:
            self._lag(stream, memoryview(data)[written:], position)

    def keep_alive(self, channel: Channel, now: float) -> None:
        """Write a comment to all readers that have nothing else to read."""
        self.say(channel, PING, now)

    def say(self, channel: Channel, data: bytes, now: float) -> None:
        """Write what has no position to all readers that are in the midst of nothing."""
        channel.delivery.told_at = now
        for stream in (*channel.delivery.live.values(), *channel.inquiry.early):
            if stream.is_open:
                self.put(stream, data)

    def restart(self, channel: Channel, *, is_same_log: bool) -> list[Stream]:
        """Another `Kept` is in place, or none: no reader is live until it is brought there.

        Returns:
            The readers that were live.
        """
        delivery = channel.delivery
        streams = list(delivery.live.values())
        delivery.live.clear()
        if channel.kept is not None:
            delivery.sent = channel.kept.ring.last
        if not is_same_log:
            for lag in delivery.lagging.values():
                lag.position = None
        return streams

    # -- to one reader -------------------------------------------------------------------

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
        delivery, kept = channel.delivery, channel.kept
        if kept is None:
            self._owner.behind(stream, None)
            return
        ring = kept.ring
        if not ring.holds(position):
            self._owner.behind(stream, Cursor(kept.epoch, position))
            return
        if position != delivery.sent and position != ring.last:
            self._metrics.deliveries += ring.last - position
            self.send(stream, ring.since(position), ring.last)
            return
        if position != delivery.sent:
            # It has what the live readers get in a moment: they are brought up to it.
            self.flush(channel)
        if kept.ended and position == ring.last:
            self.end(stream)
        else:
            delivery.live[stream.fd] = stream

    def _lag(self, stream: Stream, left: memoryview, position: int | None) -> None:
        delivery = stream.channel.delivery
        delivery.live.pop(stream.fd, None)
        delivery.lagging[stream] = Lag(left, position, time.monotonic())
        self._slow.add(stream.channel)
        self._loop.want_write(stream.fd, wanted=True)

    def catch_up(self, stream: Stream) -> None:
        """A lagging reader takes more: write it the next chunk."""
        lagging = stream.channel.delivery.lagging
        lag = lagging.get(stream)
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
        del lagging[stream]
        self._loop.want_write(stream.fd, wanted=False)
        if lag.position is None:
            self._owner.behind(stream, None)
        else:
            self._join(stream, lag.position)

    def stalled(self, now: float, *, seconds: float) -> list[Stream]:
        """The lagging readers that have taken nothing for this long."""
        self._slow = {channel for channel in self._slow if channel.delivery.lagging}
        return [
            stream
            for channel in self._slow
            for stream, lag in channel.delivery.lagging.items()
            if now - lag.took_at >= seconds
        ]

    def put(self, stream: Stream, data: bytes) -> bool:
        """Write a few bytes whole. A reader that does not take even those is ended."""
        if self._write_some(stream.fd, data) == len(data):
            return True
        self.end(stream)
        return False

    def _write_some(self, fd: int, data: bytes) -> int | None:
        """How many bytes were written; None where the reader is gone."""
        if not data:
            return 0
        for _, written in self._write((fd,), data):
            return written if written >= 0 else None
        return len(data)

    # -- the end of a stream -------------------------------------------------------------

    def dismiss(self, stream: Stream) -> None:
        """End a stream between two frames, with a hint when to come back."""
        # A lagging reader is in the middle of a frame, where nothing can be said. It loses that
        # frame and comes back with the cursor before it.
        if stream not in stream.channel.delivery.lagging:
            self._write_some(stream.fd, retry_hint())
        self.end(stream)

    def end(self, stream: Stream) -> None:
        """End a stream and close its descriptor."""
        if not stream.is_open:
            return
        stream.is_open = False
        delivery = stream.channel.delivery
        delivery.live.pop(stream.fd, None)
        delivery.lagging.pop(stream, None)
        self._loop.forget(stream.fd)
        os.close(stream.fd)
        self._owner.ended(stream)
