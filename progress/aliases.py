"""Ids that lead to a job: the ones that Celery gives back when a chain, a chord or a group is sent.

The id of a chain is its last task's, and the job is its first one. A group or a chord that a site
sends is several jobs: its id leads to their sum, which no task reports and no log holds. A reader
is shown the states of these jobs, added up. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol, cast, runtime_checkable

from .log import JobRef, Log, LogRef, Position


@dataclass(frozen=True, slots=True)
class SumRef(JobRef):
    """Names the sum of several jobs of one account. It is read as a log is; nobody appends to it.

    A log reads no events of it, only its state: nothing follows the position at which it stands,
    and the answer to any other cursor is `Gap`.
    """


@dataclass(frozen=True, slots=True)
class Sent:
    """What a message that is sent says of ids."""

    #: The job that it begins; None where it begins none.
    job: JobRef | None
    #: Ids of tasks that follow the job's first one: they lead to it.
    aliases: Sequence[str] = ()
    #: The sum that the job is one of.
    sum: SumRef | None = None
    #: Ids that lead to the sum.
    sum_aliases: Sequence[str] = ()
    #: Ids of jobs of the sum that are sent when others have succeeded, as a chord's body is.
    awaited: Sequence[str] = ()


@runtime_checkable
class SupportsAliases(Protocol):
    """The ability of a log to find a job by another id than its own.

    Without it, a reader who follows the id of a chain, a chord or a group is told that there is no
    such job.
    """

    def note_sent(self, sent: Sent) -> None:
        """Remember what a message says of ids, for as long as its job's log is kept."""
        ...

    def locate(self, ref: JobRef) -> tuple[JobRef, Position | None]:
        """What an id leads to, and where that stands: the job itself, another one, or a sum."""
        ...


def locate(log: Log, ref: LogRef) -> tuple[LogRef, Position | None]:
    """The log that a reader of `ref` is to be shown, and where it stands; None where there is none.

    Raises:
        LogUnavailable: the log cannot be asked.
    """
    if isinstance(ref, JobRef) and _knows_aliases(type(log)):
        return cast("SupportsAliases", log).locate(ref)
    return ref, log.position(ref)


@cache
def _knows_aliases(kind: type[Log]) -> bool:
    # Asked once for each kind of log: to look through a protocol takes as long as to read a cookie.
    return issubclass(kind, SupportsAliases)
