"""For tests of what is built on this library, and for tests of another log.

`LogContract` is the suite that every log has to pass: subclass it, give it a `log` fixture
and a `clock`, and pytest runs the lot. Nothing here imports pytest.
"""

from __future__ import annotations

from .contract import LogContract
from .doubles import FaultyLog, ForgetfulLog, ManualClock
from .reading import (
    entries_of,
    events_of,
    folded,
    folded_feed,
    following,
    fresh_ref,
    heard,
    item,
    status,
)
from .watching import Shown, watch

__all__ = [
    "FaultyLog",
    "ForgetfulLog",
    "LogContract",
    "ManualClock",
    "Shown",
    "entries_of",
    "events_of",
    "folded",
    "folded_feed",
    "following",
    "fresh_ref",
    "heard",
    "item",
    "status",
    "watch",
]
