"""Fanning out by a window: a few parts of a job in the queue, and each that ends sends the next."""

from __future__ import annotations

import json
import os
from typing import Any

from celery.canvas import Signature
from celery.exceptions import Ignore

from ..errors import LogUnavailable, ProgressError
from ..lease import Lease
from ..log import JobRef
from ..parts import Next, Window, part_id
from .installation import Installation
from .patience import patiently
from .place import HEADER, Place

_SMALLEST_DEFAULT_WINDOW = 8


def default_window() -> int:
    """Twice as many open parts as this machine has processors, and no fewer than 8.

    So each process has a part, and the next one waits for it.
    """
    return max(_SMALLEST_DEFAULT_WINDOW, 2 * (os.cpu_count() or 1))


def window_of(part: Signature, *, parts: int, size: int, then: Signature | None) -> Window:
    """A window, made of what an application asks for.

    Raises:
        ProgressError: it cannot be, for a reason that the message tells.
    """
    if parts < 0:
        raise ProgressError(f"A job cannot fan out into {parts} parts: give 0 or more.")
    if size < 1:
        raise ProgressError(f"A window of {size} parts sends none: give 1 or more.")
    if part.immutable:
        raise ProgressError(
            f"A part is called with its number, which {part.task}.si() leaves out: use .s()."
        )
    for signature in (part, then):
        if signature is not None and signature.get("subtask_type"):
            raise ProgressError(
                f"{signature!r} is several tasks: a window is made of single ones, and each may "
                "send others."
            )
    try:
        recipe = json.dumps({"part": dict(part), "then": dict(then) if then is not None else None})
    except TypeError as error:
        raise ProgressError(f"The arguments of a part must be fit for JSON: {error}.") from error
    return Window(parts, size, then is not None, recipe.encode())


def open_window(installation: Installation, place: Place, window: Window, *, attempt: int) -> None:
    """Open the first parts of a window and send them.

    Raises:
        ProgressError: the attempt has fanned out already, in another way.
        celery.exceptions.Ignore: nothing is known of the attempt any more.
        LogUnavailable: the log's server is gone, and has not come back for a while.
    """
    ref, book = place.ref, installation.parts

    def open_() -> bool | None:
        answer = book.fan_out(ref, window, attempt=attempt)
        if answer is None and place.is_root:
            # The book was lost, or could not be reached, when the attempt began.
            book.open(ref, place.task_id, attempt=attempt)
            answer = book.fan_out(ref, window, attempt=attempt)
        return answer

    is_mine = patiently(open_, until=LogUnavailable)
    if is_mine is None:
        # A newer attempt has begun, or the server lost the book: then the reaper finds the job.
        raise Ignore(f"The open parts of job {ref.job_id} are not known any more.")
    if not is_mine:
        raise ProgressError(f"Job {ref.job_id} has fanned out already: an attempt does so once.")
    for number in window.first:
        _send(installation, ref, Next(number, window.recipe), attempt=attempt)


def send_next(installation: Installation, ref: JobRef, next_: Next, *, attempt: int) -> None:
    """Send what follows a part that has ended, and note that it is sent.

    Whoever dies between the two sends it twice, which changes nothing: it is one task id.
    """
    _send(installation, ref, next_, attempt=attempt)
    installation.parts.sent(ref, next_.number, attempt=attempt)


def follow_lost(installation: Installation, lease: Lease) -> bool:
    """Send what follows a part that ended just before its process was lost.

    False where the part itself was lost, or nothing is known of it.
    """
    ref, task_id, attempt = lease.part.ref, lease.part.task_id, lease.attempt
    if installation.parts.is_open(ref, task_id, attempt=attempt) is not False:
        return False
    standing = installation.parts.end(ref, task_id, attempt=attempt)
    if standing.next is not None:
        send_next(installation, ref, standing.next, attempt=standing.attempt)
    return True


def _send(installation: Installation, ref: JobRef, next_: Next, *, attempt: int) -> None:
    recipe: dict[str, Any] = json.loads(next_.recipe)
    task_id = part_id(ref, next_.number, attempt=attempt)
    is_closing = next_.number is None
    signature = installation.app.signature(recipe["then" if is_closing else "part"])
    said = signature.options.get("headers") or {}
    # Apart from the numbers of tasks that the job sends by itself.
    place = Place(ref, task_id, attempt, f"w{'-last' if is_closing else next_.number}")
    signature.apply_async(
        args=() if is_closing else (next_.number,),
        task_id=task_id,
        headers={**said, HEADER: place.header(attempt=attempt)},
    )
