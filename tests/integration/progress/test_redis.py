"""The log in a real server passes the contract, and what is particular to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from progress.log import Log
from progress.redis import RedisLog
from progress.testing import LogContract, ManualClock
from tests.servers import Server


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


class TestRedisLog(LogContract):
    @pytest.fixture
    def log(self, valkey_server: Server, clock: ManualClock) -> Iterator[Log]:
        log = RedisLog(valkey_server.url, clock_us=clock.microseconds)
        yield log
        log.close()
