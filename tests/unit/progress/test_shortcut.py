"""What is compiled does what Python does: two hubs hear the same bytes, one of them with it."""

from __future__ import annotations

import os
import socket
import ssl
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from progress import shortcut as shortcuts
from progress.channel import Channel
from progress.cursor import Cursor
from progress.distributor import Distributor
from progress.figures import HubFigures
from progress.limits import StreamLimits
from progress.log import FeedRef, JobRef, LogRef
from progress.memory import MemoryLog
from progress.reader import Reader
from progress.redis_messages import RedisMessages
from progress.ring import MAX_BYTES, MAX_FRAMES
from progress.sockets import Write, write_to_each
from progress.writer import JOIN_SECONDS, Writer

pytestmark = pytest.mark.usefixtures("compiled")

EPOCH = 1_790_000_000_000_000
REFS: Sequence[LogRef] = (JobRef("ann", "1"), JobRef("ann", "2"), FeedRef("ann"))
#: A job's, and one that nobody here reads.
NAMES = (b"job:1", b"job:2", b"feed", b"stranger")


@pytest.fixture(scope="module")
def compiled() -> None:
    if shortcuts.is_compiled():
        return
    missing = "progress/shortcut.c was not compiled: there was no C compiler for make setup"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@dataclass
class Browser:
    """A reader's other end."""

    end: socket.socket
    got: bytes = b""
    is_closed: bool = False

    def read(self) -> None:
        if self.end.fileno() < 0:
            return
        with suppress(BlockingIOError):
            while data := self.end.recv(1 << 20, socket.MSG_DONTWAIT):
                self.got += data
            self.is_closed = True


class Half:
    """A hub's half that thinks, without its threads; the server is the other end of a socket."""

    def __init__(
        self, *, is_quick: bool, readers: Sequence[int], measures_lag: bool = False
    ) -> None:
        self.passed_on = 0
        self.server, ours = socket.socketpair()
        self.figures = HubFigures()
        self._distributor = Distributor(
            MemoryLog(),
            StreamLimits(),
            write_to_each,
            self.figures,
            measures_lag=measures_lag,
            on_ended=lambda _: None,
        )
        subscriptions = self._distributor._subscriptions
        assert subscriptions._pass_on is not None
        self._pass_on = subscriptions._pass_on
        subscriptions._pass_on = self._count if is_quick else None
        names = dict(zip(REFS, NAMES, strict=False))
        self.messages = RedisMessages(
            ours, channel=names.__getitem__, revocations=b"revoked", close=ours.close
        )
        subscriptions.begin(self.messages)
        self.browsers = [
            self._browse(ref)
            for ref, count in zip(REFS, readers, strict=True)
            for _ in range(count)
        ]

    def _count(self, fd: int, channels: dict[bytes, Any]) -> bytes | None:
        left = self._pass_on(fd, channels)
        self.passed_on += left == b""
        return left

    def _browse(self, ref: LogRef) -> Browser:
        ours, theirs = socket.socketpair()
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        self._distributor.begin(Reader(theirs.detach(), ref))
        return Browser(ours)

    def open(self, last: int) -> None:
        """The logs' positions are known, and all readers have everything."""
        for channel in self.channels:
            channel.begin(Cursor(EPOCH, last))
        for stream in self._distributor._streams:
            stream.channel.live[stream.fd] = stream

    @property
    def channels(self) -> list[Channel]:
        return list(self._distributor._channels.values())

    def hear(self, data: bytes) -> None:
        self.server.sendall(data)
        self._distributor._subscriptions._take()

    def let_time_pass(self) -> None:
        """What was to be written in a moment is written; the next is written at once."""
        for channel in self.channels:
            self._distributor._writer._flush_due(channel)
            channel.due_at = 0.0

    def read(self, number: int) -> None:
        """A browser reads all that was sent, and is sent the rest."""
        browser = self.browsers[number % len(self.browsers)]
        browser.read()
        for stream in self._distributor._streams:
            self._distributor.writable(stream.fd)
        browser.read()

    def leave(self, number: int) -> None:
        """A browser goes. It reads all before: how much it would else have is a matter of time."""
        self._read_all()
        self.browsers[number % len(self.browsers)].end.close()

    def _read_all(self) -> None:
        for _ in range(200):
            before = [len(browser.got) for browser in self.browsers]
            self.let_time_pass()
            for number in range(len(self.browsers)):
                self.read(number)
            if before == [len(browser.got) for browser in self.browsers]:
                return

    def finish(self) -> tuple[object, ...]:
        """Everything that can be told of it once all have read all."""
        self._read_all()
        return (
            [(browser.got, browser.is_closed) for browser in self.browsers],
            [
                (channel.epoch, channel.sent, channel.ended, channel.asked, len(channel.live))
                for channel in self.channels
            ],
            [
                (ring.last, list(ring._frames), ring._bytes)
                for ring in (channel.ring for channel in self.channels)
                if ring is not None
            ],
            # What is written to one who has gone counts, and is more or less of a moment's.
            all(browser.end.fileno() >= 0 for browser in self.browsers) and self.figures.deliveries,
        )

    @property
    def has_slow_readers(self) -> bool:
        return any(channel.lagging for channel in self.channels)

    def end_connection(self) -> None:
        self.server.shutdown(socket.SHUT_WR)
        self._distributor._subscriptions._take()

    def close(self) -> None:
        for browser in self.browsers:
            browser.end.close()
        self._distributor.drain()
        self._distributor._loop.discard()
        self.server.close()


