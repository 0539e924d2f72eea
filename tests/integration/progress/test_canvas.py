"""A job of any canvas completes when all its tasks are done: once, and with the right counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery, chain, chord

from progress.log import JobRef
from progress.redis import RedisLog
from tests.integration.progress.site import APPLICATION, Site, forget_results
from tests.servers import valkey
from tests.workers import worker


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("shapes")
    with valkey() as server:
        environment = {"SHAPES_REDIS": server.tcp_url}
        celery = Celery("sender", broker=server.tcp_url, backend=server.tcp_url)
        log = RedisLog(server.tcp_url)
        with worker(APPLICATION, folder, environment):
            yield Site(celery, log)
        forget_results(celery)
        log.close()
        celery.close()


WHOLE = {
    "chain": "a b c",
    "group": "a b c",
    "chord": "a b c",
    "chord-in-chain": "a b c d e",
    "group-of-chains": "a b c d",
    "chord-of-chords": "a b c d e f g",
    "plain-between": "a b",
    "silent-chain": "a b",
    "retry-in-group": "a b",
    "ignore-in-group": "b",
    "replace-task": "a",
    "replace-chain": "a b c",
    "replace-group": "a b c",
    "replace-chord": "a b c",
    "replace-chord-in-chain": "a b c d e",
    "replace-chord-of-chords": "a b c d e f g",
    "replace-plain-between": "a b",
    "replace-silent-chain": "a b",
}


@pytest.mark.parametrize("shape", WHOLE)
def test_a_job_is_completed_when_all_its_tasks_are_done(site: Site, shape: str) -> None:
    ref = site.send("start", shape)
    state = site.end(ref)
    assert site.statuses(ref) == ["running", "completed"]
    assert site.succeeded(ref) == sorted([*WHOLE[shape].split(), "start"])
    assert state.progress is not None
    assert state.progress.failed == 0


def test_a_chords_body_has_its_number_whichever_task_of_the_header_ends_last(site: Site) -> None:
    refs = [site.send("start", shape) for shape in ("first-is-slow", "last-is-slow")] * 2
    for ref in refs:
        assert site.end(ref).status == "completed"
    first, *others = (site.succeeded(ref) for ref in refs)
    assert len(set(first)) == 8
    assert others == [first] * 3


FAILING = {
    "failing-header": "a",
    "failing-body": "a b",
    "failing-chain": "a",
    "failing-group": "b c",
    "failing-plain": "a",
    "errback": "errback",
    "reject-in-group": "b",
    "expired-in-chain": "a",
    "replace-failing-header": "a",
    "replace-failing-body": "a b",
    "replace-failing-chain": "a",
    "replace-failing-plain": "a",
    "replace-errback": "errback",
}


@pytest.mark.parametrize("shape", FAILING)
def test_a_job_fails_once_when_one_of_its_tasks_does_and_the_others_are_over(
    site: Site, shape: str
) -> None:
    ref = site.send("start", shape)
    state = site.end(ref)
    assert site.statuses(ref) == ["running", "failed"]
    assert site.succeeded(ref) == sorted([*FAILING[shape].split(), "start"])
    assert state.error is not None
    assert "ValueError" not in state.to_json()


@pytest.mark.parametrize(
    ("trouble", "statuses"),
    [
        ("raise", ["running", "failed"]),
        ("ignore", ["running", "completed"]),
        ("reject", ["running", "failed"]),
        ("requeue", ["running", "running", "completed"]),
        ("retry", ["running", "retrying", "running", "completed"]),
    ],
)
def test_a_job_of_one_task_ends_however_the_task_does(
    site: Site, trouble: str, statuses: list[str]
) -> None:
    ref = site.send("step", "only", trouble)
    site.end(ref)
    assert site.statuses(ref) == statuses


def test_a_job_that_waited_too_long_to_begin_fails(site: Site) -> None:
    ref = site.send("step", "late", expires=-1)
    state = site.end(ref)
    assert state.error is not None
    assert state.error.code == "expired"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "arguments", "done", "total", "result"),
    [
        ("upload_files", (["a", "b", "c"],), 2, 3, None),
        ("long_task", (), 6, 7, {"result": 42}),
        ("recorded", (5,), 5, 5, "done"),
    ],
)
def test_code_from_the_manuals_shows_live_progress_with_another_base_class(
    site: Site, name: str, arguments: tuple[Any, ...], done: int, total: int, result: Any
) -> None:
    ref = site.send(name, *arguments)
    state = site.end(ref)
    assert state.status == "completed"
    assert state.progress is not None
    assert (state.progress.done, state.progress.total) == (done, total)
    told = site.celery.AsyncResult(ref.job_id).get(timeout=10)
    assert told == result or told["result"] == result["result"]


def test_states_and_metas_of_any_kind_do_no_harm(site: Site) -> None:
    ref = site.send("odd")
    state = site.end(ref)
    assert state.status == "completed"
    assert state.progress is not None
    assert 0 <= state.progress.done <= (state.progress.total or 0)
    assert site.celery.AsyncResult(ref.job_id).get(timeout=10) == "odd"


def test_the_receivers_are_connected_once_and_survive_a_collection(site: Site) -> None:
    counts = site.celery.send_task(f"{APPLICATION}.receivers").get(timeout=10)
    assert counts == {
        "before_task_publish": 1,
        "task_postrun": 1,
        "task_revoked": 1,
        "worker_process_init": 1,
    }


def test_a_task_that_a_task_of_no_job_sends_is_a_job(site: Site) -> None:
    job_id = uuid4().hex
    site.send("dispatch", job_id)
    ref = JobRef("everyone", job_id)
    site.end(ref)
    # A worker may be faster than the status of the job that waits for it.
    assert site.statuses(ref)[-2:] == ["running", "completed"]


def test_in_a_chain_that_begins_with_a_task_of_no_job_the_next_one_is_the_job(site: Site) -> None:
    first, *others = (
        site.celery.signature(f"{APPLICATION}.{name}", args, immutable=True)
        for name, args in (("plain", ("p",)), ("step", ("a",)), ("step", ("b",)))
    )
    result = chain(first, *others).apply_async()
    ref = JobRef("everyone", result.parent.id)
    state = site.end(ref)
    assert site.succeeded(ref) == ["a", "b"]
    assert state.status == "completed"


def _step(site: Site, name: str) -> Any:
    return site.celery.signature(f"{APPLICATION}.step", (name,), immutable=True)


def test_a_chain_that_a_site_sends_is_one_job(site: Site) -> None:
    a, b, c, d = (_step(site, name) for name in "abcd")
    result = chain(a, chord([b, c], d)).apply_async()
    ref = JobRef("everyone", result.parent.parent.id)
    site.end(ref)
    assert site.statuses(ref) == ["running", "completed"]
    assert site.succeeded(ref) == ["a", "b", "c", "d"]


def test_of_a_chord_that_a_site_sends_each_task_of_the_header_is_a_job(site: Site) -> None:
    a, b, c = (_step(site, name) for name in "abc")
    result = chord([a, b], c).apply_async()
    refs = [JobRef("everyone", header.id) for header in result.parent.results]
    for ref in refs:
        site.end(ref)
        assert site.statuses(ref) == ["running", "completed"]
    done = [name for ref in refs for name in site.succeeded(ref)]
    assert sorted(done) == ["a", "b", "c"]
