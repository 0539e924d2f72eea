"""The phases of an attempt: planned, begun and over. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..reports import PhaseReport


class Phases:
    """The phases planned and begun, and the total declared so far."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._weights: list[float] = []
        self._current = -1
        #: The total that this reporter has declared so far.
        self.declared = 0
        #: What is left of the totals that the phase and the job were given: no loop has gone
        #: through it yet.
        self._left_of_phase = 0
        self._left_of_job = 0

    def plan(self, phases: Sequence[tuple[str, float]]) -> None:
        """Name phases that are to come, with their weights."""
        for name, weight in phases:
            self._names.append(name)
            self._weights.append(max(0.0, weight))

    def declare(self, total: int) -> None:
        """The job's total is at least this."""
        self._left_of_job += max(0, total - self.declared)
        self.declared = max(self.declared, total)

    def added_by_loop(self, length: int) -> int:
        """What a loop adds to the total: what the phase's and the job's own do not cover.

        A phase of ten items and the loop through them are ten, and not twenty.
        """
        of_phase = min(length, self._left_of_phase)
        of_job = min(length - of_phase, self._left_of_job)
        self._left_of_phase -= of_phase
        self._left_of_job -= of_job
        return length - of_phase - of_job

    def end(self, phase: PhaseReport) -> None:
        """A phase is over: what it left undone covers no loop that follows."""
        if phase.phase_index == self._current + 1:
            self._left_of_phase = 0

    def begin(self, name: str, weight: float, total: int | None, at: float) -> PhaseReport:
        """The report that a phase begins: the next planned one of that name, else one more."""
        if name in self._names[self._current + 1 :]:
            self._current = self._names.index(name, self._current + 1)
        else:
            self._names.append(name)
            self._weights.append(max(0.0, weight))
            self._current = len(self._names) - 1
        self.declared += total or 0
        self._left_of_phase = total or 0
        before = sum(self._weights[: self._current])
        return PhaseReport(
            name=name,
            at=at,
            phase_index=self._current + 1,
            phase_count=len(self._names),
            weight_before=before,
            weight=self._weights[self._current],
            weight_in_all=sum(self._weights) or 1.0,
            total=total,
        )


class PhaseScope:
    """The block of a phase; see `JobReporter.phase`."""

    __slots__ = ("_end",)

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end

    def __enter__(self) -> None:
        """Nothing: the phase has begun."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._end()
