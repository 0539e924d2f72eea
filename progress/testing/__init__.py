"""For tests of what is built on this library, and for tests of another log.

`LogContract` is the suite that every log has to pass: subclass it, give it a `log` fixture
and a `clock`, and pytest runs the lot. Nothing here imports pytest.
"""

from __future__ import annotations

from .contract import LogContract
from .doubles import FaultyLog, ManualClock
from .reading import entries_of, events_of, folded, folded_feed, fresh_ref, item, status

__all__ = [
    "FaultyLog",
    "LogContract",
    "ManualClock",
    "entries_of",
    "events_of",
    "folded",
    "folded_feed",
    "fresh_ref",
    "item",
    "status",
]
