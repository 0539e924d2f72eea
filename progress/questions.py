"""What is being asked of the logs, and who waits for each answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .channel import Channel, Stream
from .cursor import Cursor
from .fetcher import Want

#: A reader that waits for an answer, and where it is to begin then.
Asking = tuple[Stream, Cursor | None]


class Questions:
    """The questions of one hub, each asked once. Used by its loop's thread only.

    Args:
        put: Puts a question to the log.
    """

    def __init__(self, put: Callable[[Want], None]) -> None:
        self._put = put
        self._asking: dict[Want, list[Asking]] = {}

    def __contains__(self, want: Want) -> bool:
        return want in self._asking

    def ask(self, channel: Channel, want: Want, *readers: Asking) -> None:
        """Ask, for some readers or for nobody in particular."""
        asking = self._asking.get(want)
        if asking is not None:
            asking.extend(readers)
            return
        self._asking[want] = list(readers)
        channel.asked += 1
        # Subscribed to before it is read: what comes between is not missed.
        if channel.is_followed:
            self._put(want)
        else:
            channel.unasked.append(want)

    def begin(self, channel: Channel) -> None:
        """A channel is followed from now on: ask what waited for that."""
        channel.is_followed = True
        unasked, channel.unasked = channel.unasked, []
        for want in unasked:
            self._put(want)

    def answered(self, channel: Channel, want: Want) -> list[Asking]:
        """The readers of an answer that are still there."""
        channel.asked -= 1
        return [asking for asking in self._asking.pop(want) if asking[0].is_open]

    def streams(self) -> Iterator[Stream]:
        """All readers that wait for an answer."""
        for readers in list(self._asking.values()):
            for stream, _ in readers:
                if stream.is_open:
                    yield stream
