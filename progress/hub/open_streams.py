"""The streams that a hub serves, and what ends them early.

A stream ends when it has lived its time, when its account signs out, when the message of a sign-out
may have been missed, and when the hub itself ends.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator

from ..limits import StreamLimits
from ..metrics import HubMetrics
from .channel import Channel, Stream
from .loop import TICK_SECONDS
from .reader import Reader
from .wheel import Wheel
from .writer import Writer

#: All streams are ended within this time after messages may have been missed: one of those
#: messages may have said that a session ended.
RENEW_SECONDS = 4.0
#: How long a sign-out is remembered, for readers that were authorized before it and arrive later.
_REMEMBER_SECONDS = 60.0


class OpenStreams:
    """The streams by their descriptors. Used by the loop's thread only."""

    def __init__(self, limits: StreamLimits, metrics: HubMetrics, writer: Writer) -> None:
        self._limits, self._metrics, self._writer = limits, metrics, writer
        self._streams: dict[int, Stream] = {}
        self._ending: Wheel[Stream] = Wheel(step_seconds=TICK_SECONDS, now=time.monotonic())
        #: When each account signed out.
        self._revoked: dict[str, float] = {}
        self._is_draining = False

    def __iter__(self) -> Iterator[Stream]:
        """A copy: streams may end while it is looked through."""
        return iter(list(self._streams.values()))

    def add(self, reader: Reader, channel: Channel) -> Stream:
        """Make the stream of a reader. It ends when it has lived its time."""
        life = self._limits.life_seconds * random.uniform(0.5, 1)  # noqa: S311 - no secret
        stream = Stream(reader.fd, channel, time.monotonic() + life)
        self._streams[reader.fd] = stream
        self._ending.put(stream, stream.ends_at)
        self._metrics.opened += 1
        return stream

    def may_begin(self, reader: Reader) -> bool:
        """Whether the hub still begins streams, and the account did not sign out meanwhile."""
        revoked_at = self._revoked.get(reader.request.ref.account, 0.0)
        return not self._is_draining and reader.request.authorized_at >= revoked_at

    def of(self, fd: int) -> Stream | None:
        """The stream on a descriptor."""
        return self._streams.get(fd)

    def remove(self, stream: Stream) -> None:
        """A stream has ended."""
        del self._streams[stream.fd]
        self._ending.remove(stream, stream.ends_at)

    def revoke(self, account: str) -> None:
        """End the streams of an account whose sessions changed, also those about to begin."""
        self._revoked[account] = time.monotonic()
        for stream in self:
            if stream.channel.ref.account == account:
                self._metrics.revoked += 1
                self._writer.dismiss(stream)

    def renew(self) -> None:
        """End all streams within `RENEW_SECONDS`: the message of a sign-out may have been missed.

        This is done when messages are lost, and when they come again, for the streams that began
        between the two.
        """
        now = time.monotonic()
        for stream in self:
            ends_at = now + random.uniform(0, RENEW_SECONDS)  # noqa: S311 - no secret
            if ends_at < stream.ends_at:
                self._ending.remove(stream, stream.ends_at)
                stream.ends_at = ends_at
                self._ending.put(stream, ends_at)

    def expire(self, now: float) -> None:
        """End the streams that have lived their time, and forget old sign-outs."""
        for stream in self._ending.due(now):
            self._writer.dismiss(stream)
        for account in [a for a, at in self._revoked.items() if now - at > _REMEMBER_SECONDS]:
            del self._revoked[account]

    def drain(self) -> None:
        """End all streams, also those that are about to begin."""
        self._is_draining = True
        for stream in self:
            self._writer.dismiss(stream)

    def abandon(self) -> None:
        """Close the descriptors that the parent process serves, in a child after a fork."""
        for fd in self._streams:
            os.close(fd)
