"""The installation of this library in one Celery application, which `install` makes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from celery import Celery

from ..lease import LeaseBook, LeaseTerms
from ..lifecycle import JobStore
from ..log import JobRef, Log, SupportsCancel
from ..parts import PartBook
from ..queues import QueueBook
from ..recovery.reaper import Resend
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
    #: None where the log carries no requests to cancel.
    cancels: SupportsCancel | None
    #: None where the log cannot keep why jobs wait.
    queues: QueueBook | None
    terms: LeaseTerms
    resend: Resend | None
    #: Set once the log of the process has said that `account` is of no use.
    has_complained: threading.Event = field(default_factory=threading.Event, repr=False)


def installation_of(app: Any) -> Installation | None:
    """The installation in an application; None where `install` was not called for it."""
    return cast("Installation | None", getattr(app, "progress_installation", None))
