"""How a job went: its attempts, phases and parts in time, and its counts along the way.

It stands beside a job's state and is no part of the fold: what a log has trimmed is in it still.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from .events import JobStatus
from .wire import Moment, WireModel, absent


class RowStatus(StrEnum):
    """How a row of a run ended, or that it has not."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    #: The attempt is to be tried again.
    RETRYING = "retrying"
    #: Nobody told its end, and what it belongs to is over.
    LOST = "lost"


class RunRow(WireModel):
    """An attempt, a phase of one or a part of one."""

    kind: Literal["attempt", "phase", "part"]
    attempt: int = Field(ge=1)
    #: The phase's name, or the part's; an attempt has none.
    name: str | None = absent()
    begin: Moment
    end: Moment | None = absent()
    status: RowStatus


class RunPoint(WireModel):
    """The counts at one moment."""

    at: Moment
    done: int = Field(ge=0)
    failed: int = Field(ge=0)


class Run(WireModel):
    """How a job went so far, or how it went. Bounded in size whatever the job's size."""

    job_id: str
    status: JobStatus
    #: When the job was sent; from then to the first attempt's begin it waited.
    sent_at: Moment | None = absent()
    finished_at: Moment | None = absent()
    #: In the order of their beginnings; an attempt stands before what belongs to it.
    rows: tuple[RunRow, ...]
    #: Oldest first. Within an attempt no count goes back.
    points: tuple[RunPoint, ...]
    #: How many more attempts, phases and parts began than there was room for.
    left_out: int = Field(ge=0)
