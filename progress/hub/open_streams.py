"""The streams that a hub serves, and what ends them: age, a sign-out, a doubt, its own end."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator

from ..limits import StreamLimits
from ..metrics import HubMetrics
from .channel import Channel, Stream
from .loop import TICK_SECONDS
from .reader import Reader
from .wheel import Wheel

#: After messages may have been missed, all streams are renewed within this time: one of them
#: may have been that a session ended.
RENEW_SECONDS = 4.0
#: Sign-outs are remembered for readers that were let in before and come later.
_REMEMBER_SECONDS = 60.0


class OpenStreams:
    """Used by a hub's loop's thread only.

    Args:
        on_dismiss: Called with a stream that is to end between two frames.
    """

    def __init__(
        self, limits: StreamLimits, metrics: HubMetrics, *, on_dismiss: Callable[[Stream], None]
    ) -> None:
        self._limits = limits
        self._metrics = metrics
        self._on_dismiss = on_dismiss
        self._streams: dict[int, Stream] = {}
        self._ending: Wheel[Stream] = Wheel(step_seconds=TICK_SECONDS, now=time.monotonic())
        self._revoked: dict[str, float] = {}
        self._is_draining = False

    def __iter__(self) -> Iterator[Stream]:
        """The streams of the moment; they may end meanwhile."""
        return iter(list(self._streams.values()))

    def add(self, reader: Reader, channel: Channel) -> Stream:
        """The stream of a reader, which ends by itself after a while."""
        life = self._limits.life_seconds * random.uniform(0.5, 1)  # noqa: S311 - no secret
        stream = Stream(reader.fd, channel, time.monotonic() + life)
        self._streams[reader.fd] = stream
        self._ending.put(stream, stream.ends_at)
        self._metrics.opened += 1
        return stream

    def may_begin(self, reader: Reader) -> bool:
        """Whether a reader that was let in may still be served."""
        revoked_at = self._revoked.get(reader.ref.account, 0.0)
        return not self._is_draining and reader.authorized_at >= revoked_at

    def of(self, fd: int) -> Stream | None:
        """The stream on a descriptor."""
        return self._streams.get(fd)

    def remove(self, stream: Stream) -> None:
        """A stream has ended."""
        del self._streams[stream.fd]
        self._ending.remove(stream, stream.ends_at)

    def revoke(self, account: str) -> None:
        """An account's sessions changed: its streams end, and those that are about to begin."""
        self._revoked[account] = time.monotonic()
        for stream in self:
            if stream.channel.ref.account == account:
                self._metrics.revoked += 1
                self._on_dismiss(stream)

    def renew(self) -> None:
        """End all streams soon: a message that was missed may have been that a session ended.

        Done when messages are lost, and again for those who came before they were regained.
        """
        now = time.monotonic()
        for stream in self:
            ends_at = now + random.uniform(0, RENEW_SECONDS)  # noqa: S311 - no secret
            if ends_at < stream.ends_at:
                self._ending.remove(stream, stream.ends_at)
                stream.ends_at = ends_at
                self._ending.put(stream, ends_at)

    def expire(self, now: float) -> None:
        """End the streams that have lived their time, and forget sign-outs of long ago."""
        for stream in self._ending.due(now):
            self._on_dismiss(stream)
        for account in [a for a, at in self._revoked.items() if now - at > _REMEMBER_SECONDS]:
            del self._revoked[account]

    def drain(self) -> None:
        """End all streams, and those that are about to begin."""
        self._is_draining = True
        for stream in self:
            self._on_dismiss(stream)

    def abandon(self) -> None:
        """Close what a parent had open, in a child after a fork."""
        for fd in self._streams:
            os.close(fd)
