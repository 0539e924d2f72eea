"""Any sequence of operations on a log: both logs answer alike, and as a plain list would.

The model is a list of events for each epoch, and the state each epoch began with.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from progress.cursor import Cursor
from progress.errors import WriteRefused
from progress.events import FeedSnapshot, ItemStatus, JobStatus, Snapshot, parse_event
from progress.log import FeedRef, Gap, LogRef, Receipt
from progress.memory import MemoryLog
from progress.redis import RedisLog
from progress.redis.keys import Keys
from progress.reports import (
    CountsReport,
    ErrorReport,
    ItemReport,
    NoteReport,
    PhaseEndReport,
    PhaseReport,
    Report,
    ResultReport,
    StatusReport,
    TotalReport,
)
from progress.rules.snapshot import fold, fold_feed
from progress.testing import ForgetfulLog, ManualClock, fresh_ref
from tests.servers import Server

AT = 1_790_000_000.0
COUNTS = st.integers(min_value=0, max_value=8)
REPORTS: st.SearchStrategy[Report] = st.one_of(
    st.builds(
        ItemReport,
        st.sampled_from(["a", "b", "c", "d\t", "é\n"]),
        st.sampled_from(["song", "playlist"]),
        st.sampled_from(list(ItemStatus)),
        st.just(AT),
        st.sampled_from([None, "A label"]),
        st.just(None),
        st.just(None),
        st.sampled_from([None, "no"]),
        st.sampled_from([None, 1.0, 1.5, 61.037, 3600.1]),
    ),
    st.builds(
        StatusReport,
        st.sampled_from([JobStatus.PENDING, JobStatus.RUNNING, JobStatus.RETRYING]),
        st.just(AT),
        st.sampled_from([None, "soon"]),
    ),
    st.builds(TotalReport, COUNTS, st.just(AT)),
    st.builds(CountsReport, COUNTS, st.just(AT), st.one_of(st.none(), COUNTS)),
    st.builds(
        PhaseReport,
        st.just("a phase"),
        st.just(AT),
        st.integers(min_value=1, max_value=3),
        st.just(3),
        st.sampled_from([0.0, 1 / 3, 0.7]),
        st.sampled_from([0.3, 1 / 7]),
        st.just(1.1),
        st.one_of(st.none(), COUNTS),
    ),
    st.builds(PhaseEndReport, st.integers(min_value=1, max_value=3), st.just(AT)),
    st.builds(
        NoteReport,
        st.sampled_from(["one", "two\t\n\x1f"]),
        st.just(AT),
        st.sampled_from([None, b'{"n":1}']),
    ),
    st.builds(ResultReport, st.sampled_from([b"null", b'{"a":"\\t"}', b"[1.5]"]), st.just(AT)),
    st.builds(ErrorReport, st.sampled_from(["It broke", "Again"]), st.just("broken"), st.just(AT)),
)
#: A cursor as a number of epochs before the present one, and a position near its end.
CURSORS = st.tuples(st.integers(-1, 2), st.integers(-12, 3))


@dataclass
class Epochs:
    """The epochs of one log, so that two logs' cursors can be compared."""

    seen: list[int] = field(default_factory=list)

    def of(self, cursor: Cursor) -> tuple[int, int]:
        if not self.seen or cursor.epoch != self.seen[-1]:
            assert cursor.epoch not in self.seen
            self.seen.append(cursor.epoch)
        return len(self.seen), cursor.seq

    def cursor(self, back: int, seq: int) -> Cursor:
        if back < 0:
            return Cursor((self.seen[-1] if self.seen else 1) - back, max(0, seq))
        if back >= len(self.seen):
            return Cursor(1, max(0, seq))
        return Cursor(self.seen[-1 - back], max(0, seq))


@dataclass
class Model:
    """A job's log as a list."""

    epoch: int = 0
    base: Snapshot | None = None
    events: list[bytes] = field(default_factory=list)

    def snapshot(self) -> Snapshot | None:
        state = self.base
        for document in self.events:
            state = fold(state, parse_event(document))
        return state


