"""One response with a sound under way: what is sent of it, and how much of that its client took."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
import time
from dataclasses import KW_ONLY, dataclass, field

from library.sound.content import Content

PIECE_BYTES = 64 * 1024
#: A client that takes as fast as the disk gives leaves the turn to the others after so many.
_TURN_PIECES = 4
#: The kernel keeps so much of a sound for each client: seconds of the fastest format.
_SEND_BUFFER_BYTES = 128 * 1024


@dataclass(slots=True, eq=False)
class Delivery:
    """A client's socket, and what is to go there."""

    client: socket.socket
    #: The head, or what is left of the piece that the socket had no room for.
    rest: bytes
    content: Content
    place: int
    #: Where it ends; None: with the content.
    stop: int | None
    account: str
    _: KW_ONLY
    begun: float = field(default_factory=time.monotonic)
    #: Whether it waits for more of the sound, and not for the client.
    waits_for_sound: bool = False
    _moved: float = field(default_factory=time.monotonic)
    _taken: int = -1

    def prepare(self) -> None:
        """Have its socket wait for nothing, and keep little.

        Raises:
            OSError: the client has gone.
        """
        self.client.settimeout(0)
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)

    def send_some(self) -> bool:
        """Send what the socket has room for, and a turn's share at most; whether all is sent.

        Raises:
            OSError: the client has gone, or the disk cannot be read.
            Lost: the rest will never come.
        """
        self.waits_for_sound = False
        for _ in range(_TURN_PIECES):
            if not self.rest and not self._take_piece():
                return not self.waits_for_sound
            try:
                sent = self.client.send(self.rest)
            except BlockingIOError:
                return False
            self.rest = self.rest[sent:]
            if self.rest:
                return False
        return False

    def _take_piece(self) -> bool:
        """Read the next piece; whether there is one."""
        count = PIECE_BYTES if self.stop is None else min(PIECE_BYTES, self.stop - self.place)
        data = self.content.read(self.place, count) if count > 0 else b""
        self.waits_for_sound = data is None
        self.rest = data or b""
        self.place += len(self.rest)
        return bool(data)

    def has_gone(self) -> bool:
        """Whether its client has closed the connection; asked while there is nothing to send."""
        try:
            return not self.client.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def idle_seconds(self, now: float) -> float:
        """How long its client has taken nothing of what there was."""
        taken = self.place - len(self.rest) - self._untaken_bytes()
        if taken != self._taken or self.waits_for_sound:
            self._taken, self._moved = taken, now
        return now - self._moved

    def _untaken_bytes(self) -> int:
        """What the kernel holds that the client has not taken.

        A socket's room tells it too late: a client that reads 1 KB/s makes none that is worth a
        wake-up for a minute.
        """
        try:
            answer = fcntl.ioctl(self.client, termios.TIOCOUTQ, bytes(4))
        except OSError:
            return 0
        return int(struct.unpack("i", answer)[0])

    def close(self) -> None:
        """End it. The kernel goes on sending what it has taken."""
        try:
            # Bytes that nobody read would have the kernel break off.
            self.client.recv(PIECE_BYTES)
            self.client.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        finally:
            self.client.close()
            self.content.close()
