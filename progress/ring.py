"""The newest frames of one log, so that many readers who come back need not ask for them. Pure."""

from __future__ import annotations

from collections import deque
from itertools import islice

#: How much is kept of each log: what a storm of reconnects after a deploy asks for.
MAX_FRAMES, MAX_BYTES = 512, 256 * 1024


class Ring:
    """Frames at positions without holes, the last of them at `last`."""

    __slots__ = ("_bytes", "_frames", "last")

    def __init__(self, last: int) -> None:
        #: The position after the newest frame.
        self.last = last
        self._frames: deque[bytes] = deque()
        self._bytes = 0

    @property
    def first(self) -> int:
        """The position that frames are kept from: everything after it is here."""
        return self.last - len(self._frames)

    def push(self, frame: bytes) -> None:
        """Add the frame of the next position."""
        self._frames.append(frame)
        self._bytes += len(frame)
        self.last += 1
        while len(self._frames) > MAX_FRAMES or (self._bytes > MAX_BYTES and len(self._frames) > 1):
            self._bytes -= len(self._frames.popleft())

    def holds(self, after: int) -> bool:
        """Whether everything after a position is here."""
        return self.first <= after <= self.last

    def since(self, after: int) -> bytes:
        """All frames after a position, joined. The position must be held."""
        if after == self.last - 1:
            return self._frames[-1]
        return b"".join(islice(self._frames, after - self.first, None))
