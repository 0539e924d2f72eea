"""The reporter of a task that runs without a job: it takes all reports and sends none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from ..log import JobRef, Log
from ..reports import Report
from .buffer import ReportBuffer
from .reporter import JobReporter


class Nowhere(ReportBuffer):
    """A buffer that keeps nothing."""

    def __init__(self) -> None:
        self.refusal = None
        self.cancel_requested = False

    def put(self, report: Report) -> None:
        """Let a report go."""

    def flush(self) -> bool:
        """Nothing is left to be sent."""
        return True

    def confirm(self) -> bool:
        """Nothing is left to be sent."""
        return True

    def close(self) -> None:
        """Nothing is left to be sent."""


class _NoLog:
    """A log in which nothing has succeeded."""

    def has_succeeded(self, _ref: JobRef, items: Sequence[tuple[str, str]]) -> Sequence[bool]:
        return [False] * len(items)


class QuietReporter(JobReporter):
    """A reporter without a job, for a task that is called as a plain function.

    It counts what succeeded and failed, as any other.
    """

    def __init__(self) -> None:
        super().__init__(cast("Log", _NoLog()), JobRef("nobody", "no job"), buffer=Nowhere())
