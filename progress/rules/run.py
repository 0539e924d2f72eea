"""What is kept of a job's run beside its state. Pure; its twin is a part of `append.lua`.

A run is a mapping of its own, of which a batch writes what is new: a field when a row begins,
another when it ends, and one for a point of the series. `stored_run` makes a `Run` of it.

===============================  =================================================================
``sent``                         when the job was sent
``a<attempt>``                   when it began; ``A<attempt>`` when it ended, and how
``h<attempt>.<index>``           when the phase began, and the phase as JSON; ``H…`` when it ended
``t<attempt>.<part>``            when the part began; ``T…`` when it ended, and how
``na`` ``nh`` ``nt`` ``more``    how many rows of each kind there are, and how many had no room
``p<number>``                    a point: its time, how many items were done, how many failed
``end``                          when the job ended, and how
===============================  =================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from ..events import JobStatus
from ..reports import (
    CountsReport,
    ItemReport,
    PartEndReport,
    PartReport,
    PhaseEndReport,
    PhaseReport,
    Report,
    StatusReport,
    id_key,
)
from ..wire import iso_utc
from .constants import RUN_BOUNDS

_ATTEMPT, _PHASE, _PART = "a", "h", "t"
_OF_WORK = (ItemReport, CountsReport, PhaseReport, PartReport)


@dataclass(slots=True)
class RunRecord:
    """A run as a server keeps it, and what a server keeps of it in the job's state."""

    fields: dict[str, str] = field(default_factory=dict)
    #: The newest attempt that has begun.
    attempt: int = 0
    points: int = 0
    point_at_us: int = 0
    point_every_us: int = 0

    def take(
        self, reports: Sequence[Report], *, attempt: int, done: int, failed: int, now_us: int
    ) -> None:
        """Take in a batch that the state has taken, and the counts that it came to."""
        must = False
        for report in reports:
            at = iso_utc(report.at)
            if self.attempt < attempt and _is_work(report):
                self.attempt = attempt
                self._begin(_ATTEMPT, f"{attempt}", at)
            self._take(report, attempt, at)
            if isinstance(report, StatusReport):
                # What an attempt came to is told, since the next one begins with other counts.
                must = must or _ends_attempt(report.status)
                if report.status.is_terminal:
                    break
        if reports:
            self._point(at, done, failed, now_us, must=must)

    def _take(self, report: Report, attempt: int, at: str) -> None:
        match report:
            case StatusReport():
                self._take_status(report, attempt, at)
            case PhaseReport():
                phase = {
                    "name": report.name,
                    "index": report.phase_index,
                    "count": report.phase_count,
                }
                name = f"{attempt}.{report.phase_index}"
                self._begin(_PHASE, name, f"{at}\t{orjson.dumps(phase).decode()}")
            case PhaseEndReport():
                self._end(_PHASE, f"{attempt}.{report.phase_index}", at)
            case PartReport():
                self._begin(_PART, f"{attempt}.{id_key(report.part).decode()}", at)
            case PartEndReport():
                name = f"{attempt}.{id_key(report.part).decode()}"
                self._end(_PART, name, f"{at}\t{report.outcome}")

    def _take_status(self, report: StatusReport, attempt: int, at: str) -> None:
        if report.status is JobStatus.PENDING and attempt == 1:
            self.fields.setdefault("sent", at)
        if _ends_attempt(report.status):
            self._end(_ATTEMPT, f"{attempt}", f"{at}\t{report.status}")
        if report.status.is_terminal:
            self.fields["end"] = f"{at}\t{report.status}"

    def _begin(self, kind: str, name: str, text: str) -> None:
        if kind + name in self.fields:
            return
        bounds, count = RUN_BOUNDS, f"n{kind}"
        most = {_ATTEMPT: bounds.max_attempts, _PHASE: bounds.max_phases, _PART: bounds.max_parts}
        if int(self.fields.get(count, 0)) < most[kind]:
            self.fields[kind + name] = text
        else:
            count = "more"
        self.fields[count] = str(int(self.fields.get(count, 0)) + 1)

    def _end(self, kind: str, name: str, text: str) -> None:
        if kind + name in self.fields:
            self.fields.setdefault(kind.upper() + name, text)

    def _point(self, at: str, done: int, failed: int, now_us: int, *, must: bool) -> None:
        if not self.attempt:
            return
        # Less than nothing: the clock was set back.
        is_early = 0 <= now_us - self.point_at_us < self.point_every_us
        if self.points and is_early and not must:
            return
        self.point_every_us = self.point_every_us or RUN_BOUNDS.point_every_us
        if self.points >= RUN_BOUNDS.max_points:
            self._thin()
        self.points += 1
        self.fields[f"p{self.points}"] = f"{at}\t{done}\t{failed}"
        self.point_at_us = now_us

    def _thin(self) -> None:
        kept = [self.fields.pop(f"p{number}") for number in range(1, self.points + 1)][::2]
        self.fields |= {f"p{number}": point for number, point in enumerate(kept, 1)}
        self.points = len(kept)
        self.point_every_us *= 2


def _ends_attempt(status: JobStatus) -> bool:
    return status is JobStatus.RETRYING or status.is_terminal


def _is_work(report: Report) -> bool:
    """Whether a report shows that an attempt has begun. One that ends a job does not."""
    if isinstance(report, StatusReport):
        return report.status is JobStatus.RUNNING
    return isinstance(report, _OF_WORK)
