"""The Flask blueprint: a job's stream and an account's feed as Server-Sent Events, and as JSON.

No other room imports flask. `readers` asks the application who may read what, `streams` and
`states` answer with a stream and with JSON, `failed_items` with all failures, `runs` with how a job
went, `scripts` with the files for pages, and `refused` is what a view raises.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request, url_for

from ..errors import LogUnavailable
from ..events import EMPTY_FEED, FeedSnapshot
from ..failures import FailureProvider
from ..history import Links, State
from ..hub import Hub
from ..hub.reader import HandOver
from ..limits import StreamLimits
from ..log import JobRef, Log, LogRef
from ..wsgi import urls
from ..wsgi.entrance import Entrance
from .failed_items import failures_response
from .readers import Account, Authorize, JobFallback, Readers
from .refused import answer_refusals, unavailable
from .runs import JobRun, run_response
from .scripts import Scripts
from .states import States, wants_stream
from .streams import StreamDoor

__all__ = [
    "Account",
    "Authorize",
    "Cancel",
    "JobFallback",
    "JobRun",
    "ProgressBlueprint",
    "create_blueprint",
]

#: Descriptors that a stream takes of a web process: the client's, and a pair of its own where
#: only the server may write to the client.
_DESCRIPTORS_EACH = 3

#: Has a job cancelled that the present account may read.
Cancel = Callable[[JobRef], object]


class ProgressBlueprint(Blueprint):
    """A blueprint that serves streams.

    Its `hub` serves the streams of this process: the server's shutdown hook drains it. Its
    `entrance` is what `progress.wsgi.StreamMiddleware` takes.
    """

    def __init__(self, name: str, entrance: Entrance) -> None:
        super().__init__(name, __name__)
        self.entrance = entrance
        self.hub = entrance.hub
        self.record(lambda state: entrance.urls.serve_under(state.url_prefix or ""))


def create_blueprint(
    log: Log,
    *,
    authorize: Authorize,
    account: Account,
    fallback: JobFallback | None = None,
    limits: StreamLimits | None = None,
    hand_over: HandOver | None = None,
    failures: FailureProvider | None = None,
    runs: JobRun | None = None,
    cancel: Cancel | None = None,
    name: str = "progress",
) -> ProgressBlueprint:
    """The blueprint with the streams of jobs and feeds, their events as JSON, and a job's failures.

    They are at ``/api/jobs/<job_id>/progress``, ``…/events``, ``…/failures`` and ``…/run``; the
    feed is at ``/api/jobs/progress`` and ``/api/jobs/events``. The script with the element for
    pages is at ``/api/jobs/job-progress.js``: ``url_for("progress.script", name="job-progress")``.

    Args:
        log: The log that holds the events.
        authorize: Called within the request, with its job id. Only the log that it returns is
            read: no name from the request is trusted.
        account: Called within the request. Tells the account that makes it.
        fallback: Tells a job's state when its log is gone. None says that there is no such job.
        limits: How long streams live, and how many an account may open.
        hand_over: Has the machine's streamer serve a stream, where there is a streamer.
        failures: Where all failed items are kept; without it, the log's newest are told.
        runs: Tells how a job went when its log does not know it any more.
        cancel: Has a job cancelled, such as `log.request_cancel`. With it there is a route for
            that, ``POST /api/jobs/<job_id>/cancel``, which the application guards against forged
            requests (CSRF) as it does its other forms.
        name: The blueprint's name.
    """
    hub = Hub(log, limits or StreamLimits(), descriptors_each=_DESCRIPTORS_EACH)
    blueprint = ProgressBlueprint(name, Entrance(log, hub, hand_over))
    readers = Readers(authorize, account, fallback)
    answer_refusals(blueprint)
    _add_streams(blueprint, readers)
    _add_scripts(blueprint)

    @blueprint.get(urls.FAILURES_RULE, endpoint="failures")
    def job_failures(job_id: str) -> Response:
        ref = readers.job(job_id, "see this job")
        return failures_response(log, failures, ref, partial(readers.row, ref))

    @blueprint.get(urls.RUN_RULE, endpoint="run")
    def job_run(job_id: str) -> Response:
        return run_response(log, runs, readers.job(job_id, "see this job"))

    if cancel is not None:
        _add_cancel(blueprint, readers, cancel)
    return blueprint


def _add_streams(blueprint: ProgressBlueprint, readers: Readers) -> None:
    door, states = StreamDoor(blueprint.entrance), States(blueprint.entrance)

    def progress(ref: LogRef, state: State, asked_at: float) -> Response:
        if wants_stream():
            return door.answer(ref, state, asked_at)
        return states.snapshot(ref, state, _links(ref))

    @blueprint.get(urls.JOB_RULE, endpoint="job")
    def job_progress(job_id: str) -> Response:
        asked_at = time.monotonic()
        ref = readers.job(job_id)
        return progress(ref, partial(readers.row, ref), asked_at)

    @blueprint.get(urls.FEED_RULE, endpoint="feed")
    def feed_progress() -> Response:
        asked_at = time.monotonic()
        return progress(readers.feed(), _no_jobs, asked_at)

    @blueprint.get(urls.JOB_EVENTS_RULE, endpoint="job_events")
    def job_events(job_id: str) -> Response:
        asked_at = time.monotonic()
        ref = readers.job(job_id)
        return states.page(ref, partial(readers.row, ref), _links(ref), asked_at)

    @blueprint.get(urls.FEED_EVENTS_RULE, endpoint="feed_events")
    def feed_events() -> Response:
        asked_at = time.monotonic()
        ref = readers.feed()
        return states.page(ref, _no_jobs, _links(ref), asked_at)


def _add_scripts(blueprint: ProgressBlueprint) -> None:
    scripts = Scripts()

    @blueprint.get(urls.SCRIPT_RULE, endpoint="script")
    def script(name: str) -> Response:
        return scripts.answer(name)

    @blueprint.url_defaults
    def name_version(endpoint: str, values: dict[str, Any]) -> None:
        # What `url_for` gives may be kept for ever: a new version has another URL.
        if endpoint.endswith(".script") and (version := scripts.version(values.get("name", ""))):
            values.setdefault("v", version)


def _no_jobs() -> FeedSnapshot:
    """Tells the state of a feed without a log."""
    return EMPTY_FEED


def _links(ref: LogRef) -> Links:
    """Where the present request's answer leads on to, under whatever prefix it came."""
    name = "job" if isinstance(ref, JobRef) else "feed"
    values = request.view_args or {}
    asked = {key: request.args[key] for key in ("limit", "wait") if key in request.args}
    stream, events = url_for(f".{name}", **values), url_for(f".{name}_events", **values)
    return Links(stream, events, urlencode(asked))


def _add_cancel(blueprint: ProgressBlueprint, readers: Readers, cancel: Cancel) -> None:
    @blueprint.post(urls.CANCEL_RULE, endpoint="cancel")
    def cancel_job(job_id: str) -> Response:
        ref = readers.job(job_id, "cancel this job")
        try:
            readers.require_known(blueprint.entrance.log, ref)
            cancel(ref)
        except LogUnavailable as error:
            raise unavailable("This job cannot be cancelled now.") from error
        # The task has yet to hear of it; its terminal status says when it has stopped.
        body = json.dumps({"jobId": ref.job_id})
        headers = {"Cache-Control": "no-store"}
        return Response(body, HTTPStatus.ACCEPTED, headers, content_type="application/json")
