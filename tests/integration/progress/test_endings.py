"""The documents' table of how a job ends is true, line by line, with a real worker."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import Celery

from progress.events import ItemEvent, Snapshot
from progress.log import JobRef
from progress.redis import RedisLog
from tests.integration.progress.site import APPLICATION, Site
from tests.servers import Server
from tests.workers import worker

DOCUMENT = Path(__file__).parents[3] / "docs" / "progress.md"
TABLE = DOCUMENT.read_text().partition("| what happens | the job |")[2].partition("\n\n")[0]
LINES = re.findall(r"^\| ([^-].+?) \| .+ \|$", TABLE, re.MULTILINE)
GENERAL = "Something went wrong. It is not your fault; try again."

Ending = Callable[[Site], None]
_endings: dict[str, Ending] = {}


def line(happens: str) -> Callable[[Ending], Ending]:
    """Mark the test of a line of the table."""

    def keep(ending: Ending) -> Ending:
        _endings[happens] = ending
        return ending

    return keep


@pytest.fixture(scope="module")
def site(valkey_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, url = tmp_path_factory.mktemp("endings"), valkey_server.tcp_url
    celery = Celery("sender", broker=url, backend=url, set_as_current=False)
    celery.conf.update(task_default_queue="endings", task_ignore_result=True)
    log = RedisLog(url)
    # Celery takes 5 s to notice that a process is lost.
    environment = {"SHAPES_REDIS": url, "SHAPES_QUEUE": "endings", "SHAPES_LEASE": "15"}
    with worker(APPLICATION, folder, environment, "--hostname=endings@localhost"):
        yield Site(celery, log)
    log.close()
    celery.close()


@pytest.mark.parametrize("happens", LINES)
def test_a_job_ends_as_the_documents_say(site: Site, happens: str) -> None:
    assert happens in _endings, "a line without a test"
    _endings[happens](site)


def test_every_test_is_of_a_line() -> None:
    assert set(_endings) == set(LINES)


def _end(site: Site, how: str, **options: object) -> tuple[JobRef, Snapshot]:
    ref = site.send("ends", how, **options)
    return ref, site.end(ref)


def _fails(site: Site, how: str, sentence: str, code: str, **options: object) -> JobRef:
    ref, state = _end(site, how, **options)
    assert site.statuses(ref)[-1:] == ["failed"]
    assert state.error is not None
    assert (state.error.message, state.error.code) == (sentence, code)
    return ref


def _begun(site: Site, how: str) -> JobRef:
    ref = site.send("ends", how)
    until = time.monotonic() + 10
    while not any(isinstance(event, ItemEvent) for event in site.events(ref)):
        assert time.monotonic() < until
        time.sleep(0.02)
    return ref


@line("all its tasks return")
def _returns(site: Site) -> None:
    ref, _ = _end(site, "return")
    assert site.statuses(ref) == ["running", "completed"]


@line('a task raises `JobFailure("sentence for the person", code="…")`')
def _job_failure(site: Site) -> None:
    _fails(site, "failure", "The shop is closed.", "closed")
    ref = _fails(site, "failure-of-a-part", "The shop is closed.", "closed")
    # It waited for the part that was under way.
    assert sum(name.startswith("slow") for name in site.succeeded(ref)) == 1


@line("a task sets its own state to `FAILURE` by `update_state` and raises `Ignore`")
def _own_state(site: Site) -> None:
    _fails(site, "state", GENERAL, "internal_error")


@line("a task raises `Ignore` otherwise")
def _ignore(site: Site) -> None:
    ref, _ = _end(site, "ignore")
    assert site.statuses(ref) == ["running", "completed"]


@line("a task raises `Reject(requeue=False)`")
def _reject(site: Site) -> None:
    _fails(site, "reject", "The work was turned away. Try again.", "rejected")


@line("a task raises anything else")
def _raises(site: Site) -> None:
    ref = _fails(site, "raise", GENERAL, "internal_error")
    assert "secret" not in str(site.events(ref))


@line("`self.retry(…)` or `autoretry_for` in its first task")
def _retry(site: Site) -> None:
    ref, state = _end(site, "retry")
    assert site.statuses(ref) == ["running", "retrying", "running", "completed"]
    assert state.attempt == 2


@line("the same in a part")
def _retry_of_a_part(site: Site) -> None:
    ref, state = _end(site, "retry-of-a-part")
    assert site.statuses(ref) == ["running", "completed"]
    assert state.attempt == 1
    assert state.progress is not None
    assert (state.progress.succeeded, state.progress.failed) == (2, 0)


@line("`self.replace(…)`")
def _replace(site: Site) -> None:
    ref, _ = _end(site, "replace")
    assert site.statuses(ref) == ["running", "completed"]
    assert len([name for name in site.succeeded(ref) if name.startswith("return")]) == 2


@line("a time limit")
def _time_limit(site: Site) -> None:
    sentence = "This took longer than it may."
    _fails(site, "sleep", sentence, "time_limit", soft_time_limit=1)
    _fails(site, "sleep", sentence, "time_limit", time_limit=1)


@line("`expires` runs out before it begins")
def _expires(site: Site) -> None:
    _fails(site, "return", "It waited too long to be started.", "expired", expires=-1)


@line("somebody asks for it to be cancelled")
def _cancel(site: Site) -> None:
    ref = _begun(site, "sleep")
    site.log.request_cancel(ref)
    assert site.end(ref).status == "cancelled"


@line("it is revoked before it begins, or with `terminate=True`")
def _revoke(site: Site) -> None:
    site.celery.control.revoke("revoked-early")
    # A worker hears of it by and by; what waits meanwhile is not begun.
    _, state = _end(site, "return", task_id="revoked-early", countdown=1)
    assert state.status == "cancelled"
    ref = _begun(site, "sleep")
    site.celery.control.revoke(ref.job_id, terminate=True)
    assert site.end(ref).status == "cancelled"


@line("it is revoked without `terminate` while it runs")
def _revoke_without_force(site: Site) -> None:
    ref = _begun(site, "long")
    site.celery.control.revoke(ref.job_id)
    assert site.end(ref).status == "completed"


@line("its process is lost")
def _lost(site: Site) -> None:
    ref, state = _end(site, "lost")
    assert state.status == "completed", site.events(ref)
    assert state.attempt == 2
    assert site.statuses(ref)[0] == "running"
