"""How fast a job's items are over. Pure; its twin is a part of `append.lua`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .constants import RULES


@dataclass(slots=True)
class Rate:
    """Items a second, exponentially smoothed over irregular spans.

    Times are whole microseconds, as a server has them. A float of seconds since 1970 keeps no more
    than quarters of a microsecond, and two logs that round differently come to different rates.
    """

    at_us: int
    done: int
    began_at_us: int
    began_done: int
    per_second: float | None = None

    def observe(self, done: int, now_us: int) -> None:
        """Take in how many items are over now."""
        span = (now_us - self.at_us) / 1e6
        if span < 0:  # the clock was set back: begin the span anew
            self.at_us, self.done = now_us, done
        if span < RULES.rate_step_seconds:
            return
        instant = (done - self.done) / span
        if self.per_second is None:
            self.per_second = instant
        else:
            weight = 1 - math.exp(-span / RULES.rate_memory_seconds)
            self.per_second += weight * (instant - self.per_second)
        self.at_us, self.done = now_us, done

    def mean(self, done: int, now_us: int) -> float | None:
        """Items a second since the attempt began; None where no time has gone by."""
        span = (now_us - self.began_at_us) / 1e6
        return (done - self.began_done) / span if span > 0 else None
