"""The Celery application that workers and beat are started with: ``celery -A tasks.app``."""

from __future__ import annotations

import os

from .factory import create_celery
from .settings import Settings

celery_app = create_celery(Settings.from_environ(os.environ))
