"""The newest frames of one log: many readers that come back are served from them. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice

#: What is kept of each log at most. After a deploy, reconnecting clients ask for about as much.
MAX_FRAMES, MAX_BYTES = 512, 128 * 1024


class Ring:
    """Frames at positions without holes, the last of them at `last`."""

    __slots__ = ("_bytes", "_frames", "_joined", "_joined_after", "last")

    def __init__(self, last: int) -> None:
        #: The position of the newest frame.
        self.last = last
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        #: The frames that were last asked for, joined: when many clients reconnect at once, the
        #: next one asks for the same.
        self._joined, self._joined_after = b"", -1

    @property
    def first(self) -> int:
        """The position before the oldest frame: everything after it is here."""
        return self.last - len(self._frames)

    def push(self, frame: bytes) -> None:
        """Add the frame of the next position."""
        self._frames.append(frame)
        self._bytes += len(frame)
        self._joined_after = -1
        self.last += 1
        while len(self._frames) > MAX_FRAMES or (self._bytes > MAX_BYTES and len(self._frames) > 1):
            self._bytes -= len(self._frames.popleft())

    def prepend(self, frames: Sequence[bytes]) -> None:
        """Add the frames of the positions up to `first`; does nothing where there is no room."""
        size = sum(map(len, frames))
        if len(self._frames) + len(frames) > MAX_FRAMES or self._bytes + size > MAX_BYTES:
            return
        self._frames.extendleft(reversed(frames))
        self._bytes += size

    def forget_before(self, position: int) -> None:
        """Drop the frames up to a position."""
        while self._frames and self.first < position:
            self._bytes -= len(self._frames.popleft())
        self._joined, self._joined_after = b"", -1

    def holds(self, after: int) -> bool:
        """Whether everything after a position is here."""
        return self.first <= after <= self.last

    def since(self, after: int) -> bytes:
        """All frames after a position, joined. The ring must hold the position."""
        if after == self.last:
            return b""
        if after == self.last - 1:
            return self._frames[-1]
        if after != self._joined_after:
            self._joined = b"".join(islice(self._frames, after - self.first, None))
            self._joined_after = after
        return self._joined
