"""What `install` set up for one Celery application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from celery import Celery

from ..lease import LeaseBook, LeaseTerms
from ..lifecycle import JobStore
from ..log import JobRef, Log
from ..parts import PartBook
from ..recovery.reaper import Reaper, Resend
from ..reports import Repair


@dataclass(frozen=True, slots=True)
class Installation:
    """The log, the rows and the terms under which an application's tasks are jobs."""

    app: Celery = field(repr=False)
    log: Log
    store: JobStore
    account: Callable[[], str]
    repair: Callable[[JobRef], Repair | None]
    leases: LeaseBook
    parts: PartBook
    terms: LeaseTerms
    resend: Resend | None

    def reaper(self) -> Reaper:
        """What settles the jobs that were lost."""
        return Reaper(
            self.log,
            self.leases,
            self.store,
            self.terms,
            resend=self.resend,
            has_waiting=lambda: has_waiting(self.app),
        )


def installation_of(app: Any) -> Installation | None:
    """What was installed in an application, if anything."""
    return cast("Installation | None", getattr(app, "progress_installation", None))


def has_waiting(app: Celery) -> bool:
    """Whether messages wait in any of the application's queues."""
    with app.connection_for_read() as connection:
        return any(_waiting(connection, name) for name in app.amqp.queues)


def _waiting(connection: Any, queue: str) -> int:
    try:
        declared = connection.default_channel.queue_declare(queue=queue, passive=True)
    except connection.channel_errors:
        return 0  # in Redis a queue without messages does not exist
    return int(declared.message_count)
