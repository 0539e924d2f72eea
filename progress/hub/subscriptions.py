"""The connection that brings a hub its messages: used, lost, and made again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ..errors import LogUnavailable, MessagesRefused
from ..log import LogRef, Messages
from .fetcher import Fetcher, LogListener
from .loop import Loop

logger = logging.getLogger(__name__)

#: Between two connections that are made, at least.
RECONNECT_SECONDS = 1.0
#: A server that refused messages is asked for them again after this long.
REFUSED_SECONDS = 60.0


class Subscriptions:
    """The logs that a hub follows, over one connection. Used by the loop's thread only."""

    def __init__(self, loop: Loop, fetcher: Fetcher, listener: LogListener) -> None:
        self._loop, self._fetcher, self._listener = loop, fetcher, listener
        self._messages: Messages | None = None
        self._is_closed = False
        #: When a connection was last asked for, and when one is to be, where that is not yet done.
        self._connects_at: float | None = None
        self._asked_at = -RECONNECT_SECONDS

    def connect(self) -> None:
        """Have a connection made."""
        self._connects_at, self._asked_at = None, time.monotonic()
        self._fetcher.connect()

    def refused(self) -> None:
        """The server lets nobody hear messages. Its rights may change: ask again after a while."""
        self._connects_at = time.monotonic() + REFUSED_SECONDS

    def begin(self, messages: Messages) -> None:
        """Use a connection that was made. It follows no log yet."""
        if self._is_closed:
            messages.close()
            return
        self._messages = messages
        self._loop.listen(messages.fileno(), self._take)

    def follow(self, ref: LogRef) -> None:
        """Subscribe to a log. Does nothing while there is no connection."""
        self._try(lambda messages: messages.follow(ref))

    def leave(self, ref: LogRef) -> None:
        """End the subscription to a log."""
        self._try(lambda messages: messages.leave(ref))

    def check(self) -> None:
        """Find out whether the connection is gone, and make another when it is time."""
        self._try(lambda messages: messages.check())
        if self._connects_at is not None and time.monotonic() >= self._connects_at:
            self.connect()

    def close(self) -> None:
        """End the connection, also one that is still being made."""
        self._is_closed = True
        messages, self._messages = self._messages, None
        if messages is not None:
            self._loop.forget(messages.fileno())
            messages.close()

    def abandon(self) -> None:
        """Leave the connection to the parent process, in a child after a fork."""
        self._messages = None

    def _take(self) -> None:
        # Runs for every event, so it goes without `_try` and its closure.
        messages = self._messages
        if messages is None:
            return
        try:
            heard = messages.take()
        except LogUnavailable as error:
            self._lose(messages, error)
        else:
            if heard:
                self._listener.heard(heard)

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
        self._messages = None
        self._loop.forget(messages.fileno())
        messages.close()
        self._listener.lost()
        if isinstance(error, MessagesRefused):
            self._listener.refused()
        elif time.monotonic() - self._asked_at >= RECONNECT_SECONDS:
            self.connect()
        else:
            self._connects_at = self._asked_at + RECONNECT_SECONDS
