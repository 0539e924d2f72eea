"""The open parts of an attempt: which of a job's tasks are sent and not over. Pure.

A job is done when all its tasks are done. Every task announces the tasks that it sends before it
ends itself, so the last one to end finds no part open. Each task costs one step, however many there
are.

A job may fan out by a window: it has numbered parts, of which only a few are open at a time. The
step that ends number n opens number n + window, and says that it is to be sent; the step that
ends the last opens the closing part. So a job of any size keeps a window of messages in the queue,
and what it keeps in the book is as large as the window and not as the job.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .events import JobStatus
from .lifecycle import Settlement
from .log import JobRef

#: The member of the closing part.
CLOSING = "#last"
_NUMBERED = re.compile(r"^[1-9][0-9]*\.(last|0|[1-9][0-9]*)$")


@dataclass(frozen=True, slots=True)
class Window:
    """How an attempt fans out."""

    #: How many parts there are, numbered from 0.
    parts: int
    #: How many of them are open at a time.
    size: int
    #: Whether a closing part follows when all of them have succeeded.
    closes: bool
    #: The tasks and how to send them, as the task that fanned out wrote it.
    recipe: bytes

    @property
    def first(self) -> range:
        """The numbers that are open from the beginning."""
        return range(min(self.size, self.parts))


@dataclass(frozen=True, slots=True)
class Next:
    """What is to be sent now that a part has ended. Sending it twice changes nothing."""

    #: None for the closing part.
    number: int | None
    recipe: bytes


@dataclass(frozen=True, slots=True)
class Standing:
    """How an attempt stands when one of its parts has ended."""

    attempt: int
    #: How many parts are not over; None where that is not known, since the server lost it or the
    #: job is over.
    open: int | None
    #: How the first part ended that did not succeed.
    outcome: Settlement | None = None
    #: The part belongs to an attempt that a newer one has replaced.
    is_stale: bool = False
    next: Next | None = None

    @property
    def is_last(self) -> bool:
        """Whether nothing of the attempt is open any more."""
        return self.open == 0 and not self.is_stale


class PartBook(Protocol):
    """Keeps the open parts. Every method raises `LogUnavailable` when its server is gone."""

    def open(self, ref: JobRef, task_id: str, *, attempt: int) -> None:
        """Begin an attempt with its first part, and forget the open parts of an earlier one."""
        ...

    def announce(self, ref: JobRef, task_id: str, *, attempt: int) -> None:
        """A part is about to be sent. A book that does not know the attempt keeps nothing.

        A book that was lost must not begin to count in the midst of an attempt: it would take the
        last of the parts that it knows for the last of all.
        """
        ...

    def fan_out(self, ref: JobRef, window: Window, *, attempt: int) -> bool | None:
        """Open the first parts of a window: they are to be sent.

        False where the attempt has fanned out in another way; None where it is not known.
        """
        ...

    def sent(self, ref: JobRef, number: int | None, *, attempt: int) -> None:
        """A part of the window is in the queue; None for the closing one."""
        ...

    def end(
        self, ref: JobRef, task_id: str, *, attempt: int, outcome: Settlement | None = None
    ) -> Standing:
        """A part is over; `outcome` says how, unless it succeeded. Attempt 0 stands for any.

        The end of the same part may be told again: what follows it is then told again too,
        until it is sent.
        """
        ...

    def is_open(self, ref: JobRef, task_id: str, *, attempt: int) -> bool | None:
        """Whether a part is open; None where that is not known."""
        ...


@runtime_checkable
class SupportsParts(Protocol):
    """The ability of a log to keep open parts beside it, for all processes that share the log.

    Without it each process keeps its own: a job of one task ends all the same, and a job whose
    tasks run in several processes does not know which of them is the last.
    """

    @property
    def parts(self) -> PartBook:
        """The open parts of the jobs."""
        ...


def part_id(ref: JobRef, number: int | None, *, attempt: int) -> str:
    """The task id of a part of a window; None is the closing one.

    It is derived from job, attempt and number, so that a part that is sent twice is one part.
    """
    return f"{ref.job_id}.{attempt}.{'last' if number is None else number}"


def member_of(ref: JobRef, task_id: str) -> str:
    """The name of a part in a book: ``#`` and its number if it is part of a window."""
    job, _, rest = task_id.rpartition(f"{ref.job_id}.")
    return f"#{rest.split('.')[1]}" if not job and _NUMBERED.match(rest) else task_id


def number_of(member: str) -> int | None:
    """The number of a part in its window; None for the closing part and for parts of no window."""
    return int(member[1:]) if member.startswith("#") and member != CLOSING else None


def is_windowed(ref: JobRef, task_id: str) -> bool:
    """Whether a task is part of a window, the closing one included."""
    return member_of(ref, task_id) != task_id


def halts(outcome: Settlement | None) -> bool:
    """Whether nothing more is to be sent once a part has ended so."""
    return outcome is not None and (outcome.status is JobStatus.CANCELLED or outcome.is_final)
