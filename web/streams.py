"""The streams of jobs and feeds: whose they are, and the ways to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import Flask

from library import accounts, failures, jobs
from progress.events import Snapshot
from progress.flask import create_blueprint
from progress.limits import StreamLimits
from progress.log import FeedRef, JobRef, LogRef
from progress.streamer.protocol import StreamerClient
from progress.wsgi.middleware import Admit, StreamMiddleware

from . import security, sessions
from .failures import DatabaseFailures
from .job_views import parse_id, row_snapshot
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
        authorize=authorize,
        account=sessions.present_account,
        fallback=_fallback_for(found),
        limits=limits,
        hand_over=hand_over,
        failures=DatabaseFailures(found.database),
    )
    app.register_blueprint(progress)
    if hand_over is not None:
        app.wsgi_app = StreamMiddleware(  # type: ignore[method-assign] # as Flask's documentation has it
            app.wsgi_app,
            found.log,
            progress.hub,
            admit=_admit_for(app, found),
            hand_over=hand_over,
            headers={**security.headers(app), "Vary": "Cookie"},
        )


def authorize(job_id: str) -> JobRef | None:
    """The log of a job, if it is the present account's."""
    key = parse_id(job_id)
    if key is None:
        return None
    mine = sessions.account_id()
    row = services().database.row(jobs.OWN, account_id=mine, job_id=key)
    return JobRef(str(mine), str(key)) if row is not None else None


def _admit_for(app: Flask, found: Services) -> Admit:
    """As `authorize`, of a request that Flask has not seen: its session and its job in one row."""

    def admit(environ: WSGIEnvironment, job_id: str | None) -> LogRef | None:
        claim = sessions.claimed(app, environ)
        if claim is None:
            return None
        mine, version = claim
        if job_id is None:
            row = found.database.row(accounts.IDENTITY, account_id=mine)
        elif (key := parse_id(job_id)) is not None:
            row = found.database.row(jobs.OWN_AND_SESSION, account_id=mine, job_id=key)
        else:
            return None
        if row is None or str(row.session_version) != version:
            return None
        return FeedRef(str(mine)) if job_id is None else JobRef(str(mine), job_id)

    return admit


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
