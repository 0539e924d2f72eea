"""The JSON API: start, list, look at, cancel and retry jobs. Their progress is `progress.flask`."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from library import jobs
from library.errors import JobAlreadyActive
from library.models import ACTIVE_STATUSES, JOB_KINDS, TERMINAL_STATUSES, Job
from progress.events import Snapshot
from progress.log import JobRef
from tasks import jobs as running
from tasks.jobs import QueueUnavailable

from .accounts import account_id
from .job_views import job_json, parse_id, row_snapshot
from .problems import problem
from .security import limiter
from .services import Services, services

blueprint = Blueprint("api", __name__, url_prefix="/api")

MAX_LIMIT = 100
_KEY = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)
_NO_JOB = "There is no such job."


@blueprint.post("/jobs")
@login_required  # type: ignore[untyped-decorator]
@limiter.limit("60 per minute")
def post_job() -> ResponseReturnValue:
    """Start a job."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        return problem(422, 'Send a JSON object such as {"kind": "sync"}.')
    kind = body.get("kind")
    if kind not in JOB_KINDS:
        return problem(422, f"kind is {kind!r}: it must be one of {', '.join(JOB_KINDS)}.")
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        return problem(422, "Idempotency-Key must be 1 to 128 printable ASCII characters.")
    return _accepted(lambda: _start(kind, key))


def _start(kind: str, key: str | None) -> Job | None:
    return running.start(services().celery, account_id=account_id(), kind=kind, idempotency_key=key)


def _accepted(start: Any) -> ResponseReturnValue:
    try:
        job = start()
    except JobAlreadyActive as error:
        link = url_for("api.get_job", job_id=str(error.job_id))
        return problem(409, "A job of this kind is running already.", job=link)
    except QueueUnavailable as error:
        answer = problem(503, str(error))
        answer.headers["Retry-After"] = "30"
        return answer
    if job is None:
        return problem(404, _NO_JOB)
    body = job_json(job)
    return jsonify(body), 202, {"Location": body["links"]["self"]}


@blueprint.get("/jobs")
@login_required  # type: ignore[untyped-decorator]
def list_jobs() -> ResponseReturnValue:
    """The account's jobs, newest first, a page at a time."""
    kind, status = request.args.get("kind"), request.args.get("status")
    if kind is not None and kind not in JOB_KINDS:
        return problem(422, f"kind is {kind!r}: it must be one of {', '.join(JOB_KINDS)}.")
    statuses = ACTIVE_STATUSES + TERMINAL_STATUSES
    if status is not None and status not in statuses:
        return problem(422, f"status is {status!r}: it must be one of {', '.join(statuses)}.")
    limit = request.args.get("limit", "50")
    if not limit.isascii() or not limit.isdecimal() or not 1 <= int(limit) <= MAX_LIMIT:
        return problem(422, f"limit is {limit!r}: it must be a number from 1 to {MAX_LIMIT}.")
    before = request.args.get("before")
    mark = parse_id(before) if before is not None else None
    if before is not None and mark is None:
        return problem(422, f"before is {before!r}: it must be the id of a job.")
    with services().database.session() as session:
        found = jobs.page(
            session,
            account_id=account_id(),
            kind=kind,
            status=status,
            before=mark,
            limit=int(limit),
        )
    more = None
    if len(found) == int(limit):
        more = url_for(
            "api.list_jobs", kind=kind, status=status, limit=limit, before=str(found[-1].id)
        )
    return jsonify({"jobs": [job_json(job) for job in found], "links": {"next": more}})


@blueprint.get("/jobs/<job_id>")
@login_required  # type: ignore[untyped-decorator]
def get_job(job_id: str) -> ResponseReturnValue:
    """One of the account's jobs."""
    job = own_job(job_id)
    return jsonify(job_json(job)) if job else problem(404, _NO_JOB)


@blueprint.post("/jobs/<job_id>/cancel")
@login_required  # type: ignore[untyped-decorator]
def cancel_job(job_id: str) -> ResponseReturnValue:
    """Have a job stop."""
    job = own_job(job_id)
    if job is None:
        return problem(404, _NO_JOB)
    if not running.cancel(services().celery, account_id=account_id(), job_id=job.id):
        return problem(409, "The job is over already.")
    job = own_job(job_id)
    return (jsonify(job_json(job)), 202) if job else problem(404, _NO_JOB)


@blueprint.post("/jobs/<job_id>/retry")
@login_required  # type: ignore[untyped-decorator]
@limiter.limit("60 per minute")
def retry_job(job_id: str) -> ResponseReturnValue:
    """Start a job that does what is left of an ended one."""
    job = own_job(job_id)
    if job is None:
        return problem(404, _NO_JOB)
    ended = job.id
    return _accepted(
        lambda: running.retry(services().celery, account_id=account_id(), job_id=ended)
    )


def own_job(job_id: str) -> Job | None:
    """The present account's job of an id; None alike for another's, an unknown and a bad id."""
    key = parse_id(job_id)
    if key is None:
        return None
    with services().database.session() as session:
        return jobs.get(session, account_id=account_id(), job_id=key)


# -- for the progress blueprint ----------------------------------------------------------------


def present_account() -> str | None:
    """Whose request this is."""
    return str(account_id()) if current_user.is_authenticated else None


def authorize(job_id: str) -> JobRef | None:
    """The log of a job, if it is the present account's."""
    job = own_job(job_id)
    return running.ref_of(job) if job is not None else None


def fallback_for(found: Services) -> Any:
    """Tells a job's state from its row, outside of any request."""

    def state(ref: JobRef) -> Snapshot | None:
        key = parse_id(ref.job_id)
        if key is None:
            return None
        with found.database.session() as session:
            job = jobs.load(session, job_id=key)
        return row_snapshot(job) if job is not None else None

    return state
