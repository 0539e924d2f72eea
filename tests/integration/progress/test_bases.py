"""A job's task has other bases besides: Flask's documented one, celery-singleton, celery-once."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from celery import Celery

from progress.redis import RedisLog
from tests.integration.progress.site import Site
from tests.packages import package
from tests.servers import Server
from tests.workers import worker

APPLICATION = "tests.integration.progress.apps.bases"
FETCHED = ("celery-singleton", "celery-once", "celery-batches", "Flask-SQLAlchemy")
BASES = (
    "job",
    "flask-first",
    "job-first",
    "super-first",
    "job-before-super",
    "singleton-first",
    "job-before-singleton",
    "once-first",
    "job-before-once",
)


@pytest.fixture(scope="module")
def site(valkey_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, url = tmp_path_factory.mktemp("bases"), valkey_server.tcp_url
    celery = Celery("sender", broker=url, backend=url, set_as_current=False)
    celery.conf.task_default_queue = "bases"
    log = RedisLog(url)
    # What they depend on is installed already.
    folders = [str(package(name, alone=True)) for name in FETCHED]
    environment = {"BASES_REDIS": url, "PYTHONPATH": os.pathsep.join([*folders, "."])}
    with worker(APPLICATION, folder, environment):
        yield Site(celery, log)
    log.close()
    celery.close()


@pytest.mark.parametrize("base", BASES)
def test_a_job_runs_once_within_the_application_context(site: Site, base: str) -> None:
    result = site.celery.send_task(base)
    assert result.get(timeout=20) == "Corner Shop"
    ref = site.ref(result.id)
    site.end(ref)
    assert site.statuses(ref) == ["running", "completed"]
    assert site.succeeded(ref) == ["one"]


@pytest.mark.parametrize("base", BASES)
def test_a_retry_that_celery_makes_of_an_error_is_seen_as_one(site: Site, base: str) -> None:
    result = site.celery.send_task(base, args=("retry",))
    assert result.get(timeout=20) == "Corner Shop"
    ref = site.ref(result.id)
    assert site.end(ref).attempt == 2
    assert site.statuses(ref) == ["running", "retrying", "running", "completed"]


@pytest.mark.parametrize("base", BASES)
def test_an_error_fails_the_job(site: Site, base: str) -> None:
    ref = site.ref(site.celery.send_task(base, args=("raise",)).id)
    site.end(ref)
    assert site.statuses(ref) == ["running", "failed"]


@pytest.mark.parametrize("place", ["threads", "loop", "forks", "billiard", "pool"])
def test_work_of_a_task_in_threads_and_other_processes_is_seen(site: Site, place: str) -> None:
    result = site.celery.send_task(f"{APPLICATION}.elsewhere", args=(place,))
    result.get(timeout=20)
    state = site.end(site.ref(result.id))
    assert state.status == "completed"
    assert state.progress is not None
    # Two items without a key, one with an id of its own and one that failed, in three places.
    assert (state.progress.succeeded, state.progress.failed) == (9, 3)


@pytest.mark.parametrize(("trouble", "ended"), [("", "completed"), ("raise", "failed")])
def test_each_request_of_a_batch_is_a_job(site: Site, trouble: str, ended: str) -> None:
    results = [site.celery.send_task(f"{APPLICATION}.batch", args=(trouble,)) for _ in range(3)]
    found = []
    for ref in [site.ref(result.id) for result in results]:
        state = site.end(ref)
        assert site.statuses(ref) == ["running", ended]
        # What the task says of the batch is each job's, what it says of a request is that one's.
        assert state.note is not None
        assert state.note.text == "3 at once"
        assert state.progress is not None
        assert state.progress.done == state.progress.total
        found.append((state.result, state.progress.succeeded))
    assert sorted(found) == [(0, 1), (1, 2), (2, 3)]