class LogMachine(RuleBasedStateMachine):
    """A log in memory and one in a server, step by step."""

    server: Server

    @initialize()
    def begin(self) -> None:
        self.clock = ManualClock()
        self.latest = self.clock.seconds
        self.memory = ForgetfulLog(clock=self.clock)
        self.redis = RedisLog(self.server.url, clock_us=self.clock.microseconds)
        self.ref = fresh_ref()
        self.keys = Keys.of(self.ref, self.redis.prefix)
        self.epochs = {id(log): Epochs() for log in (self.memory, self.redis)}
        self.model = Model()
        self.attempt = 1

    def teardown(self) -> None:
        if hasattr(self, "redis"):
            self.redis.close()

    # -- what can happen ---------------------------------------------------------------

    @rule(
        reports=st.lists(REPORTS, max_size=6),
        step=st.sampled_from([0, 0, 0, 1, -1]),
        seen=st.one_of(st.none(), CURSORS),
        twice=st.booleans(),
    )
    def append(
        self, reports: list[Report], step: int, seen: tuple[int, int] | None, twice: bool
    ) -> None:
        attempt = max(1, self.attempt + step)
        for _ in range(1 + twice):
            self._append(reports, attempt, seen)

    @rule(status=st.sampled_from([s for s in JobStatus if s.is_terminal]), chance=st.integers(0, 5))
    def end(self, status: JobStatus, chance: int) -> None:
        if chance == 0:
            self._append([StatusReport(status, AT)], self.attempt, None)

    @rule(seconds=st.sampled_from([0.1, 0.6, 5.0, -3600.0, 3600.0]))
    def let_time_pass(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.latest = max(self.latest, self.clock.seconds)

    @rule()
    def ask_for_a_cancel(self) -> None:
        for log in (self.memory, self.redis):
            log.request_cancel(self.ref)

    @rule(lose=st.sets(st.sampled_from(["log", "items", "state"]), min_size=1))
    def lose_keys(self, lose: set[str]) -> None:
        self.redis.client.delete(*(getattr(self.keys, name) for name in lose))
        if "state" in lose:
            self.memory.forget(self.ref)
            self.model = Model(self.model.epoch)
            self.attempt = 1
            return
        if "log" in lose:
            self.memory.forget_entries(self.ref)
        if "items" in lose:
            self.memory.forget_items(self.ref)

    @rule(keep=st.integers(1, 6))
    def trim(self, keep: int) -> None:
        self.redis.client.xtrim(self.keys.log, maxlen=keep, approximate=False)
        record = self.memory._record(self.ref)
        while record is not None and len(record.entries) > keep:
            record.entries.popleft()

    @rule(cursor=CURSORS, limit=st.integers(1, 20))
    def come_back(self, cursor: tuple[int, int], limit: int) -> None:
        one, other = (self._read(log, cursor, limit) for log in (self.memory, self.redis))
        assert one == other
        if isinstance(one, list) and cursor[0] == 0:
            seq = max(0, self._seq() + cursor[1])
            assert [document for _, document in one] == [
                json.loads(event) for event in self.model.events[seq : seq + limit]
            ]

    # -- what must hold ----------------------------------------------------------------

    @invariant()
    def both_hold_the_fold_of_the_list(self) -> None:
        if not hasattr(self, "model"):
            return
        one, other = (self._state(log, self.ref) for log in (self.memory, self.redis))
        assert one == other
        if one is not None:
            assert one[0] == self.model.snapshot()

    @invariant()
    def nothing_lasts_for_ever(self) -> None:
        if not hasattr(self, "model"):
            return
        for key in (self.keys.log, self.keys.state, self.keys.items):
            # -2 is a key that does not exist, -1 one that lasts.
            assert self.redis.client.ttl(key) != -1, key

    @invariant()
    def both_feeds_agree_and_are_the_fold_of_their_events(self) -> None:
        if not hasattr(self, "model"):
            return
        feed = FeedRef(self.ref.account)
        states = [self._state(log, feed) for log in (self.memory, self.redis)]
        assert states[0] == states[1]
        if states[0] is None:
            return
        folded: FeedSnapshot | None = None
        for log in (self.memory, self.redis):
            state = log.snapshot(feed)
            assert state is not None
            entries = log.read(feed, after=Cursor(state[1].epoch, 0))
            assert not isinstance(entries, Gap)
            folded = None
            for entry in entries:
                folded = fold_feed(folded, parse_event(entry.document))
            assert state[0] == folded

    # -- how ----------------------------------------------------------------------------

    def _append(
        self, reports: Sequence[Report], attempt: int, seen: tuple[int, int] | None
    ) -> None:
        if self.redis.snapshot(self.ref) is None:
            # A server that lost all and whose clock was set back numbers epochs from that clock:
            # still new ones, but not greater ones, which the comparison here relies on.
            self.clock.seconds = self.latest = self.latest + 0.01
        before = {id(log): log.snapshot(self.ref) for log in (self.memory, self.redis)}
        answers = [self._answer(log, reports, attempt, seen) for log in (self.memory, self.redis)]
        assert answers[0] == answers[1]
        if not isinstance(answers[0], tuple):
            return
        self.attempt = attempt
        (epoch, seq), *_ = answers[0]
        if epoch != self.model.epoch:
            known = before[id(self.memory)]
            base = known[0] if known is not None else None
            assert base is None or isinstance(base, Snapshot)
            self.model = Model(epoch, base)
        assert seq >= len(self.model.events)
        after = self.epochs[id(self.memory)].cursor(0, len(self.model.events))
        if seq > len(self.model.events):
            entries = self.memory.read(self.ref, after=after)
            assert not isinstance(entries, Gap)
            self.model.events += [entry.document for entry in entries]
        assert seq == len(self.model.events)

    def _answer(
        self,
        log: MemoryLog | RedisLog,
        reports: Sequence[Report],
        attempt: int,
        seen: tuple[int, int] | None,
    ) -> Any:
        try:
            receipt: Receipt = log.append(
                self.ref, reports, attempt=attempt, seen=self._cursor(log, seen)
            )
        except WriteRefused as refusal:
            return str(refusal)
        place = self.epochs[id(log)].of(receipt.cursor)
        return place, receipt.attempt, receipt.cancel_requested, receipt.lost

    def _seq(self) -> int:
        return len(self.model.events)

    def _cursor(self, log: MemoryLog | RedisLog, said: tuple[int, int] | None) -> Cursor | None:
        return None if said is None else self.epochs[id(log)].cursor(said[0], self._seq() + said[1])

    def _read(self, log: MemoryLog | RedisLog, said: tuple[int, int], limit: int) -> Any:
        cursor = self._cursor(log, said)
        assert cursor is not None
        found = log.read(self.ref, after=cursor, limit=limit)
        if isinstance(found, Gap):
            return "gap"
        return [(entry.cursor.seq, json.loads(entry.document)) for entry in found]

    def _state(self, log: MemoryLog | RedisLog, ref: LogRef) -> Any:
        state = log.snapshot(ref)
        return None if state is None else (state[0], state[1].seq)


def test_both_logs_answer_as_a_list_would_whatever_happens(valkey_server: Server) -> None:
    LogMachine.server = valkey_server
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        LogMachine, settings=settings(max_examples=120, deadline=None, stateful_step_count=40)
    )
