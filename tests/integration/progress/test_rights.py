"""A server that allows less, and every option of its URL: the best that is possible, said once."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from progress.cursor import Cursor
from progress.errors import LogUnavailable
from progress.hub import Hub
from progress.lease import Lease, Part
from progress.log import JobRef, Message
from progress.redis import RedisLog, safe_client
from progress.redis.commands import _FOR
from progress.testing import fresh_ref, item, status
from tests.servers import Server, valkey
from tests.unit.progress.hub.browsers import Browser, browse, close_all

ALL = "~* &* +@all"
DOCUMENT = Path(__file__).parents[3] / "docs" / "progress.md"
#: In which a hub that hears nothing shows what it is to show, on a busy machine.
SHOWN_SECONDS = 12.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with valkey() as found:
        yield found


@pytest.fixture(autouse=True)
def close_browsers() -> Iterator[None]:
    yield
    close_all()


def url_of(server: Server, name: str, rules: str) -> str:
    """The URL of a user with these rights."""
    with redis.Redis.from_url(server.url) as admin:
        admin.execute_command("ACL", "SETUSER", name, "reset", "on", ">secret", *rules.split())
    return f"redis://{name}:secret@127.0.0.1:{server.port}/0"


def connections(server: Server) -> int:
    with redis.Redis.from_url(server.url) as admin:
        made: int = admin.info("stats")["total_connections_received"]
        return made


def read_until_ended(hub: Hub, ref: JobRef, browser: Browser) -> tuple[list[object], int]:
    """The types of all events, and how often the client came back since its stream was ended."""
    deadline = time.monotonic() + SHOWN_SECONDS
    types: list[object] = []
    times = 0
    while not browser.events or browser.events[-1].get("status") != "completed":
        assert time.monotonic() < deadline, (types, browser.events)
        browser.read()
        if browser.closed and browser.events[-1].get("status") != "completed":
            types += [event["type"] for event in browser.events]
            times += 1
            browser = browse(hub, ref, Cursor.parse(browser.ids[-1]))
    return types + [event["type"] for event in browser.events], times


SILENT = {
    "nobody hears": ("~* resetchannels +@all", "~* resetchannels +@all"),
    "one may not publish": ("~* resetchannels +@all", ALL),
    "one may not subscribe": (ALL, "~* resetchannels +@all"),
    "the logs' channels are refused": ("~* resetchannels +@all", "~* resetchannels &p:probe +@all"),
}


@pytest.mark.parametrize("rights", SILENT)
def test_events_without_messages_are_shown_within_seconds_and_no_connections_are_wasted(
    server: Server, rights: str, caplog: pytest.LogCaptureFixture
) -> None:
    ref = fresh_ref()
    writer = RedisLog(url_of(server, "writer", SILENT[rights][0]), "p")
    reader = RedisLog(url_of(server, "reader", SILENT[rights][1]), "p")
    writer.append(ref, [status("running")], attempt=1)
    hub = Hub(reader)
    try:
        browser = browse(hub, ref)
        browser.read_first()
        made, began = connections(server), time.monotonic()
        for number in range(3):
            time.sleep(0.4)
            writer.append(ref, [item(str(number), "succeeded")], attempt=1)
        writer.append(ref, [status("completed")], attempt=1)
        types, came_back = read_until_ended(hub, ref, browser)
        # One each for the look at the figures itself.
        wasted = connections(server) - made - 1
        assert wasted <= 2 + time.monotonic() - began
    finally:
        hub.close()
    # Only there it was connected at first, and a stream that had begun by then was ended.
    assert came_back <= (rights == "the logs' channels are refused")
    assert types[0] == "snapshot"
    assert types.count("item") == 3
    assert len([1 for record in caplog.records if "refuse" in record.message]) <= 2
    reader.close()
    writer.close()


def test_a_refused_right_is_one_sentence_in_each_process(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    log = RedisLog(url_of(server, "silent", "~* resetchannels +@all"), fresh_ref().account)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            log.leases.look()
    (record,) = caplog.records
    assert record.action == "log_server_wanting"  # type: ignore[attr-defined]
    assert "refuses PUBLISH" in record.message
    assert "secret" not in record.message
    log.close()


def test_a_server_that_may_evict_is_one_sentence(caplog: pytest.LogCaptureFixture) -> None:
    with valkey("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru") as server:
        log = RedisLog(server.url)
        for _ in range(3):
            log.leases.look()
            log.messages().close()
        (record,) = caplog.records
        assert "maxmemory-policy is allkeys-lru" in record.message
        log.close()


def test_a_server_whose_publish_is_renamed_takes_reports() -> None:
    with valkey("--rename-command", "PUBLISH", "hidden") as server:
        log, ref = RedisLog(server.url), fresh_ref()
        log.append(ref, [status("running")], attempt=1)
        receipt = log.append(ref, [item("a", "succeeded")], attempt=1)
        found = log.snapshot(ref)
        assert found is not None
        assert found[1] == receipt.cursor
        log.close()


@pytest.mark.parametrize("command", ["xadd", "xtrim", "expire", "del", "hset", "hsetnx", "hget"])
def test_a_user_that_may_not_do_all_of_an_append_writes_nothing(
    server: Server, command: str
) -> None:
    prefix = fresh_ref().account
    log = RedisLog(url_of(server, "half", f"{ALL} -{command}"), prefix)
    with pytest.raises(LogUnavailable, match=r"(?i)permission|may not"):
        log.append(fresh_ref(), [status("running"), item("a", "succeeded")], attempt=1)
    with redis.Redis.from_url(server.url) as admin:
        assert list(admin.scan_iter(f"{prefix}:*")) == []
    log.close()


def test_a_user_that_may_run_no_scripts_makes_no_connections_again_and_again(
    server: Server,
) -> None:
    log = RedisLog(url_of(server, "plain", f"{ALL} -@scripting"), fresh_ref().account)
    made = connections(server)
    for _ in range(30):
        with pytest.raises(LogUnavailable, match=r"(?i)permission"):
            log.append(fresh_ref(), [status("running")], attempt=1)
        with pytest.raises(LogUnavailable, match=r"(?i)permission"):
            log.leases.look()
    assert connections(server) - made <= 4
    log.close()


OPTIONS = [
    "decode_responses=True",
    "protocol=2",
    "protocol=3",
    "protocol=3&decode_responses=yes",
    "max_connections=1",
    "max_connections=1&timeout=1",
    "encoding=utf-16",
    "encoding_errors=ignore",
    "health_check_interval=1",
    "client_name=progress",
    "socket_timeout=1",
    "socket_connect_timeout=1",
    "socket_keepalive=yes",
    "retry_on_timeout=yes",
    "db=1",
]


@pytest.mark.parametrize("options", OPTIONS)
def test_every_option_of_the_url_works(server: Server, options: str) -> None:
    log, ref = RedisLog(f"{server.tcp_url}?{options}", fresh_ref().account), fresh_ref()
    messages = log.messages()
    messages.follow(ref)
    log.append(ref, [status("running")], attempt=1)
    begun = log.append(ref, [item("Füße", "succeeded")], attempt=1)
    found = log.snapshot(ref)
    assert found is not None
    assert found[1] == begun.cursor
    assert log.position(ref) is not None
    entries = log.read(ref, after=type(begun.cursor)(begun.cursor.epoch, 1))
    assert "Füße".encode() in entries[0].document  # type: ignore[index]
    log.request_cancel(ref)
    assert log.cancel_requested(ref)
    log.revoke("ada")
    log.parts.open(ref, "task", attempt=1)
    assert log.parts.is_open(ref, "task", attempt=1)
    lease = Lease(Part(JobRef("ä", "b"), "task"), "host/1", "x", 1)
    assert log.leases.take(lease).granted
    assert [held.lease for held in log.leases.look()] == [lease]
    heard: list[object] = []
    deadline = time.monotonic() + SHOWN_SECONDS
    while not any(isinstance(told, tuple) and isinstance(told[1], Message) for told in heard):
        assert time.monotonic() < deadline, heard
        heard += messages.take()
    messages.close()
    log.close()


@pytest.mark.parametrize("option", ["colour=blue", "timeout=1&ssl_cert_reqs=none"])
def test_an_option_that_there_is_not_is_one_sentence_at_once(option: str) -> None:
    with pytest.raises(ValueError, match="check what follows the question mark") as raised:
        RedisLog(f"redis://:secret@127.0.0.1:6379/0?{option}")
    assert "secret" not in str(raised.value)


def test_a_client_that_makes_text_of_bytes_is_one_sentence(server: Server) -> None:
    log = RedisLog(
        server.url,
        client_factory=lambda: redis.Redis.from_url(server.url, decode_responses=True),
    )
    with pytest.raises(LogUnavailable, match="decode_responses=False"):
        log.append(fresh_ref(), [status("running")], attempt=1)


def test_threads_wait_for_the_one_connection_that_they_may_have(server: Server) -> None:
    client = safe_client(f"{server.tcp_url}?max_connections=1")
    connection = client.connection_pool.get_connection(*_FOR)
    with pytest.raises(redis.ConnectionError):
        client.ping()
    client.connection_pool.release(connection)
    assert client.ping()
    client.close()


def test_the_rights_that_the_documents_name_are_enough(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    documented = re.search(r"ACL SETUSER progress on >… (.+)", DOCUMENT.read_text("utf-8"))
    assert documented is not None
    log, ref = RedisLog(url_of(server, "documented", documented[1])), fresh_ref()
    log.messages().close()
    log.append(ref, [status("running"), item("a", "succeeded")], attempt=1)
    log.parts.open(ref, "task", attempt=1)
    log.leases.look()
    log.revoke(ref.account)
    log.request_cancel(ref)
    assert caplog.records == []
    log.close()
