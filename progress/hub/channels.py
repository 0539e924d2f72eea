"""The channels of a hub, and when each is to be tended."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ..log import LogRef
from .channel import Channel, Delivery, Inquiry
from .loop import TICK_SECONDS
from .wheel import Wheel

#: A log whose messages ceased is asked this often whether one was missed: a message is only a
#: hint. It is asked first within twice as long. Frames are kept at least for as long, and so are
#: channels without readers: a client that was cut off comes back.
LOOK_SECONDS = 30.0


class Channels:
    """A channel for each log that the hub follows. Used by the loop's thread only.

    Each channel is in the wheel once.
    """

    def __init__(self, *, keep_alive_seconds: float) -> None:
        #: For reading. A message costs one look-up here, without a call.
        self.by_ref: dict[LogRef, Channel] = {}
        self._keep_alive_seconds = keep_alive_seconds
        self._tended: Wheel[Channel] = Wheel(step_seconds=TICK_SECONDS, now=time.monotonic())

    def open(self, ref: LogRef, *, now: float) -> Channel:
        """A channel for a log that has none."""
        channel = Channel(ref, Delivery(told_at=now), Inquiry(looked_at=now))
        self.by_ref[ref] = channel
        self.tend_later(channel)
        return channel

    def due(self, now: float) -> Iterator[Channel]:
        """The channels to be tended now; `tend_later` puts each back."""
        return self._tended.due(now)

    def tend_later(self, channel: Channel) -> None:
        """Have a channel told of again when a keep-alive or a look at its log is due."""
        if channel.ref in self.by_ref:
            kept_alive_at = channel.delivery.told_at + self._keep_alive_seconds
            looks_at = channel.inquiry.looked_at + LOOK_SECONDS
            self._tended.put(channel, min(kept_alive_at, looks_at))

    def drop_if_unread(self, channel: Channel) -> bool:
        """Drop a channel that had no reader twice in a row; returns whether it was dropped."""
        was_idle, channel.is_idle = channel.is_idle, not channel.has_readers
        if not (was_idle and channel.is_idle):
            return False
        del self.by_ref[channel.ref]
        return True
