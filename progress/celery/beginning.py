"""Which attempt of its job an execution begins, or goes on with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from celery.exceptions import Ignore, Reject

from ..errors import StoreUnavailable
from ..events import JobStatus, Snapshot
from ..lifecycle import Begun
from ..log import SupportsRestart
from .harmless import harmlessly
from .installation import Installation
from .patience import patiently
from .place import Place


def begin(installation: Installation, place: Place, request: Any, *, tries: int) -> Begun:
    """The store's word on an execution that begins; without rows the log knows the attempt.

    Args:
        installation: Its store and its log.
        place: The execution's part of a job.
        request: Celery's, of the execution.
        tries: How often the part was begun, this time included.

    Raises:
        celery.exceptions.Reject: the store cannot be asked; the message goes back to the queue.
        celery.exceptions.Ignore: another run of the job has begun since the message was sent.
    """
    begun = _begun(installation, place, is_eager=request.is_eager)
    if begun.ended is None and not begun.is_stale:
        begin_anew(installation, place, came_again=tries > 1 or _is_redelivered(request))
    if begun.attempt > 0:
        return begun
    retries = int(request.retries)
    came_again = retries > 0 or tries > 1 or _is_redelivered(request)
    number = _next_attempt(installation, place, retries=retries, came_again=came_again)
    return replace(begun, attempt=number)


def given_up(installation: Installation, place: Place, *, tries: int) -> Begun:
    """The attempt in which a task was last lost, where it is not to be run again."""
    if place.attempt > 0:
        return Begun(place.attempt)
    attempt = tries - 1
    with harmlessly():
        known = installation.log.snapshot(place.ref)
        if known is not None and isinstance(known[0], Snapshot):
            attempt = known[0].attempt
    return Begun(attempt)


def begin_anew(installation: Installation, place: Place, *, came_again: bool = False) -> None:
    """Tell the log which run of its job a task is of.

    Raises:
        celery.exceptions.Ignore: another run has begun since.
    """
    is_first = place.attempt == 0 and place.is_root
    # Parts are of the run that sent them, unless their message comes again much later.
    if not (is_first or came_again) or is_of_newest_run(installation, place, takes_over=is_first):
        return
    raise Ignore(f"Job {place.ref.job_id} has run anew since this message was sent.")


def is_of_newest_run(installation: Installation, place: Place, *, takes_over: bool = False) -> bool:
    """Whether no other run of a job has begun since a message was sent; see `SupportsRestart`."""
    log, is_newest = installation.log, True
    if place.run and isinstance(log, SupportsRestart):
        with harmlessly():
            is_newest = log.begin_anew(place.ref, place.run, takes_over=takes_over)
    return is_newest


def _is_redelivered(request: Any) -> bool:
    return bool((request.delivery_info or {}).get("redelivered"))


def _begun(installation: Installation, place: Place, *, is_eager: bool) -> Begun:
    store, job_id, attempt = installation.store, place.ref.job_id, place.attempt
    try:
        return patiently(lambda: store.begin(job_id, attempt=attempt), until=StoreUnavailable)
    except StoreUnavailable as error:
        if is_eager:
            raise
        # Nothing was done: the worker that takes the message next waits for the store in turn.
        raise Reject(str(error), requeue=True) from error


def _next_attempt(
    installation: Installation, place: Place, *, retries: int, came_again: bool
) -> int:
    """The attempt that begins, as the log knows it: there are no rows to ask."""
    known = None
    with harmlessly():
        known = installation.log.snapshot(place.ref)
    if known is None or not isinstance(known[0], Snapshot):
        return retries + 1
    state = known[0]
    # A job that was lost and sent again brings a message like the first.
    is_under_way = state.status in (JobStatus.RUNNING, JobStatus.RETRYING)
    is_next = is_under_way or (came_again and state.status is not JobStatus.PENDING)
    return state.attempt + 1 if is_next else 1
