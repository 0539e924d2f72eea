"""When frames are written: at once after a quiet time, and joined where they come quickly."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable

import pytest

from progress.cursor import Cursor
from progress.hub import writer
from progress.hub.channel import Channel, Stream
from progress.hub.kept import Kept
from progress.hub.writer import Writer
from progress.log import Entry
from progress.metrics import HubMetrics
from progress.testing import fresh_ref


class Desk:
    """One log with one reader, a writer, and a time that only goes on when told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, write_seconds: float = 0.0) -> None:
        self.now = 1_000.0
        self.due: list[tuple[float, int, Callable[[], None]]] = []
        #: When was written, and up to which position.
        self.written: list[tuple[float, int]] = []
        self.appended: list[float] = []
        self._write_seconds = write_seconds
        monkeypatch.setattr(writer.time, "monotonic", lambda: self.now)
        self.writer = Writer(
            self,  # type: ignore[arg-type] # only its times are asked for
            self._write,
            HubMetrics(),
            self,
        )
        self.channel = Channel(fresh_ref())
        self.channel.kept = self.kept = Kept(Cursor(1, 0), can_end=True)
        self.channel.delivery.live[0] = Stream(0, self.channel, ends_at=1e9)

    def behind(self, stream: Stream, cursor: Cursor | None) -> None:
        pytest.fail("nobody is behind")

    def ended(self, stream: Stream) -> None: ...

    def at(self, when: float, do: Callable[[], None]) -> None:
        heapq.heappush(self.due, (when, len(self.due), do))

    def _write(self, _fds: Iterable[int], _data: bytes) -> list[tuple[int, int]]:
        self.written.append((self.now, self.kept.ring.last))
        self.now += self._write_seconds
        return []

    def append_at(self, when: float) -> None:
        while self.due and self.due[0][0] <= when:
            moment, _, do = heapq.heappop(self.due)
            self.now = max(self.now, moment)
            do()
        self.now = max(self.now, when)
        self.appended.append(when)
        self.kept.take([Entry(Cursor(1, len(self.appended)), b"{}")])
        self.writer.flush_soon(self.channel)

    def finish(self) -> list[float]:
        """How late each event was, once all are written."""
        while self.due:
            moment, _, do = heapq.heappop(self.due)
            self.now = max(self.now, moment)
            do()
        late, seq = [], 0
        for moment, last in self.written:
            late += [moment - self.appended[number] for number in range(seq, last)]
            seq = last
        assert seq == len(self.appended)
        return late


def test_an_event_after_a_quiet_time_goes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch)
    for number in range(10):
        desk.append_at(1_000 + number)
    assert max(desk.finish()) == 0
    assert len(desk.written) == 10


def test_events_every_50_ms_give_or_take_wait_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch)
    for number in range(200):
        desk.append_at(1_000 + number * 0.05 + (number * 7 % 5) / 500)
    assert max(desk.finish()) == 0


def test_of_events_every_10_ms_some_five_are_joined_and_none_waits_longer_than_50_ms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(monkeypatch)
    for number in range(500):
        desk.append_at(1_000 + number * 0.01)
    assert max(desk.finish()) <= writer.JOIN_SECONDS + 1e-6
    assert len(desk.written) <= 5 / writer.JOIN_SECONDS + 2


def test_where_writing_takes_long_it_leaves_time_to_take_in_what_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(monkeypatch, write_seconds=0.1)
    for number in range(500):
        desk.append_at(1_000 + number * 0.01)
    late = desk.finish()
    assert len(desk.written) * 0.1 <= (desk.now - 1_000) * 0.7
    assert max(late) < 0.3
