"""A log that an earlier version wrote is read, gone on with and finished by this one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from progress.errors import JobEnded
from progress.redis import RedisLog
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
    with pytest.raises(JobEnded):
        log.append(earlier_log.REF, [], attempt=2)
    assert [name for name in log.client.keys("earlier:*") if log.client.ttl(name) == -1] == []


#: What a state has that the earlier version does not know.
ADDED = {"keyed", "phase_over"}


def as_the_earlier_version_stores(held: Any) -> Any:
    """What is stored, with items named by their ids alone and without the fields added since."""
    if not isinstance(held, dict):
        return held
    bare = {name.split("\x1f")[-1]: value for name, value in held.items() if name not in ADDED}
    return {
        name: re.sub("(?m)^[^\t]*\x1f", "", value) if name in ("running", "failures") else value
        for name, value in bare.items()
    }


def test_the_state_stored_in_between_is_the_one_that_the_earlier_version_stores(
    log: RedisLog, clock: list[int], earlier: Any
) -> None:
    log.client.delete(*earlier["keys"])
    clock[0] = earlier_log.BEGAN_AT_US
    earlier_log.tell(log, clock, earlier_log.BEFORE)
    log.request_cancel(earlier_log.REF)
    stored = earlier_log.raw_keys(log.client)
    known = {name: as_the_earlier_version_stores(held) for name, held in stored.items()}
    assert known == earlier["keys"]
