"""How long streams live, and how many there may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """The bounds of the streams that one process serves."""

    #: An idle stream is sent a comment this often.
    keep_alive_seconds: float = 15.0
    #: Drawn between this and half of it, so that streams do not end together.
    life_seconds: float = 15 * 60.0
    #: A reader that takes nothing of what it is sent for so long is dropped.
    stalled_seconds: float = 60.0
    #: Streams an account may have open, those the process may have, and when one that was
    #: refused may be tried again.
    streams_per_account: int = 20
    streams: int = 20_000
    retry_after_seconds: int = 15
