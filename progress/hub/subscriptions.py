"""The connection that brings a hub its messages: made, lost, and made anew."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from ..errors import LogUnavailable
from ..log import Heard, LogRef, Messages
from .channel import Channel
from .fetcher import Fetcher
from .loop import Loop

logger = logging.getLogger(__name__)


class Subscriptions:
    """What a hub follows. Used by its loop's thread only.

    Args:
        wanted: Names what is to be followed, after the connection was made.
        on_heard: Called with what came.
        on_lost: Called when messages are missed from now on; nothing is followed any more.
        on_regained: Called when that is over.
    """

    def __init__(
        self,
        loop: Loop,
        fetcher: Fetcher,
        *,
        wanted: Callable[[], Sequence[Channel]],
        on_heard: Callable[[Sequence[Heard]], None],
        on_lost: Callable[[], None],
        on_regained: Callable[[], None],
    ) -> None:
        self._loop, self._fetcher = loop, fetcher
        self._wanted, self._on_heard = wanted, on_heard
        self._on_lost, self._on_regained = on_lost, on_regained
        self._was_lost = False
        self._messages: Messages | None = None
        self._is_closed = False

    def begin(self, messages: Messages) -> None:
        """The connection was made."""
        if self._is_closed:
            messages.close()
            return
        self._messages = messages
        self._loop.listen(messages.fileno(), self._take)
        for channel in self._wanted():
            self.follow(channel)
        if self._was_lost:
            self._was_lost = False
            self._on_regained()

    def follow(self, channel: Channel) -> None:
        """Subscribe to a channel's log, now or as soon as there is a connection."""
        self._try(lambda messages: messages.follow(channel.ref))

    def leave(self, ref: LogRef) -> None:
        """Follow a log no longer."""
        self._try(lambda messages: messages.leave(ref))

    def check(self) -> None:
        """See whether the connection still is one."""
        self._try(lambda messages: messages.check())

    def close(self) -> None:
        """End the connection, also one that is still being made."""
        self._is_closed = True
        messages, self._messages = self._messages, None
        if messages is not None:
            self._loop.forget(messages.fileno())
            messages.close()

    def abandon(self) -> None:
        """Leave the connection to the process it belongs to, in a child after a fork."""
        self._messages = None

    def _take(self) -> None:
        # Once for each event: without what `_try` takes.
        messages = self._messages
        if messages is None:
            return
        try:
            heard = messages.take()
        except LogUnavailable as error:
            self._lose(messages, error)
        else:
            if heard:
                self._on_heard(heard)

    def _try(self, do: Callable[[Messages], None]) -> None:
        messages = self._messages
        if messages is None:
            return
        try:
            do(messages)
        except LogUnavailable as error:
            self._lose(messages, error)

    def _lose(self, messages: Messages, error: LogUnavailable) -> None:
        logger.warning("%s", error, extra={"action": "messages_lost"})
        self._messages, self._was_lost = None, True
        self._loop.forget(messages.fileno())
        messages.close()
        self._on_lost()
        self._fetcher.connect()
