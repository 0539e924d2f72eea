"""The Celery application that workers and beat are started with: ``celery -A tasks.app``."""

from __future__ import annotations

import os

from celery import current_task
from celery.signals import beat_init, setup_logging, worker_init

from progress.celery.place import Place

from . import logs, startup
from .factory import create_celery

_settings = startup.read_settings()
logs.configure(_settings)
celery_app = create_celery(_settings)

#: Pages and streams of the same machine go first: somebody waits for those.
_NICENESS = 15


@worker_init.connect
def _give_way(**_: object) -> None:
    # Before it forks: its children inherit it.
    os.nice(_NICENESS)


@worker_init.connect
@beat_init.connect
def _look_around(**_: object) -> None:
    startup.look_around(_settings)


# Celery leaves logging alone where this signal has a receiver.
@setup_logging.connect
def _configure_logs(loglevel: int | str | None = None, **_: object) -> None:
    logs.configure(_settings, level=loglevel or "INFO")


def _present_job() -> dict[str, str | None]:
    """What the task that runs here belongs to."""
    request = current_task.request if current_task else None
    if request is None or request.id is None:
        return {}
    place = Place.of(request)
    known: dict[str, str | None] = {"account": place.ref.account, "job_id": place.ref.job_id}
    if not place.is_root:
        known["task_id"] = request.id
    return known


logs.add_context(_present_job)
