"""A loop that loses its process goes on with what is left, at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery

from progress import RedisLog
from tests.chaos.kills import Loop, Tally, judge
from tests.servers import Server
from tests.workers import worker

#: A lease that nobody gives back is seen to be unrenewed no sooner.
LEASE_SECONDS = 15.0


@pytest.fixture
def celery(valkey_server: Server) -> Iterator[Celery]:
    celery = Celery("sender", broker=valkey_server.tcp_url)
    celery.conf.task_default_queue = "killed-loop"
    yield celery
    celery.close()


@pytest.fixture
def log(valkey_server: Server, tmp_path: Path) -> Iterator[RedisLog]:
    environment = {
        "LOOP_REDIS": valkey_server.tcp_url,
        "LOOP_FOLDER": str(tmp_path),
        "LOOP_QUEUE": "killed-loop",
    }
    log = RedisLog(valkey_server.tcp_url)
    with worker("tests.chaos.loop", tmp_path, environment):
        yield log
    log.close()


def wait_for_end(loop: Loop) -> None:
    deadline = time.monotonic() + 60
    while not loop.is_over():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_loop_does_again_what_was_not_told_and_nothing_else(
    celery: Celery, log: RedisLog, tmp_path: Path
) -> None:
    loop = Loop(celery, log, tmp_path, items=400)
    loop.send()
    assert loop.wait_for_more(100)
    kill = loop.kill()
    wait_for_end(loop)
    tally = Tally()
    judge(loop, [kill], tally)
    assert kill.told
    assert tally.complaints == []
    assert tally.done_twice < 100


def test_a_process_that_is_lost_as_its_task_begins_holds_up_nobody(
    celery: Celery, log: RedisLog, tmp_path: Path
) -> None:
    loop = Loop(celery, log, tmp_path, items=10)
    (tmp_path / f"{loop.job_id}.exits").touch()
    began = time.monotonic()
    loop.send()
    wait_for_end(loop)
    assert time.monotonic() - began < LEASE_SECONDS / 2
    tally = Tally()
    judge(loop, [], tally)
    assert tally.complaints == []
