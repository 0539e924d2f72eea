"""Earmark's own site as the benchmark runs it: no cap on the streams of an account."""

from __future__ import annotations

import os
from uuid import UUID, uuid4

from flask import Flask
from flask_wtf.csrf import generate_csrf

from library.models import Account, Job
from progress.limits import StreamLimits
from tasks.settings import Settings
from web import sessions
from web.app import create_app
from web.services import services

LIMITS = StreamLimits(streams_per_account=1_000_000, streams=1_000_000)


def site() -> Flask:
    """The application for the settings of the environment."""
    return create_app(Settings.from_environ(os.environ), limits=LIMITS, has_rate_limits=False)


def fill(app: Flask, jobs: int) -> list[tuple[str, str]]:
    """Make accounts with a running job each: pairs of account id and job id."""
    made: list[tuple[UUID, UUID]] = [(uuid4(), uuid4()) for _ in range(jobs)]
    with app.app_context():
        database = services().database
        database.migrate()
        with database.session() as session:
            for account, _ in made:
                email = f"{account.hex}@example.org"
                session.add(Account(id=account, email=email, password_hash="!"))
            session.flush()
            for account, job in made:
                session.add(
                    Job(id=job, account_id=account, kind="sync", status="running", attempt=1)
                )
    return [(str(account), str(job)) for account, job in made]


def cookie(app: Flask, account: str, source: str) -> str:
    """The session cookie of an account that signed in from an address."""
    agent = {"User-Agent": "earmark-load"}
    with app.test_request_context("/", headers=agent, environ_base={"REMOTE_ADDR": source}):
        from flask import session

        with services().database.session() as database:
            found = database.get(Account, UUID(account))
            assert found is not None
        # Which writes: by then what was read is given back.
        assert sessions.begin(found)
        generate_csrf()  # as the first page's form has it kept
        serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        return f"Cookie: {app.config['SESSION_COOKIE_NAME']}={serializer.dumps(dict(session))}"