@contextmanager
def halves(
    readers: Sequence[int] = (1, 1, 1), last: int = 0, *, measures_lag: bool = False
) -> Iterator[tuple[Half, Half]]:
    both = tuple(
        Half(is_quick=is_quick, readers=readers, measures_lag=measures_lag)
        for is_quick in (True, False)
    )
    try:
        for half in both:
            half.open(last)
        yield both
    finally:
        for half in both:
            half.close()


def bulk(data: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(data), data)


def published(name: bytes, data: bytes, *, kind: bytes = b"message", sign: bytes = b">") -> bytes:
    return sign + b"3\r\n" + bulk(kind) + bulk(name) + bulk(data)


def batch(seq: int, *documents: bytes, epoch: int = EPOCH) -> bytes:
    return b"\n".join((b"%d-%d" % (epoch, seq), *documents))


ITEM = b'{"type":"item","jobId":"1","label":"%b"}'
DOCUMENTS = st.one_of(
    st.builds(lambda text: ITEM % text, st.sampled_from([b"a", b"x" * 900, "é\x00".encode()])),
    st.sampled_from(
        [
            b"",
            b"\r",
            b'{"type":"status","status":"running"}',
        ]
    ),
)


@dataclass
class Server:
    """Publishes to logs, mostly in order."""

    last: dict[bytes, int]

    def message(
        self, name: bytes, documents: list[bytes], step: int, epoch: int, sign: bytes
    ) -> bytes:
        seq = max(0, self.last[name] + 1 + step)
        if step == 0 and epoch == EPOCH:
            self.last[name] += len(documents)
        return published(name, batch(seq, *documents, epoch=epoch), sign=sign)


