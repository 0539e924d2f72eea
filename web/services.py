"""The services that the views share: the database, the log, and the way to the workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from celery import Celery
from flask import current_app

from library.database import Database
from progress.redis import RedisLog
from tasks.runtime import Runtime
from tasks.settings import Settings

_KEY = "earmark"


@dataclass(frozen=True, slots=True)
class Services:
    """The database, log, Celery application and settings of one Flask application."""

    celery: Celery
    database: Database
    log: RedisLog
    settings: Settings

    @classmethod
    def of(cls, celery: Celery) -> Services:
        """The services behind a Celery application made by `tasks.factory`."""
        runtime: Runtime = celery.runtime
        return cls(celery, runtime.database, runtime.log, runtime.settings)


def keep(extensions: dict[str, object], services: Services) -> None:
    """Attach the services to an application."""
    extensions[_KEY] = services


def services() -> Services:
    """The services of the present application."""
    return cast("Services", current_app.extensions[_KEY])
