"""Why jobs wait that somebody watches: when to ask, and what to say to their readers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..events import JobWaiting
from ..log import JobRef, LogRef
from ..sse import frame
from .channel import Channel

#: All jobs that wait and are watched are asked about together, this often.
ASK_SECONDS = 1.0
#: What is said is said again after this long, to readers that could not be told the first time.
SAY_AGAIN_SECONDS = 10.0


@dataclass(slots=True)
class _Said:
    data: bytes = b""
    at: float = 0.0


class Reasons:
    """The channels of jobs that wait. Used by the loop's thread only."""

    def __init__(self) -> None:
        self._said: dict[Channel, _Said] = {}
        self._asks_at = 0.0
        self._is_asking = False

    def begin(self, channel: Channel) -> None:
        """A reader has come: if the job waits, it is to be told why."""
        if isinstance(channel.ref, JobRef):
            self._said[channel] = _Said()

    def go_on(self, channel: Channel) -> None:
        """Events came: the job may have begun to wait."""
        if channel.kept is not None and channel.kept.waits and channel not in self._said:
            self.begin(channel)

    def due(self, now: float) -> tuple[JobRef, ...]:
        """The jobs to ask about now; none while an answer is not there."""
        if self._is_asking or now < self._asks_at or not self._said:
            return ()
        self._said = {channel: said for channel, said in self._said.items() if _may_wait(channel)}
        self._asks_at, self._is_asking = now + ASK_SECONDS, bool(self._said)
        return tuple(ref for channel in self._said if isinstance(ref := channel.ref, JobRef))

    def news(
        self, told: Mapping[JobRef, JobWaiting], channels: Mapping[LogRef, Channel], now: float
    ) -> Iterator[tuple[Channel, bytes]]:
        """What is to be said to which channel's readers, of what was answered."""
        self._is_asking = False
        for ref, waiting in told.items():
            channel = channels.get(ref)
            said = None if channel is None else self._said.get(channel)
            # The job may have begun since it was asked about.
            if channel is None or said is None or not _may_wait(channel):
                continue
            data = frame(waiting.to_json().encode(), None)
            if data != said.data or now - said.at >= SAY_AGAIN_SECONDS:
                said.data, said.at = data, now
                yield channel, data


def _may_wait(channel: Channel) -> bool:
    return channel.has_readers and (channel.kept is None or channel.kept.waits)
