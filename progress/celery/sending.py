"""Sending a task: which application sends it, the job's owner, and the job's first status."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any

from celery import Celery

from ..aliases import Sent, SupportsAliases
from ..errors import LogUnavailable, WriteRefused
from ..events import JobStatus
from ..lifecycle import NoStore
from ..log import JobRef, SupportsRestart
from ..queues import Destination
from ..reports import StatusReport
from .installation import Installation, installation_of
from .place import Place

logger = logging.getLogger(__name__)

#: The account of a job whose owner the application cannot tell: no reader has it.
NOBODY = "no account"
#: A process that sends a job waits this long for the job's first status to be written.
_PENDING_SECONDS = 0.1


@dataclass(slots=True)
class Sending:
    """One call of an application's `send_task`."""

    app: Celery
    #: The place of the job that the call sends; None where it sends a part of a job.
    new: Place | None = None
    #: The other ids of that job, where it has any.
    ids: Sent | None = None
    #: The job whose first task it sends, for the first time or again, and where to.
    root: tuple[JobRef, Destination] | None = None


_sending: ContextVar[Sending | None] = ContextVar("progress_sending", default=None)


def sending() -> Sending | None:
    """The call that sends the message at hand.

    Celery's signals are of the whole process, and do not tell which application sends.
    """
    return _sending.get()


def listen(app: Celery) -> None:
    """Have `sending` name the application while it sends. May be called any number of times."""
    send: Callable[..., Any] = app.send_task
    if hasattr(send, "is_of_progress"):
        return

    @wraps(send)
    def send_task(*args: Any, **kwargs: Any) -> Any:
        current = Sending(app)
        token = _sending.set(current)
        try:
            result = send(*args, **kwargs)
        finally:
            _sending.reset(token)
        if current.new is not None or current.ids is not None or current.root is not None:
            _tell(app, current)
        return result

    send_task.is_of_progress = True  # type: ignore[attr-defined]
    app.send_task = send_task


#: The job that is being sent again because it was lost.
_resent: ContextVar[JobRef | None] = ContextVar("progress_resent", default=None)


def resend(installation: Installation, ref: JobRef) -> None:
    """Have the application send a job's first task again. The job stays its owner's.

    A worker has no session to tell the owner by.
    """
    token = _resent.set(ref)
    try:
        if installation.resend is not None:
            installation.resend(ref)
    finally:
        _resent.reset(token)


def account_of(installation: Installation, job_id: str) -> str:
    """The owner of the job that is being sent; `NOBODY` where the application does not tell it.

    The message is sent in any case: the work matters more than its view.
    """
    resent = _resent.get()
    if resent is not None and resent.job_id == job_id:
        return resent.account
    try:
        account: object = installation.account()
    except Exception as error:
        _complain(installation, job_id, f"raised {type(error).__name__}", error)
        return NOBODY
    if isinstance(account, str) and account:
        return account
    _complain(installation, job_id, f"returned {type(account).__name__}, not a text", None)
    return NOBODY


def _complain(installation: Installation, job_id: str, what: str, error: Exception | None) -> None:
    if installation.has_complained.is_set():
        return
    installation.has_complained.set()
    logger.error(
        "The account that was given to install() %s, so job %s is nobody's and nobody sees its "
        "progress. Have account() return the id of the job's owner as a text, such as "
        "str(user.id), also where a task is sent outside of a request.",
        what,
        job_id,
        exc_info=error,
        extra={"action": "no_account", "job_id": job_id},
    )


def _tell(app: Celery, sent: Sending) -> None:
    """Write the job's first status, its other ids and where it was sent, in time."""
    installation = installation_of(app)
    if installation is None:
        return
    # In a thread: a server that does not answer must not hold up a request.
    teller = threading.Thread(
        target=_tell_now, args=(installation, sent), name="progress-pending", daemon=True
    )
    teller.start()
    teller.join(_PENDING_SECONDS)


def _tell_now(installation: Installation, sent: Sending) -> None:
    extra = {"action": "pending_not_told", "job_id": sent.new.ref.job_id if sent.new else ""}
    try:
        if sent.new is not None:
            _begin_anew(installation, sent.new)
        if sent.ids is not None and isinstance(installation.log, SupportsAliases):
            installation.log.note_sent(sent.ids)
        if sent.new is not None:
            # A job that has a status takes none: a worker may have been faster.
            report = StatusReport(JobStatus.PENDING, time.time())
            installation.log.append(sent.new.ref, [report], attempt=1)
        if sent.root is not None and installation.queues is not None:
            installation.queues.sent(*sent.root)
    except (LogUnavailable, WriteRefused) as error:
        logger.info("%s", error, extra=extra)
    except Exception:
        logger.exception("A job could not be told to be pending.", extra=extra)


def _begin_anew(installation: Installation, place: Place) -> None:
    log = installation.log
    # Where there are rows they say whether the job runs anew, when a worker asks them.
    if isinstance(log, SupportsRestart) and type(installation.store) is NoStore:
        log.begin_anew(place.ref, place.run)
