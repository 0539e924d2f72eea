"""The log in a real server passes the contract, and tests of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from progress.events import Snapshot
from progress.log import FeedRef, Log, Retention
from progress.redis import RedisLog
from progress.redis.keys import Keys
from progress.reports import TotalReport
from progress.testing import (
    AliasContract,
    CancelContract,
    LeaseContract,
    LogContract,
    ManualClock,
    PartContract,
    QueueContract,
    RestartContract,
    ResumeContract,
    RevocationContract,
    RunContract,
    events_of,
    folded_feed,
    fresh_ref,
    item,
    status,
)
from tests.servers import Server

MakeLog = Callable[[Retention], RedisLog]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


class TestRedisLog(
    LogContract,
    RevocationContract,
    CancelContract,
    ResumeContract,
    LeaseContract,
    PartContract,
    AliasContract,
    RunContract,
    RestartContract,
    QueueContract,
):
    @pytest.fixture
    def log(self, valkey_server: Server, clock: ManualClock) -> Iterator[Log]:
        log = RedisLog(valkey_server.url, uuid4().hex, clock_us=clock.microseconds)
        yield log
        log.close()

    def test_what_the_feed_held_back_keeps_its_attempt(self, log: Log) -> None:
        ref = fresh_ref()
        feed = FeedRef(ref.account)
        for attempt, total in ((1, 1), (2, 2), (3, 2)):
            reports = [item("a", "queued"), TotalReport(total, 0.0)]
            log.append(ref, reports, attempt=attempt)
        held_back = log.snapshot(feed)
        log.append(ref, [], attempt=3)
        state = log.snapshot(feed)
        assert state is not None
        assert state != held_back
        assert state[0] == folded_feed(events_of(log, feed))


@pytest.fixture
def make_log(valkey_server: Server) -> Iterator[MakeLog]:
    """Makes logs by the server's own clock."""
    made: list[RedisLog] = []

    def make(retention: Retention) -> RedisLog:
        made.append(RedisLog(valkey_server.url, retention=retention))
        return made[-1]

    yield make
    for log in made:
        log.close()


def test_a_server_that_forgot_the_script_is_told_it_again(make_log: MakeLog) -> None:
    log, ref = make_log(Retention()), fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    for seq in range(2, 6):
        log.client.script_flush()
        assert log.append(ref, [status("running", reason=str(seq))], attempt=1).cursor.seq == seq


def test_an_append_after_its_connection_was_cut_is_one_append(make_log: MakeLog) -> None:
    log, ref = make_log(Retention()), fresh_ref()
    for seq in range(1, 6):
        said = [status("running", reason=str(seq))]
        assert log.append(ref, said, attempt=1).cursor.seq == seq
        for client in log.client.client_list():
            log.client.client_kill_filter(_id=client["id"], skipme=True)


def test_an_item_that_is_queued_again_after_its_loss_is_not_in_progress(make_log: MakeLog) -> None:
    log, ref = make_log(Retention()), fresh_ref()
    log.append(ref, [item("a", "in_progress")], attempt=1)
    log.client.delete(Keys.of(ref, log.prefix).items)
    log.append(ref, [item("a", "queued")], attempt=1)
    state = log.snapshot(ref)
    assert state is not None
    assert isinstance(state[0], Snapshot)
    assert state[0].items_in_progress == ()


def test_an_item_that_is_spoken_of_again_after_its_loss_is_failed_only_where_it_failed_again(
    make_log: MakeLog,
) -> None:
    log, ref = make_log(Retention()), fresh_ref()
    log.append(ref, [item(name, "failed") for name in "abc"], attempt=1)
    log.client.delete(Keys.of(ref, log.prefix).items)
    log.append(ref, [item("b", "queued"), item("a", "failed")], attempt=1)
    state = log.snapshot(ref)
    assert state is not None
    assert isinstance(state[0], Snapshot)
    assert [failed.item_id for failed in state[0].failed_items] == ["c", "a"]


def _ttls(log: RedisLog, keys: Keys) -> list[int]:
    return [log.client.ttl(key) for key in (keys.log, keys.state, keys.items, keys.run)]


def test_what_is_made_anew_is_told_how_long_it_lasts(make_log: MakeLog) -> None:
    log, ref = make_log(Retention(live_seconds=1_000, ended_seconds=100)), fresh_ref()
    keys, feed = Keys.of(ref, log.prefix), Keys.of(FeedRef(ref.account), log.prefix)
    log.append(ref, [status("running")], attempt=1)
    log.append(ref, [item("a", "queued")], attempt=1)
    assert all(990 < ttl <= 1_000 for ttl in _ttls(log, keys))
    assert 990 < log.client.ttl(feed.log) <= 1_000
    for lost in (keys.log, keys.state, keys.items, keys.run):
        log.client.delete(lost)
        log.append(ref, [item(lost, "queued")], attempt=1)
        assert all(990 < ttl <= 1_000 for ttl in _ttls(log, keys)), lost
    log.append(ref, [status("completed")], attempt=1)
    assert all(90 < ttl <= 100 for ttl in _ttls(log, keys))


def test_a_log_that_is_written_to_outlasts_the_time_it_would_last_alone(make_log: MakeLog) -> None:
    log, ref = make_log(Retention(live_seconds=2)), fresh_ref()
    began, number = time.monotonic(), 0
    while time.monotonic() < began + 3:
        number += 1
        log.append(ref, [item(str(number), "queued")], attempt=1)
        assert min(_ttls(log, Keys.of(ref, log.prefix))) >= 1
        time.sleep(0.05)
    position = log.position(ref)
    assert position is not None
    assert position.cursor.seq >= number


def test_of_a_log_that_grows_by_one_event_at_a_time_only_the_newest_are_kept(
    make_log: MakeLog,
) -> None:
    log, ref = make_log(Retention(job_events=200)), fresh_ref()
    for number in range(1_000):
        log.append(ref, [item(str(number), "queued")], attempt=1)
    # Redis drops whole nodes of a hundred entries.
    assert 200 <= log.client.xlen(Keys.of(ref, log.prefix).log) <= 350


def _calls(log: RedisLog, command: str) -> int:
    """How often the server ran a command."""
    calls = log.client.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})["calls"]
    return int(calls)


def test_a_stream_is_trimmed_once_for_every_fifty_of_its_events(make_log: MakeLog) -> None:
    log, ref = make_log(Retention()), fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    trims = []
    for number in range(1, 120):
        before = _calls(log, "xtrim")
        log.append(ref, [item(str(number), "queued", at=0.0), TotalReport(1, 0.0)], attempt=1)
        position = log.position(ref)
        assert position is not None
        if _calls(log, "xtrim") > before:
            trims.append(position.cursor.seq)
    assert len(trims) == position.cursor.seq // 50 >= 2
    assert all(seq % 50 < 2 for seq in trims)


@pytest.mark.parametrize(("live_seconds", "every_seconds"), [(100_000, 60), (100, 10)])
def test_how_long_keys_last_is_said_once_a_minute_and_ten_times_in_their_life(
    valkey_server: Server, live_seconds: int, every_seconds: int
) -> None:
    clock = ManualClock()
    log = RedisLog(
        valkey_server.url,
        retention=Retention(live_seconds=live_seconds),
        clock_us=clock.microseconds,
    )
    ref = fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    said = []
    for seconds in (every_seconds - 0.001, 0.001, every_seconds - 1, 1, 0.5):
        before = _calls(log, "expire")
        clock.advance(seconds)
        log.append(ref, [], attempt=1)
        said.append(_calls(log, "expire") > before)
    assert said == [False, True, False, True, False]
    log.close()
