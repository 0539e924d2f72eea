"""The messages of many logs over one connection: whole, in order, and mended when it is cut."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
import redis

from progress.cursor import Cursor
from progress.errors import LogUnavailable
from progress.hub import Hub
from progress.log import Following, JobRef, Log, Message, Revoked
from progress.memory import MemoryLog
from progress.redis import RedisLog
from progress.redis import messages as redis_messages
from progress.redis.messages import RedisMessages
from progress.testing import fresh_ref, item, status
from tests.servers import Server
from tests.unit.progress.hub.browsers import WAIT_SECONDS, Browser, browse, close_all


@pytest.fixture(autouse=True)
def close_browsers() -> Iterator[None]:
    yield
    close_all()


@pytest.fixture
def redis_log(valkey_server: Server) -> Iterator[RedisLog]:
    log = RedisLog(valkey_server.tcp_url, prefix=fresh_ref().account)
    yield log
    log.close()


@pytest.fixture(params=["memory", "redis"])
def log(request: pytest.FixtureRequest) -> Log:
    if request.param == "memory":
        return MemoryLog()
    found: RedisLog = request.getfixturevalue("redis_log")
    return found


def test_a_log_that_is_followed_is_heard_and_one_that_was_left_is_not(log: Log) -> None:
    mine, left, stranger = fresh_ref(), fresh_ref(), fresh_ref()
    messages = log.messages()
    messages.follow(mine)
    messages.follow(left)
    heard: list[object] = []
    while len(heard) < 2:
        heard += messages.take()
    assert heard == [Following(mine), Following(left)]
    messages.leave(left)
    cursor = Cursor(0, 0)
    for ref in (stranger, left, mine):
        cursor = log.append(ref, [item("a", "queued"), item("b", "queued")], attempt=1).cursor
    log.revoke("ada")
    heard = []
    deadline = time.monotonic() + WAIT_SECONDS
    while Revoked("ada") not in heard:
        assert time.monotonic() < deadline
        heard += messages.take()
    messages.close()
    told = [told for told in heard if isinstance(told, tuple)]
    assert [ref for ref, _ in told] == [mine]
    assert told[0][1].entries[-1].cursor == cursor


def test_what_came_while_the_connection_was_cut_is_shown_too(
    redis_log: RedisLog, valkey_server: Server
) -> None:
    ref, hub = fresh_ref(), Hub(redis_log)
    redis_log.append(ref, [status("running")], attempt=1)
    browser = browse(hub, ref)
    browser.read_first()
    with redis.Redis.from_url(valkey_server.url) as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    last = redis_log.append(ref, [item("a", "succeeded")], attempt=1).cursor
    deadline = time.monotonic() + WAIT_SECONDS
    seen: list[str] = []
    while str(last) not in seen:
        assert time.monotonic() < deadline
        browser.read()
        if browser.closed:  # as all are after a loss: a sign-out may have been missed
            seen += browser.ids
            browser = again(hub, ref, browser)
        seen = [*dict.fromkeys([*seen, *browser.ids])]
    numbers = [Cursor.parse(id_).seq for id_ in seen]
    assert numbers == sorted(set(numbers))
    assert numbers == list(range(numbers[0], last.seq + 1))
    assert hub.metrics.reconnects >= 1
    hub.close()


def again(hub: Hub, ref: JobRef, browser: Browser) -> Browser:
    return browse(hub, ref, Cursor.parse(browser.parser.last_event_id))


Wire = tuple[RedisMessages, socket.socket, JobRef]


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Messages from a server that the test is."""
    ours, theirs = socket.socketpair()
    messages = RedisMessages(
        ours, channel=lambda ref: ref.account.encode(), revocations=b"revoked", close=ours.close
    )
    ref = JobRef("ada", "1")
    messages.follow(ref)
    assert theirs.recv(100) == b"*2\r\n$9\r\nSUBSCRIBE\r\n$3\r\nada\r\n"
    yield messages, theirs, ref
    messages.close()
    theirs.close()


@pytest.mark.parametrize("mark", [b"*", b">"])
def test_a_message_that_comes_byte_by_byte_is_taken_once_and_whole(wire: Wire, mark: bytes) -> None:
    messages, server, ref = wire
    heard: list[object] = []
    for byte in mark + b"3\r\n$7\r\nmessage\r\n$3\r\nada\r\n$9\r\n7-1\n{}\n[]\r\n":
        server.send(bytes([byte]))
        heard += messages.take()
    assert len(heard) == 1
    assert isinstance(heard[0], tuple)
    told, message = heard[0]
    assert told == ref
    assert isinstance(message, Message)
    assert [(str(e.cursor), e.document) for e in message.entries] == [
        ("7-1", b"{}"),
        ("7-2", b"[]"),
    ]


def test_a_server_that_says_nothing_is_asked_and_then_given_up(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages, server, _ = wire
    now = time.monotonic()
    monkeypatch.setattr(redis_messages.time, "monotonic", lambda: now)
    now += 6
    messages.check()
    messages.check()
    assert server.recv(100) == b"*1\r\n$4\r\nPING\r\n"
    server.send(b"*2\r\n$4\r\npong\r\n$0\r\n\r\n")
    assert messages.take() == []
    messages.check()
    now += 6
    messages.check()
    now += 5
    with pytest.raises(LogUnavailable, match="said nothing for 11 s"):
        messages.check()


def test_a_refusal_and_an_end_are_told_as_a_loss(wire: Wire) -> None:
    messages, server, _ = wire
    server.send(b"-NOPERM no channel for you\r\n")
    with pytest.raises(LogUnavailable, match="refuses subscriptions: NOPERM"):
        messages.take()
    server.close()
    with pytest.raises(LogUnavailable, match="ended the connection"):
        messages.take()
