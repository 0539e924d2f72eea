"""A log that an earlier version wrote is read, gone on with and finished by this one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from progress.errors import JobEnded
from progress.redis import RedisLog
from progress.redis.keys import Keys
from progress.reports import TotalReport
from progress.testing import fresh_ref
from tests.fixtures import earlier_log
from tests.servers import Server


@pytest.fixture(params=sorted(earlier_log.FOLDER.iterdir()), ids=lambda file: file.stem)
def earlier(request: pytest.FixtureRequest) -> Any:
    file: Path = request.param
    return json.loads(file.read_text("utf-8"))


@pytest.fixture
def clock() -> list[int]:
    """The present in microseconds since 1970."""
    return [earlier_log.STOPPED_AT_US]


@pytest.fixture
def log(valkey_server: Server, clock: list[int], earlier: Any) -> Iterator[RedisLog]:
    """A log with what the earlier version left in its server."""
    log = RedisLog(valkey_server.url, prefix=earlier_log.PREFIX, clock_us=lambda: clock[0])
    earlier_log.restore(log.client, earlier["keys"])
    yield log
    log.client.delete(*log.client.keys(f"{earlier_log.PREFIX}:*"))
    log.close()


def test_a_job_of_an_earlier_version_is_read(log: RedisLog, earlier: Any) -> None:
    assert earlier_log.state_of(log) == earlier["then"]
    assert log.cancel_requested(earlier_log.REF)


def test_a_job_of_an_earlier_version_goes_on_to_its_end(
    log: RedisLog, clock: list[int], earlier: Any
) -> None:
    said = earlier_log.tell(log, clock, earlier_log.AFTER)
    assert said[-1] == earlier["after"]
    assert said[-1][0][0]["status"] == "completed"
    run = log.run(earlier_log.REF)
    assert run is not None
    # A run that began before logs kept runs is told as far as it is known.
    assert [(row.kind, row.attempt, row.status) for row in run.rows] == [
        ("attempt", 2, "completed")
    ]
    assert run.points[-1].done == 14
    with pytest.raises(JobEnded):
        log.append(earlier_log.REF, [], attempt=2)
    assert [name for name in log.client.keys("earlier:*") if log.client.ttl(name) == -1] == []


def test_a_writer_of_an_earlier_version_takes_a_job_of_this_one_for_a_later_attempt_s(
    log: RedisLog,
) -> None:
    """Its script reads these fields alone, and would begin a log anew that has none."""
    ref = fresh_ref()
    log.append(ref, [TotalReport(3, 0.0)], attempt=1)
    for keys in (Keys.of(ref, log.prefix), Keys.of(earlier_log.REF, log.prefix)):
        log.append(earlier_log.REF, [TotalReport(30, 0.0)], attempt=2)
        told = log.client.hmget(keys.state, "epoch", "seq", "attempt")
        assert told == [b"0", b"0", b"9007199254740991"]
