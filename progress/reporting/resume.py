"""Which items of a loop are left after a retry or a lost worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from ..errors import LogUnavailable
from ..log import JobRef, Log, SupportsResume
from .names import Named

logger = logging.getLogger(__name__)

BEGINS_ANEW = "It cannot be told what was done already. Everything is done again."
#: A loop waits this long in all for its log to tell which items are left.
PATIENCE_SECONDS = 5.0
_PAUSE_SECONDS = 0.25
#: The log is asked about this many items at once.
_CHUNK = 500

T = TypeVar("T")


class Resume:
    """Leaves out what has succeeded, as far as the log can tell. Raises nothing of its own.

    Args:
        log: Where the job's items are.
        ref: The job.
        on_unknown: Called once, when the log cannot tell: from there on nothing is left out.
        stops: Exceptions that end a task wherever they are raised.
    """

    def __init__(
        self,
        log: Log,
        ref: JobRef,
        *,
        on_unknown: Callable[[], None],
        stops: tuple[type[BaseException], ...],
    ) -> None:
        self._log = log if isinstance(log, SupportsResume) else None
        self._ref = ref
        self._on_unknown = on_unknown
        self._stops = stops
        self._patience = PATIENCE_SECONDS
        self._is_unknown = False

    def left(self, named: Iterable[Named[T]], kind: str) -> Iterator[Named[T]]:
        """The items of a kind that have not succeeded, in their order."""
        rest = iter(named)
        while chunk := list(islice(rest, _CHUNK)):
            done = self._ask([(kind, item_id) for _, _, item_id, _ in chunk])
            yield from (found for found, is_done in zip(chunk, done, strict=True) if not is_done)

    def _ask(self, names: Sequence[tuple[str, str]]) -> Sequence[bool]:
        while not self._is_unknown:
            began = time.monotonic()
            try:
                if self._log is not None:
                    return self._log.has_succeeded(self._ref, names)
                self._give_up("It cannot tell which items have succeeded.")
            except LogUnavailable as error:
                time.sleep(_PAUSE_SECONDS)
                self._patience -= time.monotonic() - began
                if self._patience <= 0:
                    self._give_up(str(error))
            except self._stops:
                raise
            except Exception as error:
                self._give_up(repr(error))
        return [False] * len(names)

    def _give_up(self, reason: str) -> None:
        self._is_unknown = True
        logger.warning(
            "Job %s begins with its first item: its log does not say what is done. %s",
            self._ref.job_id,
            reason,
            extra={"action": "resume_unknown", "job_id": self._ref.job_id},
        )
        self._on_unknown()
