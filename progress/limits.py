"""How long streams live, and how many there may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """The bounds of the streams that one process serves."""

    #: An idle stream is sent a comment this often.
    keep_alive_seconds: float = 15.0
    #: A stream ends at an age between half of this and this, so that streams do not end together.
    life_seconds: float = 15 * 60.0
    #: A reader that takes no byte for this long is dropped.
    stalled_seconds: float = 60.0
    #: An account may have this many streams open, the process this many; a client that was
    #: refused may ask again after this long.
    streams_per_account: int = 20
    streams: int = 20_000
    retry_after_seconds: int = 15
