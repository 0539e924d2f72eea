"""A whole matching, from the database and back into it: how long it takes, and its reporting of it.

The reports of the matching are kept and sent once more by themselves, to the same server, until the
server has them all: so what a thread in the background does for them is counted, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from library import jobs
from library.database import Database
from progress.log import JobRef
from progress.redis import RedisLog
from progress.reporting.reporter import JobReporter
from tasks.matching import match
from tests.servers import Server, valkey

from ._seed import Size, seed

Call = tuple[str, tuple[Any, ...], dict[str, Any]]


class _Kept:
    """A reporter that keeps what it is told, and how long its caller waits for that."""

    def __init__(self, reporter: JobReporter) -> None:
        self._reporter = reporter
        self.ref = reporter.ref
        self.calls: list[Call] = []
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        inner = getattr(self._reporter, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return inner(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - began
                self.calls.append((name, args, kwargs))

        return call


class _Task:
    """What a matching asks of its task."""

    def __init__(self, database: Database, account_id: UUID, job: _Kept) -> None:
        self.database, self.account_id, self.job = database, account_id, job
        self.result: dict[str, Any] = {}

    def keep(self, **result: Any) -> None:
        self.result = result


def measure(size: Size) -> dict[str, object]:
    """The row of a matching of a library of this size, on SQLite."""
    with TemporaryDirectory(prefix="earmark-bench-") as folder, valkey() as server:
        return _measure(size, Path(folder), server)


def _measure(size: Size, folder: Path, server: Server) -> dict[str, object]:
    url = f"sqlite:///{folder / 'library.db'}"
    database = Database(url)
    database.migrate()
    account_id = seed(database, size, password_hash="-").account_id
    with database.session() as session:
        job, _ = jobs.create(session, account_id=account_id, kind="matching")
        ref = JobRef(str(account_id), str(job.id))
    log = RedisLog(server.url)
    again_ref = JobRef(str(account_id), "again")
    for begun in (ref, again_ref):
        log.append(begun, (), attempt=1)
    reporter = JobReporter(log, ref)
    kept = _Kept(reporter)
    began, cpu = time.perf_counter(), time.process_time()
    match(_Task(database, account_id, kept))  # type: ignore[arg-type]
    _sent(reporter)
    whole, whole_cpu = time.perf_counter() - began, time.process_time() - cpu
    again = JobReporter(log, again_ref)
    began, cpu = time.perf_counter(), time.process_time()
    for name, args, kwargs in kept.calls:
        getattr(again, name)(*args, **kwargs)
        again.flush()  # each by itself, as they were sent while the matching went on
    _sent(again)
    alone_cpu = time.process_time() - cpu
    for told in (ref, again_ref):
        state = log.snapshot(told)
        assert state is not None
        assert state[0].progress.done == state[0].progress.total > 0  # type: ignore[union-attr, operator]
    log.close()
    database.close()
    return {
        "bench": "matching",
        "who": "a whole job",
        "songs": size.songs,
        "lists": size.playlists,
        "each": size.entries_each,
        "job_s": round(whole, 2),
        "job_cpu_s": round(whole_cpu, 2),
        "reports": len(kept.calls),
        "reporting_s": round(kept.seconds, 4),
        "reporting_cpu_s": round(alone_cpu, 4),
        "reporting_share": round(max(kept.seconds / whole, alone_cpu / whole_cpu), 5),
    }


def _sent(reporter: JobReporter) -> None:
    while not reporter.flush():
        pass
    reporter.close()