#: Nearly all are in order, after a quiet time, and end nothing: else there is little to pass on.
MESSAGES = st.tuples(
    st.sampled_from([*NAMES[:3] * 3, NAMES[3]]),
    st.one_of(st.lists(DOCUMENTS, min_size=1, max_size=3), st.just([ITEM % b"b"] * 40)),
    st.sampled_from([0] * 20 + [-1, 1]),
    st.sampled_from([EPOCH] * 20 + [EPOCH - 1, EPOCH + 1, 2**64 - 1]),
    st.sampled_from([b">", b"*"]),
)
OTHERS = st.sampled_from(
    [
        published(b"job:1", b"1", kind=b"subscribe"),
        b">3\r\n$9\r\nsubscribe\r\n$5\r\njob:1\r\n:1\r\n",
        b">2\r\n$4\r\npong\r\n$0\r\n\r\n",
        b"+PONG\r\n",
        published(b"revoked", b"nobody"),
        published(b"job:1", b"%d-1\n{}" % 10**20),
        published(b"job:1", b"1-%d\n{}" % 10**20),
    ]
)
STEPS = st.one_of(
    st.tuples(st.just("hear"), st.booleans(), st.lists(MESSAGES, min_size=1, max_size=3)),
    st.tuples(st.just("hear"), st.just(True), st.lists(MESSAGES, min_size=1, max_size=1)),
    st.tuples(st.just("hear"), st.just(True), st.lists(st.one_of(MESSAGES, OTHERS), max_size=5)),
    st.tuples(st.just("read"), st.integers(0, 9)),
    st.tuples(st.just("leave"), st.integers(0, 9)),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    readers=st.tuples(st.integers(1, 3), st.integers(1, 2), st.just(1)),
    last=st.sampled_from([0, 7, 2**63]),
    steps=st.lists(STEPS, max_size=25),
    cuts=st.lists(st.integers(1, 400), max_size=8),
)
def test_with_it_readers_get_the_same_bytes_whatever_the_server_says(
    readers: tuple[int, int, int], last: int, steps: list[Any], cuts: list[int]
) -> None:
    server = Server(dict.fromkeys(NAMES, last))
    with halves(readers, last) as both:
        for what, *arguments in steps:
            if what != "hear":
                for half in both:
                    getattr(half, what)(*arguments)
                continue
            is_quiet, ones = arguments
            if is_quiet:
                for half in both:
                    half.let_time_pass()
            said = b"".join(one if isinstance(one, bytes) else server.message(*one) for one in ones)
            for piece in _pieces(said, cuts):
                for half in both:
                    half.hear(piece)
        assert both[0].finish() == both[1].finish()


def _pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    for cut in cuts:
        if data[:cut]:
            yield data[:cut]
        data = data[cut:]
    if data:
        yield data


NEXT = batch(3, ITEM % b"c")
LEFT = {
    "of another epoch": batch(3, b"{}", epoch=EPOCH + 1),
    "said before": batch(2, b"{}"),
    "after a hole": batch(4, b"{}"),
    "the end of a log": batch(3, b"{}", b'{"type":"status","status":"failed","jobId":"1"}'),
    "with a line end that a frame must not have": batch(3, b"{\r}"),
    "of more documents than come at once": batch(3, *[b"{}"] * 40),
    "of a number that is none": b"%d-%d\n{}" % (EPOCH, 2**64 + 3),
}


@pytest.mark.parametrize("data", LEFT.values(), ids=LEFT)
def test_what_is_not_as_ever_is_left_to_python(data: bytes) -> None:
    with halves(last=2) as both:
        for half in both:
            half.let_time_pass()
            half.hear(published(b"job:1", data))
            half.hear(published(b"job:1", NEXT))
        assert both[0].passed_on == (
            0 if data in (LEFT["the end of a log"],) else both[0].passed_on
        )
        assert both[0].finish() == both[1].finish()


def test_what_follows_the_end_of_a_log_or_waits_is_left_to_python() -> None:
    def end(channel: Channel) -> None:
        channel.ended = True

    def hold_back(channel: Channel) -> None:
        channel.flush_at = 1e9

    def have_unsent(channel: Channel) -> None:
        assert channel.ring is not None
        channel.ring.push(b"id: %d-3\ndata: {}\n\n" % EPOCH)

    for change, seq in ((end, 3), (hold_back, 3), (have_unsent, 4)):
        with halves(last=2) as both:
            for half in both:
                change(half.channels[0])
                half.hear(published(b"job:1", batch(seq, b"{}")))
            assert both[0].passed_on == 0
            assert both[0].finish() == both[1].finish()


