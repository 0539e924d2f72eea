"""The way of nearly every message from the log to its readers, in C: see `shortcut.c`.

It is compiled where there is a C compiler when this package is built. Without it everything
is done in Python, the same and slower.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .figures import HubFigures
from .log import PassOn
from .reports import TERMINAL_PREFIXES, made_at_json
from .ring import MAX_BYTES, MAX_FRAMES
from .sockets import Write, write_to_each
from .writer import BUSY, EARLY_SECONDS, JOIN_SECONDS, Writer

if TYPE_CHECKING:
    from . import _shortcut
else:
    try:
        from . import _shortcut
    except ImportError:
        _shortcut = None

#: Set to 0, it switches the compiled part off, for who looks for a fault or measures it.
VARIABLE = "PROGRESS_SHORTCUT"

RULES = (JOIN_SECONDS, EARLY_SECONDS, BUSY, MAX_FRAMES, MAX_BYTES, TERMINAL_PREFIXES)
if _shortcut is not None:
    _shortcut.set_rules(*RULES)


def is_compiled() -> bool:
    """Whether there is one."""
    return _shortcut is not None


def shortcut(
    writer: Writer, figures: HubFigures, write: Write, *, measures_lag: bool
) -> PassOn | None:
    """What passes messages on by itself, for `Messages.take`; None where there is nothing.

    It writes to the sockets itself: nothing else may be set to do that.
    """
    if not is_compiled() or os.environ.get(VARIABLE) == "0" or write is not write_to_each:
        return None

    def pass_on(fd: int, channels: dict[bytes, Any]) -> bytes | None:
        taken = _shortcut.take(fd, channels, measures_lag)
        if taken is None:
            return None
        left, deliveries, short, firsts = taken
        figures.deliveries += deliveries
        for stream, written, data, position in short:
            writer.fell_short(stream, written, data, position)
        for document in firsts or ():
            figures.observe_lag(made_at_json(document))
        return left

    return pass_on
