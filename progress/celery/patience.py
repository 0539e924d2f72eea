"""Waiting for a database or a server that is away for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

#: How long a task's process waits: longer than a restart takes, shorter than most hosts give a
#: process that is told to end.
PATIENCE_SECONDS = 20.0
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.1, 1.0

Answer = TypeVar("Answer")


def patiently(
    ask: Callable[[], Answer], *, until: type[Exception], seconds: float = PATIENCE_SECONDS
) -> Answer:
    """The answer, asked for again while an error of one kind comes instead.

    Raises:
        Exception: the error, when it still comes after so many seconds.
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
