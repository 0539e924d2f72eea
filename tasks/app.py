"""The Celery application that workers and beat are started with: ``celery -A tasks.app``."""

from __future__ import annotations

import os

from celery.signals import beat_init, worker_init

from . import startup
from .factory import create_celery

_settings = startup.read_settings()
celery_app = create_celery(_settings)

#: Pages and streams of the same machine go first: somebody waits for those.
_NICENESS = 15


@worker_init.connect
def _give_way(**_: object) -> None:
    # Before it forks: its children inherit it.
    os.nice(_NICENESS)


@worker_init.connect
@beat_init.connect
def _look_at_servers(**_: object) -> None:
    startup.look_at_servers(_settings)
