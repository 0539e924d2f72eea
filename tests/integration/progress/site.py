"""Sends jobs to a worker of the application of shapes, and looks at their logs."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import Any

from celery import Celery
from celery.result import AsyncResult

from progress.events import ItemEvent, Snapshot, StatusEvent, parse_event
from progress.log import JobRef
from progress.redis import RedisLog
from progress.testing import entries_of, watch

APPLICATION = "tests.integration.progress.apps.shapes"


@dataclass(frozen=True)
class Site:
    """A worker of the application, and who sends to it."""

    celery: Celery
    log: RedisLog

    def send(self, name: str, *arguments: Any, **options: Any) -> JobRef:
        result = self.celery.send_task(f"{APPLICATION}.{name}", args=arguments, **options)
        return self.ref(result.id)

    def ref(self, job_id: str) -> JobRef:
        return JobRef("everyone", job_id)

    def end(self, ref: JobRef) -> Snapshot:
        """The job's state at its end, once a follower has seen it; then nothing more comes."""
        try:
            for _ in watch(self.log, ref, seconds=30):
                pass
        except TimeoutError:
            raise AssertionError(f"It does not end: {self.events(ref)}") from None
        state = self.log.snapshot(ref)
        assert state is not None
        assert isinstance(state[0], Snapshot)
        return state[0]

    def events(self, ref: JobRef) -> list[Any]:
        return [parse_event(entry.document) for entry in entries_of(self.log, ref)]

    def statuses(self, ref: JobRef) -> list[str]:
        return [event.status for event in self.events(ref) if isinstance(event, StatusEvent)]

    def succeeded(self, ref: JobRef) -> list[str]:
        items = [event for event in self.events(ref) if isinstance(event, ItemEvent)]
        return sorted(item.item_id for item in items if item.status == "succeeded")


def forget_results(celery: Celery) -> None:
    """Have the results of an application ask its server for nothing any more."""
    # Celery keeps results of chains for a while, and each unsubscribes from its server when it
    # goes: by then there is none.
    for kept in gc.get_objects():
        # Not by isinstance, which asks Celery's proxies for tasks that may be registered no longer.
        if issubclass(type(kept), AsyncResult) and kept.backend is celery.backend:
            kept.backend = None
