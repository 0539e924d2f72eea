"""Waiting for a database or a server that is away for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

#: A task's process waits this long: longer than a restart takes, shorter than most hosts give a
#: process that is told to end.
PATIENCE_SECONDS = 20.0
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.1, 1.0

Answer = TypeVar("Answer")


def patiently(
    ask: Callable[[], Answer], *, until: type[Exception], seconds: float = PATIENCE_SECONDS
) -> Answer:
    """The answer to a question that is asked again for a while where it raises one kind of error.

    Raises:
        Exception: the error, when it still comes at the end of that time.
    """
    give_up_at, pause = time.monotonic() + seconds, _FIRST_PAUSE_SECONDS
    while True:
        try:
            return ask()
        except until:
            if time.monotonic() >= give_up_at:
                raise
        time.sleep(pause)
        pause = min(2 * pause, _LAST_PAUSE_SECONDS)