def test_nearly_every_message_is_passed_on_by_it() -> None:
    with halves() as (half, _):
        for seq in range(1, 41, 2):
            half.let_time_pass()
            half.hear(published(b"job:1", batch(seq, ITEM % b"a", ITEM % b"b")))
            half.read(0)
        assert half.passed_on == 20
        assert half.figures.deliveries == 40
        ids = [line for line in half.browsers[0].got.splitlines() if line.startswith(b"id")]
        assert ids == [b"id: %d-%d" % (EPOCH, seq) for seq in range(1, 41)]


@pytest.mark.parametrize(("count", "size"), [(MAX_FRAMES + 90, 10), (MAX_BYTES // 900 + 20, 900)])
def test_it_keeps_as_many_frames(count: int, size: int) -> None:
    with halves() as both:
        for seq in range(1, count + 1):
            for half in both:
                half.let_time_pass()
                half.hear(published(b"job:1", batch(seq, b"x" * size)))
                half.read(0)
        assert both[0].passed_on == count
        ring = both[0].channels[0].ring
        assert ring is not None
        assert len(ring._frames) < count
        assert both[0].finish() == both[1].finish()


def test_a_reader_that_takes_little_gets_all_of_it_in_the_end() -> None:
    with halves(readers=(3, 1, 1)) as both:
        for seq in range(1, 61, 3):
            for half in both:
                half.let_time_pass()
                half.hear(published(b"job:1", batch(seq, *[b"x" * 900] * 3)))
                half.read(0)
        assert both[0].passed_on == 20
        assert both[0].has_slow_readers
        assert both[0].finish() == both[1].finish()


def test_a_reader_that_took_less_is_not_written_to_in_the_same_breath() -> None:
    assert shortcuts._shortcut is not None
    several = b"".join(published(b"job:1", batch(seq, b"x" * 900)) for seq in range(1, 16))
    # As if writing to others took long between any two: the next write is due at once.
    shortcuts._shortcut.set_rules(JOIN_SECONDS, 1e9, *shortcuts.RULES[2:])
    try:
        with halves() as (half, _):
            half.hear(several)
            assert half.has_slow_readers
            assert half.figures.deliveries < 15
            half.finish()
            assert half.browsers[0].got.count(b"x" * 900) == 15
            ids = [line for line in half.browsers[0].got.splitlines() if line.startswith(b"id")]
            assert ids == [b"id: %d-%d" % (EPOCH, seq) for seq in range(1, 16)]
    finally:
        shortcuts._shortcut.set_rules(*shortcuts.RULES)


def test_it_writes_what_comes_quickly_together_as_python_does() -> None:
    with halves() as (half, _):
        half.let_time_pass()
        half.hear(published(b"job:1", batch(1, b"a")))
        half.hear(published(b"job:1", batch(2, b"b")))
        half.read(0)
        assert half.passed_on == 1
        assert half.browsers[0].got.count(b"data") == 1
        half.let_time_pass()
        half.read(0)
        assert half.browsers[0].got.count(b"data") == 2


def test_it_reads_nothing_while_a_message_is_there_in_part() -> None:
    within = published(b"job:1", batch(1, b"{}"))
    whole = published(b"stranger", batch(1, within))
    begin = whole.index(within)
    with halves() as (half, _):
        half.let_time_pass()
        half.hear(whole[:begin])
        half.hear(whole[begin:])
        assert half.figures.deliveries == 0
        half.hear(within)
        assert half.figures.deliveries == 1


def test_a_log_that_was_left_is_written_to_no_more() -> None:
    with halves() as (half, _):
        half.messages.leave(REFS[0])
        half.let_time_pass()
        half.hear(published(b"job:1", batch(1, b"{}")))
        assert half.figures.deliveries == 0


def test_what_it_passes_on_shows_that_the_server_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with halves() as (half, _):
        later = time.monotonic() + 6
        monkeypatch.setattr(time, "monotonic", lambda: later)
        half.let_time_pass()
        half.hear(published(b"job:1", batch(1, b"{}")))
        assert half.passed_on == 1
        half.messages.check()
        assert b"PING" not in half.server.recv(1 << 16)


def test_it_does_not_read_past_an_encryption() -> None:
    ours, theirs = socket.socketpair()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    with theirs, context.wrap_socket(ours, do_handshake_on_connect=False) as encrypted:
        messages = RedisMessages(
            encrypted, channel=lambda _: b"", revocations=b"", close=encrypted.close
        )
        assert messages.take(lambda _fd, _channels: pytest.fail("it was read")) == []


def test_it_measures_how_late_what_it_writes_is() -> None:
    now = datetime.now(UTC)
    first, second = (
        b'{"type":"item","jobId":"1","at":"%b"}' % (now - age).isoformat().encode()
        for age in (timedelta(seconds=4), timedelta())
    )
    with halves(readers=(2, 1, 0), measures_lag=True) as both:
        for half in both:
            half.channels[1].live.clear()
            half.let_time_pass()
            half.hear(published(b"job:1", batch(1, first, second)))
            half.let_time_pass()
            half.hear(published(b"job:1", batch(3, b"{}")))
            half.hear(published(b"job:2", batch(1, first)))
            lag = half.figures.lag_seconds
            assert sum(lag.counts) == 1
            assert 4 <= lag.total < 5
        assert both[0].passed_on == 3


def test_a_server_that_ends_the_connection_is_as_lost() -> None:
    with halves() as both:
        for half in both:
            half.end_connection()
            assert half.figures.reconnects == 1


def test_a_failure_of_it_is_told_and_python_does_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(deque[bytes]):
        failures = 0

        def append(self, frame: bytes) -> None:
            if len(self) == 1 and not self.failures:
                self.failures += 1
                raise MemoryError
            super().append(frame)

    told: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    with halves() as (half, _):
        ring = half.channels[0].ring
        assert ring is not None
        ring._frames = Full()
        half.let_time_pass()
        half.hear(published(b"job:1", batch(1, b"a", b"b", b"c")))
        assert [type(one.exc_value) for one in told] == [MemoryError]
        half.read(0)
        texts = enumerate((b"a", b"b", b"c"), 1)
        expected = [b"id: %d-%d\ndata: %b\n\n" % (EPOCH, seq, text) for seq, text in texts]
        assert half.browsers[0].got == b"".join(expected)
        assert list(ring._frames) == expected


def test_a_reader_that_has_gone_is_known_to_have_gone() -> None:
    with halves() as (half, _):
        half.leave(0)
        half.let_time_pass()
        half.hear(published(b"job:1", batch(1, b"a")))
        assert half.passed_on == 1
        assert not half.channels[0].live
        assert not half.channels[0].lagging


def test_what_was_joined_for_readers_that_come_back_is_joined_anew() -> None:
    with halves() as (half, _):
        channel = half.channels[0]
        for seq in (1, 3):
            half.let_time_pass()
            half.hear(published(b"job:1", batch(seq, b"a", b"b")))
            caught_up = channel.opening(Cursor(EPOCH, 0))
            assert caught_up is not None
            assert caught_up[0].count(b"id: ") == seq + 1


def test_it_stands_back_where_something_else_is_to_write_or_it_is_switched_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def found(write: Write = write_to_each) -> bool:
        figures, writer = HubFigures(), cast("Writer", None)
        return shortcuts.shortcut(writer, figures, write, measures_lag=False) is not None

    assert found()
    assert not found(lambda _fds, _data: [])
    monkeypatch.setenv(shortcuts.VARIABLE, "0")
    assert not found()
    monkeypatch.delenv(shortcuts.VARIABLE)
    monkeypatch.setattr(shortcuts, "_shortcut", None)
    assert not found()
