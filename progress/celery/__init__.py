"""Celery's tasks as jobs. The only part that imports celery.

`install` once, where the application is made; then a task whose base is `JobTask` shows live
progress: its status by itself, its counts through ``self.job`` or plain `update_state`.
"""

from __future__ import annotations

from collections.abc import Callable

from celery import Celery
from celery.local import Proxy

from ..lease import LeaseTerms, SupportsLeases
from ..lifecycle import JobStore, NoStore
from ..log import JobRef, Log, SupportsCancel
from ..memory.leases import MemoryLeaseBook
from ..memory.parts import MemoryPartBook
from ..parts import SupportsParts
from ..queues import SupportsQueues
from ..recovery.reaper import Resend
from ..reports import Repair
from .installation import Installation
from .place import HEADER
from .sending import listen
from .signals import connect
from .task import JobTask

__all__ = ["HEADER", "Installation", "JobTask", "install"]


def install(
    app: Celery,
    log: Log,
    *,
    store: JobStore | None = None,
    account: Callable[[], str] = lambda: "everyone",
    repair: Callable[[JobRef], Repair | None] = lambda _: None,
    resend: Resend | None = None,
    terms: LeaseTerms | None = None,
) -> Installation:
    """Give an application live progress. Once; a second call replaces the first.

    Args:
        app: Every task of it whose base is `JobTask` is a job, or part of one.
        log: Where the events go. Leases, open parts and requests to cancel are kept there too if
            it is able to (`SupportsLeases`, `SupportsParts`, `SupportsCancel`; the Redis log is).
            Else leases and parts are kept in this process's memory. A log that is able to
            (`SupportsQueues`) also keeps why jobs wait, for whoever looks at one.
        store: The rows that are the truth about statuses; by default there are none.
        account: Whose job it is that is being sent: a text, the same that the blueprint's `account`
            returns for the owner. Asked in the process that sends, within the request if there is
            one; a part is its job's owner's. By default all jobs are ``"everyone"``'s.
        repair: The items of a job as the database knows them, for a log that was lost.
        resend: Sends a job's first task again, with its own id; without it, a job whose
            execution was lost and that the queue does not bring again fails.
        terms: How long an execution that shows no sign of life is believed to be under way.

    """
    # `current_app` stands for another one in each process and thread.
    app = app._get_current_object() if isinstance(app, Proxy) else app  # noqa: SLF001
    installation = Installation(
        app,
        log,
        store or NoStore(),
        account,
        repair,
        log.leases if isinstance(log, SupportsLeases) else MemoryLeaseBook(),
        log.parts if isinstance(log, SupportsParts) else MemoryPartBook(),
        log if isinstance(log, SupportsCancel) else None,
        log.queues if isinstance(log, SupportsQueues) else None,
        terms or LeaseTerms(),
        resend,
    )
    app.progress_installation = installation
    listen(app)
    connect()
    return installation
