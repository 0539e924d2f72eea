"""When a log that no messages tell of is looked at next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..aliases import SumRef
from ..cursor import Cursor
from .channel import Channel

#: Between two looks at a log: as long as it grows, and at the most.
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 1.0, 8.0
#: At the most between two looks at a sum, which no message ever tells of.
_LAST_PAUSE_OF_SUM_SECONDS = 2.0


@dataclass(slots=True)
class _Look:
    at: float
    pause_seconds: float
    #: Where the log stood at the last look.
    position: Cursor | None


class Looks:
    """The channels that are looked at without a message. Used by the loop's thread only.

    A server may let a writer publish nothing or a reader hear nothing. So a log is looked at until
    a message of it is heard, the more seldom the longer nothing comes.
    """

    def __init__(self) -> None:
        self._looks: dict[Channel, _Look] = {}

    def begin(self, channel: Channel, now: float) -> None:
        """Look at a log until a message of it is heard."""
        if channel not in self._looks:
            self._looks[channel] = _Look(now + FIRST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS, None)

    def heard(self, channel: Channel) -> None:
        """A message of the log came: messages tell of it."""
        self._looks.pop(channel, None)

    def due(self, now: float) -> Iterator[Channel]:
        """The channels to look at now. One without readers is looked at no longer."""
        for channel, look in list(self._looks.items()):
            if now < look.at:
                continue
            if not channel.has_readers:
                del self._looks[channel]
                continue
            position = channel.kept.position if channel.kept is not None else None
            has_grown = position != look.position
            look.pause_seconds = (
                FIRST_PAUSE_SECONDS
                if has_grown
                else min(2 * look.pause_seconds, _last_pause(channel))
            )
            look.at, look.position = now + look.pause_seconds, position
            yield channel


def _last_pause(channel: Channel) -> float:
    is_sum = isinstance(channel.ref, SumRef)
    return _LAST_PAUSE_OF_SUM_SECONDS if is_sum else LAST_PAUSE_SECONDS
