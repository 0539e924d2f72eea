"""Many streams in one thread: each reader gets every frame once, in order, whatever it does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from progress.cursor import Cursor
from progress.errors import LogUnavailable, ServerFull, TooManyStreams
from progress.hub import Hub
from progress.hub.channel import Channel
from progress.hub.open_streams import RENEW_SECONDS
from progress.hub.writer import Writer
from progress.limits import StreamLimits
from progress.log import FeedRef, JobRef
from progress.memory import MemoryLog
from progress.memory.messages import MemoryMessages
from progress.testing import ForgetfulLog, entries_of, fresh_ref, item, status
from tests.unit.progress.hub.browsers import WAIT_SECONDS, browse, close_all


@pytest.fixture(autouse=True)
def close_browsers() -> Iterator[None]:
    yield
    close_all()


@pytest.fixture
def log() -> ForgetfulLog:
    return ForgetfulLog()


@pytest.fixture
def hub(log: MemoryLog) -> Iterator[Hub]:
    hub = Hub(log)
    yield hub
    hub.close()


def test_a_reader_gets_a_snapshot_and_then_every_event_to_the_end(hub: Hub, log: MemoryLog) -> None:
    ref = fresh_ref()
    log.append(ref, [status("running"), item("a", "in_progress")], attempt=1)
    browser = browse(hub, ref)
    browser.read_first()
    for number in range(50):
        log.append(ref, [item(str(number), "succeeded")], attempt=1)
    log.append(ref, [status("completed")], attempt=1)
    events = browser.read_until_closed()
    assert events[0]["type"] == "snapshot"
    expected = entries_of(log, ref)
    first = Cursor.parse(browser.ids[0]).seq
    assert browser.ids[1:] == [str(entry.cursor) for entry in expected[first:]]
    assert browser.parser.retry_ms is not None


@pytest.mark.parametrize("seq", [0, 1, 5, 20])
def test_a_reader_that_comes_back_gets_what_it_missed(hub: Hub, log: MemoryLog, seq: int) -> None:
    ref = fresh_ref()
    for number in range(20):
        log.append(ref, [item(str(number), "queued")], attempt=1)
    entries = entries_of(log, ref)
    browser = browse(hub, ref, Cursor(entries[0].cursor.epoch, seq))
    log.append(ref, [status("failed")], attempt=1)
    browser.read_until_closed()
    assert browser.ids == [str(entry.cursor) for entry in entries_of(log, ref)[seq:]]


def test_many_readers_of_many_jobs_each_get_all_of_theirs(hub: Hub, log: MemoryLog) -> None:
    refs = [fresh_ref() for _ in range(10)]
    for ref in refs:
        log.append(ref, [status("running")], attempt=1)
    all_of_them = [(ref, browse(hub, ref)) for ref in refs for _ in range(5)]
    for number in range(30):
        for ref in refs:
            log.append(ref, [item(str(number), "succeeded")], attempt=1)
    for ref in refs:
        log.append(ref, [status("completed")], attempt=1)
    for ref, browser in all_of_them:
        browser.read_until_closed()
        last = entries_of(log, ref)[-1].cursor
        seqs = [Cursor.parse(id_).seq for id_ in browser.ids]
        assert seqs == list(range(seqs[0], last.seq + 1))


def test_a_reader_that_stops_reading_is_caught_up_when_it_reads_again(
    hub: Hub, log: MemoryLog
) -> None:
    ref = fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    slow = browse(hub, ref)
    slow.read_first()
    for number in range(1_500):
        log.append(ref, [item(f"{number}" + "x" * 150, "succeeded")], attempt=1)
        if number % 100 == 0:
            time.sleep(0.06)
    log.append(ref, [status("completed")], attempt=1)
    slow.read_until_closed()
    seqs = [Cursor.parse(id_).seq for id_ in slow.ids]
    snapshots = [event for event in slow.events if event["type"] == "snapshot"]
    assert seqs == sorted(set(seqs))
    assert seqs[-1] == entries_of_last(log, ref)
    if len(snapshots) == 1:
        assert seqs == list(range(seqs[0], seqs[-1] + 1))


def entries_of_last(log: MemoryLog, ref: JobRef) -> int:
    state = log.snapshot(ref)
    assert state is not None
    return state[1].seq


def test_a_job_without_a_log_is_shown_when_it_begins(hub: Hub, log: MemoryLog) -> None:
    ref = fresh_ref()
    browser = browse(hub, ref)
    browser.read(seconds=0.2)
    assert browser.events == []
    log.append(ref, [status("running")], attempt=1)
    log.append(ref, [status("completed")], attempt=1)
    assert browser.read_until_closed()[-1]["status"] == "completed"


def test_a_feed_of_nothing_is_shown_empty_and_then_what_comes(hub: Hub, log: MemoryLog) -> None:
    ref = fresh_ref()
    browser = browse(hub, FeedRef(ref.account))
    browser.read_first()
    assert browser.events[0]["jobs"] == []
    assert browser.ids == [""]
    log.append(ref, [status("running")], attempt=1)
    while not any(browser.ids):
        browser.read()
    assert "running" in browser.parser.events[-1][1]


def test_a_log_that_is_lost_is_shown_anew(hub: Hub, log: ForgetfulLog) -> None:
    ref = fresh_ref()
    log.append(ref, [item("a", "succeeded")], attempt=1)
    browser = browse(hub, ref)
    browser.read_first()
    log.forget(ref)
    log.append(ref, [item("b", "succeeded")], attempt=1)
    log.append(ref, [status("completed")], attempt=1)
    events = browser.read_until_closed()
    assert [event["type"] for event in events].count("snapshot") == 2
    assert events[-1]["status"] == "completed"


def test_a_reader_that_leaves_is_forgotten(hub: Hub, log: MemoryLog) -> None:
    ref = fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    mine = [browse(hub, ref) for _ in range(20)]
    for browser in mine:
        browser.read_first()
        browser.socket.close()
    deadline = time.monotonic() + WAIT_SECONDS
    while hub.streams:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_closing_ends_every_stream_between_frames_with_a_hint(log: MemoryLog) -> None:
    hub, ref = Hub(log, StreamLimits(streams_per_account=50)), fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    mine = [browse(hub, ref) for _ in range(50)]
    for browser in mine:
        browser.read_first()
        browser.parser.retry_ms = None
    began = time.monotonic()
    hub.close()
    assert time.monotonic() - began < 2
    for browser in mine:
        browser.read_until_closed()
        assert browser.parser.retry_ms is not None


def test_a_stream_ends_after_its_life_and_an_idle_one_is_kept_alive(log: MemoryLog) -> None:
    hub = Hub(log, StreamLimits(keep_alive_seconds=0.3, life_seconds=2))
    ref = fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    browser = browse(hub, ref)
    browser.read_until_closed()
    assert browser.parser.comments >= 1
    hub.close()


def test_a_log_that_could_not_be_looked_after_once_is_looked_after_again(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_alive, failed = Writer.keep_alive, []

    def fail_once(self: Writer, channel: Channel, now: float) -> None:
        if not failed:
            failed.append(channel)
            raise ZeroDivisionError("a bug of ours")
        keep_alive(self, channel, now)

    monkeypatch.setattr(Writer, "keep_alive", fail_once)
    hub = Hub(log, StreamLimits(keep_alive_seconds=0.3, life_seconds=4))
    browsers = []
    for ref in (fresh_ref(), fresh_ref()):
        log.append(ref, [status("running")], attempt=1)
        browsers.append(browse(hub, ref))
    for browser in browsers:
        browser.read_until_closed()
        assert browser.parser.comments >= 2
    assert failed
    hub.close()


def test_a_stream_past_the_accounts_cap_or_the_processs_is_refused(log: MemoryLog) -> None:
    hub, ref = Hub(log, StreamLimits(streams_per_account=2, streams=3)), fresh_ref()
    for _ in range(2):
        hub.admit(ref.account)
    with pytest.raises(TooManyStreams, match="2 streams are open already"):
        hub.admit(ref.account)
    hub.admit("another")
    with pytest.raises(ServerFull, match="as many streams open as it can"):
        hub.admit("a third")
    hub.give_up(ref.account)
    hub.admit("a third")
    assert hub.streams == 3


def test_no_descriptor_is_left(log: MemoryLog) -> None:
    ref = fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    before = len(list(Path("/proc/self/fd").iterdir()))
    hub = Hub(log)
    mine = [browse(hub, ref) for _ in range(10)]
    hub.close()
    for browser in mine:
        browser.socket.close()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_a_connection_that_is_made_as_the_hub_ends_is_closed() -> None:
    asked, go = threading.Event(), threading.Event()
    made: list[MemoryMessages] = []

    class SlowLog(MemoryLog):
        def messages(self) -> MemoryMessages:
            asked.set()
            go.wait(WAIT_SECONDS)
            made.append(super().messages())
            return made[-1]

    hub = Hub(SlowLog())
    browse(hub, fresh_ref())
    assert asked.wait(WAIT_SECONDS)
    distributor = hub._distributor
    assert distributor is not None
    ending = threading.Thread(target=hub.close)
    ending.start()
    distributor._loop._thread.join(WAIT_SECONDS)
    go.set()
    ending.join()
    assert made[0].fileno() == -1


def test_who_comes_late_to_a_job_that_is_over_is_shown_its_end_alone(
    hub: Hub, log: MemoryLog
) -> None:
    ref = fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    browse(hub, ref).read_first()
    log.append(ref, [item("a", "succeeded"), status("completed")], attempt=1)
    for _ in range(2):
        events = browse(hub, ref).read_until_closed()
        assert [(event["type"], event["status"]) for event in events] == [("snapshot", "completed")]


def test_a_revocation_ends_the_accounts_streams_with_a_hint_and_nobody_elses(
    hub: Hub, log: MemoryLog
) -> None:
    mine, other = fresh_ref(), fresh_ref()
    for ref in (mine, other):
        log.append(ref, [status("running")], attempt=1)
    assert mine.account != other.account
    ended = [browse(hub, mine), browse(hub, FeedRef(mine.account))]
    kept = browse(hub, other)
    for browser in (*ended, kept):
        browser.read_first()
        browser.parser.retry_ms = None
    log.revoke(mine.account)
    for browser in ended:
        browser.read_until_closed()
        assert browser.parser.retry_ms is not None
    log.append(other, [status("completed")], attempt=1)
    assert kept.read_until_closed()[-1]["status"] == "completed"
    assert hub.metrics.revoked == 2


def test_who_was_let_in_before_a_revocation_and_comes_after_it_is_shown_nothing(
    hub: Hub, log: MemoryLog
) -> None:
    ref = fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    browse(hub, ref).read_first()
    let_in_at = time.monotonic()
    log.revoke(ref.account)
    assert browse(hub, ref, authorized_at=let_in_at).read_until_closed() == []
    assert browse(hub, ref, authorized_at=time.monotonic()).read_first()


def test_a_reader_that_takes_nothing_for_too_long_is_dropped(log: MemoryLog) -> None:
    hub, ref = Hub(log, StreamLimits(stalled_seconds=1)), fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    browse(hub, ref).read_first()
    for number in range(1_000):
        log.append(ref, [item(f"{number}" + "x" * 1_000, "succeeded")], attempt=1)
    deadline = time.monotonic() + WAIT_SECONDS
    while hub.streams:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert hub.metrics.slow_drops == 1
    hub.close()


class CutLog(MemoryLog):
    """A log whose messages can be cut off, and then cannot be had for a while."""

    is_cut = False

    def messages(self) -> MemoryMessages:
        if self.is_cut:
            raise LogUnavailable("cut")
        messages = super().messages()
        messages.check = self._check  # type: ignore[method-assign]
        return messages

    def _check(self) -> None:
        if self.is_cut:
            raise LogUnavailable("cut")


def test_a_sign_out_that_nobody_heard_of_ends_also_who_came_while_messages_were_cut() -> None:
    log, ref = CutLog(), fresh_ref()
    hub = Hub(log)
    log.append(ref, [status("running")], attempt=1)
    browse(hub, ref).read_first()
    log.is_cut = True
    wait_until(lambda: hub.metrics.reconnects == 1)
    late = browse(hub, ref)
    late.read_first()
    log.revoke(ref.account)
    log.is_cut = False
    late.parser.retry_ms = None
    deadline = time.monotonic() + RENEW_SECONDS + 2
    while not late.closed:
        assert time.monotonic() < deadline
        late.read()
    assert late.parser.retry_ms is not None
    hub.close()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_log_that_is_lost_and_begins_lower_is_shown_event_by_event(
    hub: Hub, log: ForgetfulLog
) -> None:
    ref = fresh_ref()
    for number in range(20):
        log.append(ref, [item(str(number), "succeeded")], attempt=1)
    browser = browse(hub, ref)
    browser.read_first()
    log.forget(ref)
    log.append(ref, [item("a", "succeeded")], attempt=1)
    wait_until(lambda: browser.read() or "snapshot" in str(browser.events[1:]))
    for name in ("b", "c"):
        log.append(ref, [item(name, "succeeded")], attempt=1)
        wait_until(lambda name=name: browser.read() or f"'{name}'" in str(browser.events))
