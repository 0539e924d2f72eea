"""Whether a stream may begin now: the same rule with a framework and without one."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ..aliases import locate
from ..cursor import Cursor
from ..hub import Hub
from ..hub.reader import HandOver
from ..log import Log, LogRef
from .urls import StreamUrls


class Standing(Enum):
    """What a log has for a client that comes with a cursor."""

    #: The client is to be sent something, now or later.
    MORE = "more"
    #: The client has the terminal event: nothing follows.
    OVER = "over"
    #: There is no log.
    NO_LOG = "no log"


@dataclass(frozen=True, slots=True)
class Entrance:
    """The streams of one application: where they are, and what they are served from.

    The blueprint of `progress.flask` has one, and `StreamMiddleware` is given the same.
    """

    log: Log
    hub: Hub
    #: Has the machine's streamer serve a stream, where there is a streamer.
    hand_over: HandOver | None = None
    urls: StreamUrls = field(default_factory=StreamUrls)

    @property
    def is_closed(self) -> bool:
        """Whether this process is about to end and begins no stream."""
        return self.hub.is_closing

    def standing(self, ref: LogRef, cursor: Cursor | None) -> tuple[LogRef, Standing]:
        """The log that an id leads to, and what it has for a client that comes with a cursor.

        Raises:
            LogUnavailable: the log cannot be asked.
        """
        found, position = locate(self.log, ref)
        if position is None:
            return found, Standing.NO_LOG
        if position.has_ended and position.cursor == cursor:
            return found, Standing.OVER
        return found, Standing.MORE
