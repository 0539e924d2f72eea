"""Repeats: what a log says of a failure that happens again and again.

A database that is away fails every request and every task. Written out, with its traceback each
time, that was 463 KB in 13 seconds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from kombu.exceptions import OperationalError as BrokerError
from redis import ConnectionError as RedisConnectionError
from redis import TimeoutError as RedisTimeoutError
from sqlalchemy.exc import InterfaceError, OperationalError

from progress.errors import LogUnavailable

WINDOW_SECONDS = 60.0
#: Causes that are remembered at once. A line of one more is written each time.
_MOST_CAUSES = 500
_MOST_TEXT = 300

#: The errors of a server that is away: a traceback tells nothing that the sentence does not.
_AWAY = (
    BrokerError,
    InterfaceError,
    LogUnavailable,
    OperationalError,
    RedisConnectionError,
    RedisTimeoutError,
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a line is written: lines of one cause are repeats of each other."""

    key: tuple[str, ...]
    #: The failure in one line.
    text: str
    #: Whether a server is away.
    is_away: bool


def cause_of(record: logging.LogRecord) -> Cause | None:
    """The cause of a line; None for one that tells of no failure."""
    # The library says at INFO what it will try again: every half second, while its server is away.
    if record.levelno < logging.WARNING and not record.name.startswith("progress."):
        return None
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        text = _one_line(record.getMessage())
        return Cause((record.name, text), text, is_away=False)
    away = next((e for e in _chain(error) if isinstance(e, _AWAY)), None)
    if away is not None:
        # Whatever it was needed for: the server's absence is the cause.
        text = _one_line(getattr(away, "orig", None) or away)
        return Cause((record.name, type(away).__name__, text), text, is_away=True)
    text = f"{type(error).__name__}: {_one_line(error)}"
    key = (record.name, str(record.msg), type(error).__name__, _place(error))
    return Cause(key, text, is_away=False)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


def _one_line(what: object) -> str:
    text = " ".join(str(what).split())
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"


@dataclass(slots=True)
class _Counted:
    cause: Cause
    since: float
    count: int = 0


@dataclass
class Repeats:
    """Counts the repeats of each cause for a minute that begins with its first line."""

    clock: Callable[[], float] = time.monotonic
    _counted: dict[tuple[str, ...], _Counted] = field(default_factory=dict)

    def is_new(self, cause: Cause) -> bool:
        """Whether the cause's minute begins with this line; else the line is counted."""
        counted = self._counted.get(cause.key)
        if counted is not None:
            counted.count += 1
            return False
        if len(self._counted) < _MOST_CAUSES:
            self._counted[cause.key] = _Counted(cause, self.clock())
        return True

    def over(self, *, all_of_them: bool = False) -> list[tuple[Cause, int]]:
        """Forget the causes whose minute is over; returns them with their numbers of repeats."""
        before = self.clock() - WINDOW_SECONDS
        keys = [k for k, c in self._counted.items() if all_of_them or c.since <= before]
        ended = [self._counted.pop(key) for key in keys]
        return [(counted.cause, counted.count) for counted in ended if counted.count]
