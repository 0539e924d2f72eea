"""The open parts of an attempt: which of a job's tasks are sent and not over. Pure of any server.

A job is done when all of it is done. Every task announces the tasks it sends before it ends
itself, so that the last one to end finds nothing open any more: one step for each, however
many there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .lifecycle import Settlement
from .log import JobRef


@dataclass(frozen=True, slots=True)
class Standing:
    """How an attempt stands when one of its parts has ended."""

    attempt: int
    #: Parts that are not over; None where that is not known: the server lost it, or the job
    #: is over.
    open: int | None
    #: How the first part ended that did not succeed.
    outcome: Settlement | None = None
    #: The part belongs to an attempt that a newer one has replaced.
    is_stale: bool = False

    @property
    def is_last(self) -> bool:
        """Whether nothing of the attempt is open any more."""
        return self.open == 0 and not self.is_stale


class PartBook(Protocol):
    """Keeps the open parts. Every method raises `LogUnavailable` when its server is gone."""

    def open(self, ref: JobRef, task_id: str, *, attempt: int) -> None:
        """An attempt begins with its first part. What is open of an earlier one is forgotten."""
        ...

    def announce(self, ref: JobRef, task_id: str, *, attempt: int) -> None:
        """A part is about to be sent. Nothing is kept of an attempt that is not known.

        A book that was lost must not count only what came later: it would find the last of
        those to be the last of all.
        """
        ...

    def end(
        self, ref: JobRef, task_id: str, *, attempt: int, outcome: Settlement | None = None
    ) -> Standing:
        """A part is over, with the outcome of one that did not succeed. 0 is any attempt."""
        ...
