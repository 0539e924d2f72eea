"""Commands on kept connections: each gets its own reply, also after a connection broke."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from progress.log import JobRef
from progress.redis import RedisLog
from progress.redis.commands import QuickCommands
from progress.testing import fresh_ref, status
from tests.servers import Server, valkey


@pytest.fixture
def client(valkey_server: Server) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_server.tcp_url) as client:
        yield client


@pytest.fixture
def commands(client: redis.Redis) -> QuickCommands:
    return QuickCommands(client)


def test_one_connection_does_for_one_thread(client: redis.Redis, commands: QuickCommands) -> None:
    ids = {commands.execute("CLIENT", "ID") for _ in range(50)}
    assert len(ids) == 1


def test_a_connection_that_the_server_closed_is_made_anew(
    client: redis.Redis, commands: QuickCommands
) -> None:
    killed = commands.execute("CLIENT", "ID")
    assert client.client_kill_filter(_id=str(killed)) == 1
    assert commands.execute("PING") in (b"PONG", True)
    assert commands.execute("CLIENT", "ID") != killed


def test_after_a_refusal_the_next_reply_is_the_right_one(commands: QuickCommands) -> None:
    for number in range(20):
        with pytest.raises(redis.ResponseError, match="unknown command"):
            commands.execute("NOSUCHCOMMAND")
        assert commands.execute("ECHO", str(number)) == str(number).encode()


def test_after_a_reply_that_came_too_late_the_next_one_is_the_right_one(
    valkey_server: Server,
) -> None:
    with redis.Redis.from_url(valkey_server.tcp_url, socket_timeout=0.2) as client:
        commands = QuickCommands(client)
        commands.execute("PING")
        with pytest.raises(redis.TimeoutError):
            commands.execute("BLPOP", "nothing-is-ever-here", "1")
        assert [commands.execute("ECHO", str(number)) for number in range(5)] == [
            str(number).encode() for number in range(5)
        ]


def test_each_of_many_threads_has_its_own_reply(commands: QuickCommands) -> None:
    def ask(number: int) -> bool:
        return bool(commands.execute("ECHO", str(number)) == str(number).encode())

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(2_000)))


def test_a_server_that_went_and_came_back_says_where_a_log_stands() -> None:
    with valkey() as server:
        log = RedisLog(server.tcp_url)
        ref = fresh_ref()
        log.append(ref, [status("running")], attempt=1)
        assert log.position(ref) is not None
        server.kill()
        server.start()
        log.append(ref, [status("running")], attempt=1)
        position = log.position(ref)
        assert position is not None
        assert position.cursor.seq == 1
        log.close()


def test_a_forked_child_asks_on_a_connection_of_its_own(valkey_server: Server) -> None:
    log, ref = RedisLog(valkey_server.tcp_url), fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    before = log.position(ref)
    child = os.fork()
    if child == 0:
        same = all(log.position(ref) == before for _ in range(200))
        os._exit(0 if same else 1)
    unknown = JobRef(ref.account, "unknown")
    assert all(log.position(unknown) is None for _ in range(200))
    assert os.waitpid(child, 0)[1] == 0
    log.close()
