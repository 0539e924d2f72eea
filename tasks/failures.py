"""The failed items of one execution, on their way to the database."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from library import failures
from library.database import Database
from library.failures import FailedItem
from library.models import utc_now
from progress.fit import MAX_WORD, fit_id, fit_text

logger = logging.getLogger(__name__)

#: Failures are written this many at a time, or when the first has waited for this long.
BATCH, BATCH_SECONDS = 100, 1.0


class FailureBook:
    """Keeps the failures of one attempt of one job, in batches.

    What is not written when a process dies is found again: its task is done again, and an item
    counts once.
    """

    def __init__(
        self,
        database: Database,
        *,
        job_id: UUID,
        attempt: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._job_id = job_id
        self._attempt = attempt
        self._clock = clock
        self._waiting: list[FailedItem] = []
        self._oldest_at = 0.0

    def add(self, item_id: object, *, kind: str, label: str | None, reason: str) -> None:
        """Note a failed item; it is written with those that follow, or when it is due."""
        if not self._waiting:
            self._oldest_at = self._clock()
        self._waiting.append(
            FailedItem(
                fit_id(item_id) or "?",
                fit_text(kind, most=MAX_WORD) or "item",
                fit_text(label),
                fit_text(reason) or "",
                utc_now(),
            )
        )
        if len(self._waiting) >= BATCH:
            self.flush()

    def flush_if_due(self) -> None:
        """Write what has waited for long enough."""
        if self._waiting and self._clock() - self._oldest_at >= BATCH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what waits. Before a task ends: its job may be over then."""
        if not self._waiting:
            return
        with self._database.session() as session:
            failures.keep(session, job_id=self._job_id, attempt=self._attempt, items=self._waiting)
        self._waiting = []

    def close(self) -> None:
        """Write what waits, if that can be done: the task ends, whatever comes of it."""
        try:
            self.flush()
        except SQLAlchemyError:
            logger.warning(
                "%d failed items of a job could not be kept.",
                len(self._waiting),
                exc_info=True,
                extra={"action": "failures_not_kept", "job_id": str(self._job_id)},
            )
