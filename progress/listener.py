"""One subscribed connection for all subscribers of a process. Pure of any client library."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from .errors import LogUnavailable
from .log import Lapse, Message

logger = logging.getLogger(__name__)

#: Messages one subscriber may leave unread. Past it they are dropped and it reads the log.
MAX_UNREAD = 256
#: How long a subscription may take to be confirmed.
CONFIRM_SECONDS = 2.0
#: Between attempts to reach a server that is gone.
RECONNECT_SECONDS = 0.5
#: An idle listener looks up this often; it is also how soon it ends when closed.
_POLL_SECONDS = 0.5

_LAPSE = Lapse()

T = TypeVar("T")


class Subscriber:
    """The unread messages of one subscriber, bounded."""

    def __init__(self) -> None:
        self._unread: deque[Message | Lapse] = deque()
        self._grown = threading.Condition()

    def put(self, message: Message | Lapse) -> None:
        """Add a message; when too many are unread, drop all and leave a lapse instead."""
        with self._grown:
            if len(self._unread) >= MAX_UNREAD or message is _LAPSE:
                self._unread.clear()
                message = _LAPSE
            self._unread.append(message)
            self._grown.notify()

    def next(self, *, timeout_seconds: float) -> Message | Lapse | None:
        """See `Subscription.next`."""
        with self._grown:
            if not self._unread:
                self._grown.wait(timeout_seconds)
            return self._unread.popleft() if self._unread else None


class _Channel:
    def __init__(self, decode: Callable[[bytes], Any]) -> None:
        self.decode = decode
        #: What is called with each message.
        self.puts: list[Callable[[Any], None]] = []
        self.confirmed = threading.Event()


class Listener:
    """Follows channels for many subscribers over one connection, in one thread.

    The thread starts with the first subscription. When the connection is lost it is made
    anew with every channel, and each subscriber is left a lapse.
    """

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._channels: dict[bytes, _Channel] = {}
        self._pubsub: Any = None
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._wanted = threading.Event()

    @contextmanager
    def subscribe(self, channel: bytes, decode: Callable[[bytes], Message]) -> Iterator[Subscriber]:
        """A subscription that is confirmed by the server before the block begins.

        Raises:
            LogUnavailable: the server did not confirm in time.
        """
        subscriber = Subscriber()
        stop = self.watch(channel, subscriber.put, decode)
        try:
            yield subscriber
        finally:
            stop()

    def watch(
        self, channel: bytes, put: Callable[[T | Lapse], None], decode: Callable[[bytes], T]
    ) -> Callable[[], None]:
        """A subscription that hands its messages on at once; the answer ends it.

        Raises:
            LogUnavailable: the server did not confirm in time.
        """
        followed = self._add(channel, put, decode)
        if not followed.confirmed.wait(CONFIRM_SECONDS):
            self._remove(channel, put)
            raise LogUnavailable("The log's server did not confirm a subscription in time.")
        return lambda: self._remove(channel, put)

    def close(self) -> None:
        """End the thread and its connection."""
        self._closed.set()
        self._wanted.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5)

    def _add(
        self, channel: bytes, put: Callable[[Any], None], decode: Callable[[bytes], Any]
    ) -> _Channel:
        with self._lock:
            followed = self._channels.get(channel)
            if followed is None:
                followed = self._channels[channel] = _Channel(decode)
                self._send("subscribe", channel)
            followed.puts.append(put)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="progress-listener", daemon=True
                )
                self._thread.start()
        self._wanted.set()
        return followed

    def _remove(self, channel: bytes, put: Callable[[Any], None]) -> None:
        with self._lock:
            followed = self._channels[channel]
            followed.puts.remove(put)
            if not followed.puts:
                del self._channels[channel]
                self._send("unsubscribe", channel)

    def _send(self, command: str, channel: bytes) -> None:
        # While there is no connection there is nothing to send: the next one starts with
        # all channels. A failure here is seen, and mended, by the reading thread.
        if self._pubsub is not None:
            with contextlib.suppress(Exception):
                getattr(self._pubsub, command)(channel)

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._follow()
            except Exception as error:
                logger.warning(
                    "The connection that follows the logs was lost: %s",
                    error,
                    extra={"action": "listener_lost"},
                )
                self._forget_connection()
                self._closed.wait(RECONNECT_SECONDS)
        self._forget_connection()

    def _follow(self) -> None:
        self._wanted.wait()
        pubsub = self._connect()
        with self._lock:
            names = list(self._channels)
            if not names:
                self._wanted.clear()
                return
            pubsub.subscribe(*names)
            self._pubsub = pubsub
        while not self._closed.is_set():
            message = pubsub.get_message(timeout=_POLL_SECONDS)
            if message is not None:
                self._take(message)
            if not pubsub.subscribed and not self._rest():
                return

    def _rest(self) -> bool:
        """Without channels, give the connection back until one is wanted."""
        with self._lock:
            if self._channels:
                return True
            self._wanted.clear()
            pubsub, self._pubsub = self._pubsub, None
        if pubsub is not None:
            pubsub.close()
        return False

    def _take(self, message: dict[str, Any]) -> None:
        with self._lock:
            followed = self._channels.get(message["channel"])
            if followed is None:
                return
            if message["type"] == "subscribe":
                # Confirmed anew after a loss: what came between was not heard.
                if followed.confirmed.is_set():
                    for put in followed.puts:
                        put(_LAPSE)
                followed.confirmed.set()
                return
            puts = tuple(followed.puts)
        if message["type"] == "message":
            decoded = followed.decode(message["data"])
            for put in puts:
                put(decoded)

    def _forget_connection(self) -> None:
        with self._lock:
            pubsub, self._pubsub = self._pubsub, None
            for followed in self._channels.values():
                for put in followed.puts:
                    put(_LAPSE)
        if pubsub is not None:
            with contextlib.suppress(Exception):
                pubsub.close()
