"""The Celery application for given settings."""

from __future__ import annotations

from functools import partial

from celery import Celery

from progress.celery import install
from progress.lease import LeaseTerms

from . import purge
from .jobs import send_again
from .redis_url import celery_settings
from .repair import repair_for
from .runtime import Runtime
from .settings import Settings
from .store import DatabaseStore

#: A task that takes longer is delivered again to another worker while it still runs; attempts
#: are fenced, but its work would be done twice.
VISIBILITY_TIMEOUT_SECONDS = 6 * 3600
RESULT_SECONDS = 24 * 3600


def create_celery(settings: Settings, *, terms: LeaseTerms | None = None) -> Celery:
    """An application that shows live progress; its `runtime` holds what the tasks share."""
    app = Celery(
        "earmark",
        include=[
            "tasks.sync",
            "tasks.analysis",
            "tasks.matching",
            "tasks.matching_again",
            "tasks.write_back",
            "tasks.purge",
        ],
    )
    app.conf.update(
        **celery_settings(settings.redis_url),
        broker_connection_retry_on_startup=True,
        broker_transport_options={"visibility_timeout": VISIBILITY_TIMEOUT_SECONDS},
        result_backend_transport_options={"visibility_timeout": VISIBILITY_TIMEOUT_SECONDS},
        result_expires=RESULT_SECONDS,
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        # A message is done when its task is: what a lost worker held comes again.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        timezone="UTC",
        beat_schedule=purge.SCHEDULE,
    )
    runtime = Runtime.of(settings)
    app.runtime = runtime
    install(
        app,
        runtime.log,
        store=DatabaseStore(runtime.database, runtime.log),
        repair=partial(repair_for, runtime.database),
        resend=partial(send_again, app),
        terms=terms,
    )
    return app
