"""The messages of many logs over one subscribed connection, for the thread of a hub.

`progress.redis.connection` makes the connection. From then on the hub's thread reads its socket
here: to hand each message from thread to thread would cost more than all else that is done with it.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import hiredis

from ..cursor import Cursor
from ..errors import LogUnavailable, MessagesRefused
from ..log import Entry, Following, Heard, LogRef, Message, Revoked

#: How many bytes one call reads, and how many calls follow one another before the hub does its
#: other work. Python gives a larger buffer back to the kernel after each call, which takes longer
#: than all else that is done with a message.
_READ_BYTES, _READS = 16 * 1024, 64
#: A server that was silent for this long is asked whether it is there. After twice as long it is
#: given up.
_SILENT_SECONDS = 5.0


def decode_message(data: bytes) -> Message:
    """The entries of a published batch: the first one's id, then a line for each document."""
    first, *documents = data.split(b"\n")
    epoch, _, seq = first.partition(b"-")
    made, number = int(epoch), int(seq)
    if len(documents) == 1:
        return Message((Entry(Cursor(made, number), documents[0]),))
    return Message(
        tuple(
            Entry(Cursor(made, number + offset), document)
            for offset, document in enumerate(documents)
        )
    )


class RedisMessages:
    """See `Messages`. The connection has just subscribed to the channel `revocations`."""

    def __init__(
        self,
        connection: Any,
        *,
        channel: Callable[[LogRef], bytes],
        revocations: bytes,
        close: Callable[[], None],
    ) -> None:
        self._socket = connection
        self._is_plain = not isinstance(connection, ssl.SSLSocket)
        self._channel = channel
        self._revocations = revocations
        self._close = close
        self._reader = hiredis.Reader(notEnoughData=_NOTHING)
        self._refs: dict[bytes, LogRef] = {}
        self._unsent = bytearray()
        self._heard_at = time.monotonic()
        #: Whether something came since the last `check`; whether the silent server was asked.
        self._is_heard = self._is_asked = False
        connection.settimeout(0)

    def fileno(self) -> int:
        """See `Messages.fileno`."""
        number: int = self._socket.fileno()
        return number

    def follow(self, ref: LogRef) -> None:
        """See `Messages.follow`."""
        name = self._channel(ref)
        self._refs[name] = ref
        self._send(b"SUBSCRIBE", name)

    def leave(self, ref: LogRef) -> None:
        """See `Messages.leave`."""
        name = self._channel(ref)
        if self._refs.pop(name, None) is not None:
            self._send(b"UNSUBSCRIBE", name)

    def take(self) -> Sequence[Heard]:
        """See `Messages.take`."""
        if self._unsent:
            self._flush()
        self._receive()
        heard: list[Heard] = []
        gets, refs = self._reader.gets, self._refs
        while (reply := gets()) is not _NOTHING:
            match reply:
                case [b"message", name, data] if name in refs:
                    heard.append((refs[name], decode_message(data)))
                case [b"message", self._revocations, data]:
                    heard.append(Revoked(data.decode()))
                case [b"subscribe", name, _] if name in refs:
                    heard.append(Following(refs[name]))
                case Exception():
                    raise MessagesRefused(f"The log's server refuses subscriptions: {reply}")
        return heard

    def check(self) -> None:
        """See `Messages.check`."""
        self._flush()
        now = time.monotonic()
        if self._is_heard:
            self._heard_at, self._is_heard, self._is_asked = now, False, False
        silent = now - self._heard_at
        if silent > 2 * _SILENT_SECONDS:
            raise LogUnavailable(f"The log's server said nothing for {silent:.0f} s.")
        if silent > _SILENT_SECONDS and not self._is_asked:
            self._is_asked = True
            self._send(b"PING")

    def close(self) -> None:
        """See `Messages.close`."""
        with suppress(Exception):
            self._close()

    def _receive(self) -> None:
        try:
            for _ in range(_READS):
                data = self._socket.recv(_READ_BYTES)
                if not data:
                    raise LogUnavailable("The log's server ended the connection.")
                self._reader.feed(data)
                self._is_heard = True
                if self._is_plain and len(data) < _READ_BYTES:
                    return
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError as error:
            raise LogUnavailable(f"The log's server was lost: {error}") from error

    def _send(self, *words: bytes) -> None:
        self._unsent += hiredis.pack_command(words)  # type: ignore[arg-type] # its stub knows one word
        self._flush()

    def _flush(self) -> None:
        """Send as much as the socket takes; the rest goes with the next call."""
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent)
            except (BlockingIOError, ssl.SSLWantWriteError):
                return
            except OSError as error:
                raise LogUnavailable(f"The log's server was lost: {error}") from error
            del self._unsent[:sent]


_NOTHING = object()
