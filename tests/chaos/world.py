"""Everything a chaos run has: a server, a database, workers, a site, and jobs that are watched."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

from celery import Celery
from flask import Flask, request
from werkzeug.serving import WSGIRequestHandler, make_server

from library import accounts, jobs
from library.database import Database
from library.models import Job, utc_now
from progress.celery import HEADER
from progress.events import Snapshot
from progress.flask import create_blueprint
from progress.lease import LeaseTerms
from progress.log import JobRef
from progress.redis import RedisLog
from tests.chaos.crew import Crew
from tests.chaos.plan import Plan
from tests.chaos.results import Results
from tests.chaos.watch import TERMINAL, Watch
from tests.servers import Server, valkey

#: Long enough for a slow machine, short enough that a suite need not wait for it.
SHORT_TERMS = LeaseTerms(lease_seconds=3, renew_seconds=0.5, reap_seconds=0.5, cancel_seconds=1.5)


@dataclass
class Run:
    """One job of the run and who watches it."""

    plan: Plan
    ref: JobRef
    watch: Watch
    #: When the fault struck.
    struck: float = field(default_factory=time.monotonic)


@dataclass
class World:
    """A whole installation, in this process and in real ones of its own."""

    folder: Path
    server: Server
    database: Database
    log: RedisLog
    results: Results
    crew: Crew
    sender: Celery
    port: int
    terms: LeaseTerms
    runs: list[Run] = field(default_factory=list)

    def start_job(self, plan: Plan, *, is_sent: bool = True) -> Run:
        """Create a job's row, send it, and watch it."""
        with self.database.session() as session:
            email = f"{uuid4().hex}@chaos.test"
            account = accounts.create(session, email=email, password_hash="-")
            parameters = plan.as_dict()
            job, _ = jobs.create(session, account_id=account.id, kind="sync", parameters=parameters)
            ref = JobRef(str(account.id), str(job.id))
        if is_sent:
            self.send(ref, plan)
        run = Run(plan, ref, Watch(self.port, ref.account, ref.job_id))
        self.runs.append(run)
        return run

    def send(self, ref: JobRef, plan: Plan) -> None:
        """Send a job as a site would."""
        self.sender.send_task(
            "chaos.work",
            args=[plan.as_dict()],
            task_id=ref.job_id,
            headers={HEADER: {"account": ref.account, "jobId": ref.job_id, "attempt": 0}},
            retry=False,
            **plan.root_options,
        )

    def cancel(self, run: Run) -> None:
        """Ask for a job to be cancelled."""
        account_id, job_id = UUID(run.ref.account), UUID(run.ref.job_id)
        with self.database.session() as session:
            jobs.request_cancel(session, account_id=account_id, job_id=job_id, now=utc_now())
        self.log.request_cancel(run.ref)

    def row(self, run: Run) -> Job:
        """The job's row."""
        with self.database.session() as session:
            job = jobs.load(session, job_id=UUID(run.ref.job_id))
            assert job is not None
            return job

    def wait_for_items(self, run: Run, count: int, *, seconds: float = 60) -> None:
        """Wait until this many items are done, or the job is over."""
        deadline = time.monotonic() + seconds
        while len(self.results.of(run.ref.job_id)) < count and not run.watch.ended:
            assert time.monotonic() < deadline, (run.plan, run.watch.statuses)
            time.sleep(0.02)

    def wait_for_end(self, run: Run, *, seconds: float) -> bool:
        """Wait until the job has ended in the database, and its browser has seen it end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.row(run).status in TERMINAL and run.watch.ended:
                return True
            time.sleep(0.05)
        return False

    def snapshot(self, run: Run) -> Snapshot:
        """The job as its log has it."""
        known = self.log.snapshot(run.ref)
        assert known is not None
        assert isinstance(known[0], Snapshot)
        return known[0]


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def world(
    folder: Path, *, terms: LeaseTerms = SHORT_TERMS, visibility_seconds: float = 3600
) -> Iterator[World]:
    """An installation with two workers and a clock, gone afterwards."""
    database = Database(f"sqlite:///{folder / 'jobs.db'}")
    database.migrate()
    with valkey("--appendonly", "yes") as server, _site(server) as (log, port):
        environment = {
            "CHAOS_FOLDER": str(folder),
            "CHAOS_REDIS": server.tcp_url,
            "CHAOS_LEASE": f"{terms.lease_seconds},{terms.renew_seconds}",
            "CHAOS_VISIBILITY": str(visibility_seconds),
        }
        crew = Crew(folder, environment)
        sender = Celery("chaos-sender", broker=server.tcp_url)
        results = Results(folder / "results.db")
        found = World(folder, server, database, log, results, crew, sender, port, terms)
        crew.start()
        try:
            yield found
        finally:
            for run in found.runs:
                run.watch.stop()
            crew.stop()
            sender.close()
            database.close()


@contextmanager
def _site(server: Server) -> Iterator[tuple[RedisLog, int]]:
    log = RedisLog(server.tcp_url)
    site = Flask("chaos")

    def account() -> str:
        return request.headers["X-Account"]

    def authorize(job_id: str) -> JobRef:
        return JobRef(account(), job_id)

    site.register_blueprint(create_blueprint(log, authorize=authorize, account=account))
    served = make_server("127.0.0.1", 0, site, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    try:
        yield log, served.port
    finally:
        served.shutdown()
        thread.join()
        log.close()
