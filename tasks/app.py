"""The Celery application that workers and beat are started with: ``celery -A tasks.app``."""

from __future__ import annotations

import os

from celery.signals import worker_init

from .factory import create_celery
from .settings import Settings

celery_app = create_celery(Settings.from_environ(os.environ))

#: Pages and streams of the same machine go first: somebody waits for those.
_NICENESS = 15


@worker_init.connect
def _give_way(**_: object) -> None:
    # Before it forks: its children inherit it.
    os.nice(_NICENESS)
