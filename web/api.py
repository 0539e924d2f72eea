"""The JSON API: start, list, look at, cancel and retry jobs. Their progress is `progress.flask`."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, abort, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from library import account_sources, jobs
from library.errors import JobAlreadyActive
from library.models import Job
from progress.wire import iso_utc
from tasks import jobs as running
from tasks.jobs import QueueUnavailable
from tasks.sync import SOURCE

from .api_requests import ListRequest, StartRequest, Unusable
from .job_views import job_json, parse_id
from .problems import problem
from .services import services
from .sessions import account_id

blueprint = Blueprint("api", __name__, url_prefix="/api")

QUEUE_RETRY_SECONDS = 30


def _unusable(error: Unusable) -> Response:
    return problem(422, str(error), field=error.field)


def _already_active(error: JobAlreadyActive) -> Response:
    link = url_for("api.get_job", job_id=str(error.job_id))
    return problem(
        409, "A job of this kind, or one at the same lists, is running already.", job=link
    )


def _queue_unavailable(error: QueueUnavailable) -> Response:
    answer = problem(503, str(error))
    answer.headers["Retry-After"] = str(QUEUE_RETRY_SECONDS)
    return answer


def answer_errors(blueprint: Blueprint) -> None:
    """Have the API's errors answered as problems wherever a blueprint's views raise them."""
    blueprint.register_error_handler(Unusable, _unusable)
    blueprint.register_error_handler(JobAlreadyActive, _already_active)
    blueprint.register_error_handler(QueueUnavailable, _queue_unavailable)


answer_errors(blueprint)


@blueprint.post("/jobs")
def post_job() -> ResponseReturnValue:
    """Start a job."""
    if not request.is_json:
        abort(415)
    wanted = StartRequest.parse(
        request.get_data(), idempotency_key=request.headers.get("Idempotency-Key")
    )
    job = running.start(
        services().celery,
        account_id=account_id(),
        kind=wanted.kind,
        parameters=_parameters(wanted),
        idempotency_key=wanted.idempotency_key,
    )
    if job.kind != wanted.kind:
        other = f"a key that was not used before: this one started the {job.kind} {job.id}"
        raise Unusable("Idempotency-Key", wanted.idempotency_key, other)
    return accepted(job)


def _parameters(wanted: StartRequest) -> dict[str, str]:
    if wanted.source is None:
        return {}
    with services().database.reading() as session:
        found = account_sources.get(session, account_id=account_id(), source_id=wanted.source)
    if found is None or found.removed_at is not None:
        raise Unusable("source", str(wanted.source), "the id of one of your sources")
    return {SOURCE: str(found.id)}


@blueprint.get("/jobs")
def list_jobs() -> ResponseReturnValue:
    """The account's jobs, newest first, a page at a time."""
    wanted = ListRequest.parse(request.args)
    with services().database.reading() as session:
        found = jobs.page(
            session,
            account_id=account_id(),
            kind=wanted.kind,
            status=wanted.status,
            since=wanted.since,
            until=wanted.until,
            before=wanted.before,
            limit=wanted.limit + 1,
        )
    shown = found[: wanted.limit]
    return jsonify(
        jobs=[job_json(job) for job in shown],
        links={"next": _next_page(wanted, shown[-1]) if len(found) > len(shown) else None},
    )


def _next_page(wanted: ListRequest, last: Job) -> str:
    return url_for(
        "api.list_jobs",
        kind=wanted.kind,
        status=wanted.status,
        since=wanted.since and iso_utc(wanted.since.timestamp()),
        until=wanted.until and iso_utc(wanted.until.timestamp()),
        limit=wanted.limit,
        before=str(last.id),
    )


@blueprint.get("/jobs/<job_id>")
def get_job(job_id: str) -> ResponseReturnValue:
    """One of the account's jobs."""
    return _known(job_id, lambda job: jsonify(job_json(job)))


@blueprint.post("/jobs/<job_id>/cancel")
def cancel_job(job_id: str) -> ResponseReturnValue:
    """Have a job stop."""
    return _known(job_id, _cancel)


def _cancel(job: Job) -> ResponseReturnValue:
    if not running.cancel(services().celery, account_id=account_id(), job_id=job.id):
        return problem(409, "The job is over already.")
    return _known(str(job.id), accepted)


@blueprint.post("/jobs/<job_id>/retry")
def retry_job(job_id: str) -> ResponseReturnValue:
    """Start a job that does what is left of an ended one."""
    return _known(job_id, _retry)


def _retry(ended: Job) -> ResponseReturnValue:
    job = running.retry(services().celery, account_id=account_id(), job_id=ended.id)
    return accepted(job) if job else _no_job()


def accepted(job: Job) -> ResponseReturnValue:
    """The answer for a job that was started."""
    body = job_json(job)
    return jsonify(body), 202, {"Location": body["links"]["self"]}


def _known(job_id: str, answer: Callable[[Job], ResponseReturnValue]) -> ResponseReturnValue:
    job = own_job(job_id)
    return answer(job) if job else _no_job()


def _no_job() -> Response:
    return problem(404, "There is no such job.")


def own_job(job_id: str) -> Job | None:
    """The present account's job of an id; None alike for another's, an unknown and a bad id."""
    key = parse_id(job_id)
    if key is None:
        return None
    with services().database.reading() as session:
        return jobs.get(session, account_id=account_id(), job_id=key)
