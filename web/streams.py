"""The streams of jobs and feeds: who may read them, and how Flask and the middleware ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from flask import Flask

from library import failures, jobs, runs
from library.database import Database
from library.models import utc_now
from library.sessions import SIGNED_IN, token_values
from progress.events import Snapshot
from progress.flask import create_blueprint
from progress.limits import StreamLimits
from progress.log import FeedRef, JobRef, LogRef
from progress.run import Run
from progress.streamer import StreamerClient
from progress.wsgi import Admit, StreamMiddleware

from . import security, sessions
from .cookies import token_of
from .failures import DatabaseFailures
from .job_views import parse_id, row_snapshot, run_from_row
from .services import Services, services

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def register(
    app: Flask, found: Services, *, limits: StreamLimits | None, streamer: str | None
) -> None:
    """Have an application stream, by a streamer at a path where there is one."""
    hand_over = StreamerClient(streamer).send if streamer else None
    progress = create_blueprint(
        found.log,
        authorize=_authorize,
        account=sessions.present_account,
        fallback=_fallback_for(found),
        limits=limits,
        hand_over=hand_over,
        failures=DatabaseFailures(found.database),
        runs=lambda ref: kept_run(found.database, ref),
    )
    app.register_blueprint(progress)
    if hand_over is not None:
        app.wsgi_app = StreamMiddleware(  # type: ignore[method-assign] # as Flask's documentation has it
            app.wsgi_app,
            progress.entrance,
            admit=_admit_for(app, found),
            headers={**security.headers(app), "Vary": "Cookie"},
        )


def readable(database: Database, token: str | None, job_id: str | None) -> LogRef | None:
    """The log that the holder of a session's token may read: a job's, or the feed for None.

    This is the one place that decides it, by one row that tells the session and the job's owner.
    """
    if token is None:
        return None
    values = token_values(token, now=utc_now())
    if job_id is None:
        row = database.row(SIGNED_IN, **values)
        return FeedRef(str(row.account_id)) if row is not None else None
    key = parse_id(job_id)
    if key is None:
        return None
    row = database.row(jobs.OWN_AND_SESSION, **values, job_id=key)
    return JobRef(str(row.account_id), job_id) if row is not None else None


def _authorize(job_id: str) -> JobRef | None:
    found = readable(services().database, sessions.present_token(), job_id)
    return found if isinstance(found, JobRef) else None


def _admit_for(app: Flask, found: Services) -> Admit:
    """Decides of requests that Flask has not seen."""

    def admit(environ: WSGIEnvironment, job_id: str | None) -> LogRef | None:
        return readable(found.database, token_of(app, environ), job_id)

    return admit


def kept_run(database: Database, ref: JobRef) -> Run | None:
    """How a job went, from its row; what the row's own times say, where it has nothing else."""
    key = parse_id(ref.job_id)
    if key is None:
        return None
    with database.reading() as session:
        job = jobs.get(session, account_id=UUID(ref.account), job_id=key)
        kept = runs.of_job(session, account_id=UUID(ref.account), job_id=key)
    if job is None or kept is not None:
        return None if kept is None else Run.model_validate(kept)
    return run_from_row(job)


def _fallback_for(found: Services) -> Callable[[JobRef], Snapshot | None]:
    """Tells a job's state from its row, outside of any request."""

    def state(ref: JobRef) -> Snapshot | None:
        key = parse_id(ref.job_id)
        if key is None:
            return None
        with found.database.reading() as session:
            job = jobs.load(session, job_id=key)
            if job is None:
                return None
            failed = failures.newest(session, account_id=job.account_id, job_id=key)
        return row_snapshot(job, failed)

    return state
