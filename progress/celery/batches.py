"""Tasks that celery-batches calls with many requests at once: each request is a job."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from celery import states

from ..events import JobStatus, Snapshot
from ..recovery.settlement import tell
from ..reporting.buffer import ReportBuffer
from ..reporting.quiet import Nowhere
from ..reporting.reporter import JobReporter
from ..reports import Report, StatusReport
from .beginning import begin_anew
from .ending import end_part
from .harmless import harmlessly
from .installation import Installation, installation_of
from .outcomes import UNKNOWN_FAULT
from .place import Place


class Batch:
    """The jobs of the requests that a task is called with, from its beginning to its end."""

    def __init__(self, installation: Installation, places: Sequence[Place]) -> None:
        self._in = installation
        self._places = places
        self._reporters: dict[str, _Unstoppable] = {}

    @cached_property
    def all(self) -> JobReporter:
        """Reports to every job of the batch."""
        buffers = [self._of(place).buffer for place in self._places]
        first = self._places[0]
        return JobReporter(self._in.log, first.ref, part=first.part, buffer=_ToEach(buffers))

    def of(self, task_id: str) -> JobReporter | None:
        """Reports to one job of the batch; None where no request of it has this id."""
        place = next((one for one in self._places if one.task_id == task_id), None)
        return None if place is None else self._of(place)

    def _of(self, place: Place) -> _Unstoppable:
        found = self._reporters.get(place.task_id)
        if found is not None:
            return found
        attempt = max(1, place.attempt)
        with harmlessly():
            known = self._in.log.snapshot(place.ref)
            if known is not None and isinstance(known[0], Snapshot):
                attempt = max(attempt, known[0].attempt)
        found = _Unstoppable(self._in.log, place.ref, attempt=attempt, part=place.part)
        self._reporters[place.task_id] = found
        return found

    def begin(self) -> None:
        """Say that the jobs are running."""
        for place in self._places:
            with harmlessly():
                begun = self._in.store.begin(place.ref.job_id, attempt=place.attempt)
                if place.is_root and begun.ended is None:
                    begin_anew(self._in, place)
                    running = StatusReport(JobStatus.RUNNING, time.time())
                    tell(self._in.log, place.ref, [running], attempt=begun.attempt)

    def end(self, state: str | None) -> None:
        """Say how the jobs have ended: all as the task did."""
        for reporter in self._reporters.values():
            reporter.confirm()
            reporter.close()
        outcome = UNKNOWN_FAULT if state == states.FAILURE else None
        for place in self._places:
            with harmlessly():
                end_part(self._in, place, outcome)


class _Unstoppable(JobReporter):
    """The reporter of one request of a batch: a cancel of it does not stop the others."""

    @property
    def buffer(self) -> ReportBuffer:
        """Takes the reports of this job."""
        return self._buffer

    def raise_if_stopped(self) -> None:
        """Nothing: see `JobReporter.cancel_requested`."""


class _ToEach(Nowhere):
    """A buffer that hands each report on to several jobs."""

    def __init__(self, buffers: Sequence[ReportBuffer]) -> None:
        super().__init__()
        self._buffers = buffers

    def put(self, report: Report) -> None:
        """See `ReportBuffer.put`."""
        for buffer in self._buffers:
            buffer.put(report)


def batch_of(task: Any, args: Sequence[Any]) -> Batch | None:
    """The batch that a task is about to be called with; None where it is called with none."""
    installation = installation_of(task.app)
    requests = args[0] if args and isinstance(args[0], list) else ()
    if installation is None or task.request.id is not None:
        return None
    messages = (getattr(request, "request_dict", None) for request in requests)
    places = [Place.of_message(said) for said in messages if said and "id" in said]
    return Batch(installation, places) if places else None


def batch_in(requests: Sequence[Any]) -> Batch | None:
    """The batch that one of these requests of Celery's is of."""
    found = (getattr(request, "progress_batch", None) for request in requests)
    return next((batch for batch in found if batch is not None), None)
