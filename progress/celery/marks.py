"""The marks of a message that is being sent: its task's place in a job, and the sum of the job.

What Celery embeds in the message says which other ids sending gives back for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from celery import Celery

from ..aliases import Sent, SumRef
from ..log import JobRef
from ..parts import is_windowed
from .canvas import Canvas, canvas_of, first_tasks, id_of
from .installation import Installation, installation_of
from .numbers import PartNumbers
from .place import HEADER, Place, said_in
from .queues import destination
from .running import execution_of
from .sending import Sending, account_of, sending
from .task import JobTask
from .work import current_request

#: The message header of a task that is one of a group or a chord that a site sent: the account,
#: the id of the sum, and the ids of the chords whose bodies are jobs of the sum.
SUM_HEADER = "progress_sum"


def mark(name: str, headers: dict[str, Any], embed: Mapping[str, Any]) -> None:
    """Tell a task its place, in the headers of the message that is about to be sent."""
    through = sending()
    app = through.app if through is not None and name in through.app.tasks else None
    request = current_request()
    whole = {} if request is None else said_in(request, SUM_HEADER)
    if through is not None and whole:
        headers.setdefault(SUM_HEADER, whole)
        if _is_in_body(request, whole, headers["id"]):
            _mark_new(through, name, headers, embed)
            return
    execution = None if request is None else execution_of(request)
    if execution is not None and through is not None and not execution.is_of(through.app):
        # Another application's worker tells another log.
        request = execution = None
    if request is not None and execution is not None:
        # What is tried again is told what this execution was told: 0 begins the next attempt.
        is_retry = int(headers.get("retries") or 0) > int(request.retries)
        attempt = execution.place.attempt if is_retry else execution.attempt
        if HEADER not in headers:
            place = execution.place_of(headers["id"], canvas_of(headers, embed))
            headers[HEADER] = place.header(attempt=attempt)
        if not _is_open_already(headers, execution.place):
            execution.sending(headers["id"], is_counted=app is not None)
        return
    sender = carried(request) if request is not None else None
    if sender is not None:
        if HEADER not in headers:
            numbers = _numbers_of_plain(request, sender)
            place = numbers.place_of(headers["id"], canvas_of(headers, embed))
            headers[HEADER] = place.header(attempt=sender.attempt)
        _announce(app, headers)
    elif through is not None:
        _mark_new(through, name, headers, embed)


def note_destination(headers: dict[str, Any], published: Mapping[str, Any]) -> None:
    """Note where a job's first task is sent, so that it can be told why the job waits."""
    through = sending()
    if through is None or HEADER not in headers:
        return
    place = Place.of_message(headers)
    if place.is_root:
        through.root = (place.ref, destination(through.app, headers, published))


def carried(request: Any) -> Place | None:
    """The place of a task whose base is not `JobTask`, where its message tells one."""
    return Place.of(request) if said_in(request, HEADER) else None


def _is_in_body(request: Any, whole: Mapping[str, Any], task_id: str) -> bool:
    """Whether a task begins the body of the chord that its sender is in, and that a site sent."""
    chord = request.chord
    if not chord or id_of(chord) not in whole.get("bodies", ()):
        return False
    return any(task_id == id_ for _, id_ in first_tasks(chord))


def _numbers_of_plain(request: Any, place: Place) -> PartNumbers:
    found: PartNumbers | None = getattr(request, "progress_numbers", None)
    if found is None:
        found = request.progress_numbers = PartNumbers(place, request.chord)
    return found


def _is_open_already(headers: dict[str, Any], sender: Place) -> bool:
    """Whether the task is a part of a window, which the end of an earlier part has opened."""
    place = Place.of_message(headers)
    return place.task_id != sender.task_id and is_windowed(place.ref, place.task_id)


def _announce(app: Celery | None, headers: dict[str, Any]) -> None:
    installation = installation_of(app)
    place = Place.of_message(headers)
    if installation is not None and place.attempt > 0:
        installation.parts.announce(place.ref, place.task_id, attempt=place.attempt)


def _mark_new(
    through: Sending, name: str, headers: dict[str, Any], embed: Mapping[str, Any]
) -> None:
    """Mark a message of a site: a job of its own, or a plain task of a chord whose body is one."""
    installation = installation_of(through.app)
    if installation is None or HEADER in headers:
        return
    is_job = isinstance(through.app.tasks.get(name), JobTask)
    canvas = canvas_of(headers, embed)
    awaited = tuple(
        id_
        for body in canvas.bodies
        for name_, id_ in first_tasks(body)
        if isinstance(through.app.tasks.get(name_), JobTask)
    )
    if not is_job and not awaited:
        return
    whole = headers.get(SUM_HEADER) or _whole(installation, headers["id"], canvas)
    account = whole["account"] if whole else account_of(installation, headers["id"])
    job = JobRef(account, headers["id"]) if is_job else None
    if job is not None:
        through.new = Place(job, job.job_id, 0, run=uuid4().hex)
        headers[HEADER] = through.new.header(attempt=0)
    if whole:
        headers[SUM_HEADER] = whole
    if whole or canvas.links:
        sum_ref = SumRef(account, whole["id"]) if whole else None
        through.ids = Sent(job, canvas.links, sum_ref, canvas.names, awaited)


def _whole(installation: Installation, task_id: str, canvas: Canvas) -> dict[str, Any] | None:
    """The sum that a job is one of, as the messages of its tasks say it."""
    if canvas.outermost is None:
        return None
    bodies = [id_of(body) for body in canvas.bodies]
    account = account_of(installation, task_id)
    return {"account": account, "id": canvas.outermost, "bodies": bodies}
