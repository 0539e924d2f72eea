"""The rules in Python and in the server are twins: a constant that one of them changes is seen.

One fixed scenario goes to a log in memory and to one in a server, and both must say the same
after every step. It comes close to the edge of every constant of the rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

import pytest

from progress import events
from progress.cursor import Cursor
from progress.errors import WriteRefused
from progress.events import ItemStatus, JobStatus
from progress.log import FeedRef, Gap, JobRef, LogRef, Retention
from progress.memory import MemoryLog
from progress.redis import RedisLog, connection
from progress.reports import CountsReport, PhaseReport, Report, TotalReport
from progress.rules import feed, rate, snapshot, state
from progress.rules.constants import RULES, Rules
from progress.rules.script import append_script
from progress.testing import fresh_ref, item, status
from tests.servers import Server

AT = 1_790_000_000.0
#: On each side of the edges of a quarter of a second and of half a second, and of a clock that
#: is set back.
STEPS_US = (249_999, 1, 250_000, 499_999, 1, 500_000, 250_001, 700_000, -1, 3_000_000, 333_333)


@dataclass
class Twins:
    """Two logs with one clock."""

    memory: MemoryLog
    server: RedisLog
    now_us: int = 1_790_000_000_000_000

    def append(self, ref: JobRef, *reports: Report, attempt: int = 1, step_us: int = 0) -> None:
        """Take a batch in both; they must say the same of it, of the job and of its feed."""
        self.now_us += step_us
        one, other = (self._answer(log, ref, reports, attempt) for log in self._both)
        assert one == other

    @property
    def _both(self) -> tuple[MemoryLog, RedisLog]:
        return self.memory, self.server

    def _answer(
        self, log: MemoryLog | RedisLog, ref: JobRef, reports: tuple[Report, ...], attempt: int
    ) -> Any:
        try:
            said: Any = log.append(ref, reports, attempt=attempt).cursor.seq
        except WriteRefused as refusal:
            said = str(refusal)
        return said, *(self._state(log, of) for of in (ref, FeedRef(ref.account)))

    def _state(self, log: MemoryLog | RedisLog, ref: LogRef) -> Any:
        found = log.snapshot(ref)
        if found is None:
            return None
        state, cursor = found
        entries = log.read(ref, after=Cursor(cursor.epoch, 0))
        assert not isinstance(entries, Gap)
        documents = [json.loads(entry.document) for entry in entries]
        return state, cursor.seq, documents


def scenario(twins: Twins) -> None:
    """A job for each terminal status, which comes close to the edge of every constant."""
    for end in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED):
        ref = fresh_ref()
        twins.append(ref, status("running"), PhaseReport("read", AT, 1, 2, 0.0, 1 / 3, 1.1, 7))
        for number, step_us in enumerate(STEPS_US):
            twins.append(ref, item(f"s{number}", "succeeded"), step_us=step_us)
        twins.append(ref, PhaseReport("play", AT, 2, 2, 1 / 3, 0.7, 1.1, 97), step_us=-4_000_000)
        twins.append(ref, *(item(f"f{n}", "failed", error="no") for n in range(22)))
        twins.append(ref, *(item(f"r{n}", "in_progress") for n in range(22)))
        twins.append(
            ref,
            *(item(f"w{n}", "succeeded")._replace(took_seconds=1.0 + n % 4) for n in range(8)),
        )
        for name in ("failed", "succeeded", "in_progress", "queued"):
            twins.append(ref, item(name, "queued"), step_us=200_000)
            twins.append(ref, item(name, "in_progress"), step_us=200_000)
            twins.append(ref, item(name, name), step_us=200_000)
            twins.append(ref, *(item(name, other) for other in ItemStatus), step_us=200_000)
        twins.append(ref, TotalReport(211, AT), step_us=10_000)
        twins.append(ref, step_us=10_000)
        twins.append(ref, status("retrying"), step_us=10_000)
        twins.append(ref, status("running"), CountsReport(9, AT, 300), attempt=2, step_us=900_000)
        twins.append(ref, item("f0", "succeeded"), attempt=2, step_us=2_100_000)
        twins.append(ref, status(end), item("late", "failed"), attempt=2, step_us=10_000)
        twins.append(ref, item("later", "failed"), attempt=2, step_us=10_000)


@pytest.fixture
def twins(valkey_server: Server) -> Iterator[Twins]:
    kept = Retention()
    server = RedisLog(valkey_server.url, retention=kept, clock_us=lambda: made.now_us)
    made = Twins(MemoryLog(kept, clock=lambda: made.now_us / 1e6), server)
    yield made
    server.close()


def _orders() -> Iterator[Rules]:
    changes = [
        (ItemStatus.QUEUED, 2),
        (ItemStatus.IN_PROGRESS, 1),
        (ItemStatus.IN_PROGRESS, 3),
        (ItemStatus.SUCCEEDED, 2),
        (ItemStatus.SUCCEEDED, 4),
        (ItemStatus.FAILED, 2),
    ]
    for changed, number in changes:
        order = MappingProxyType({**RULES.item_order, changed: number})
        yield replace(RULES, item_order=order)


def _terminals() -> Iterator[Rules]:
    for status_ in (*RULES.terminal_statuses, JobStatus.RETRYING):
        yield replace(RULES, terminal_statuses=RULES.terminal_statuses ^ {status_})


CHANGES: dict[str, list[Rules]] = {
    "feed_every_us": [replace(RULES, feed_every_us=us) for us in (249_999, 250_001)],
    "rate_memory_seconds": [replace(RULES, rate_memory_seconds=s) for s in (9.9, 10.1)],
    "rate_step_seconds": [replace(RULES, rate_step_seconds=s) for s in (0.499999, 0.500001)],
    "rate_parts": [replace(RULES, rate_parts=parts) for parts in (100, 1_001)],
    "fraction_parts": [replace(RULES, fraction_parts=parts) for parts in (1_000, 10_001)],
    "max_listed": [replace(RULES, max_listed=number) for number in (19, 21)],
    "max_slowest": [replace(RULES, max_slowest=number) for number in (4, 6)],
    "item_order": list(_orders()),
    "terminal_statuses": list(_terminals()),
}


def test_both_twins_say_the_same_of_the_scenario(twins: Twins) -> None:
    scenario(twins)


def test_every_constant_of_the_rules_is_among_those_that_are_changed() -> None:
    assert set(CHANGES) == {field.name for field in fields(Rules)}


@pytest.mark.parametrize("name", CHANGES)
def test_a_constant_that_only_the_server_changes_is_seen(
    name: str, twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    for changed in CHANGES[name]:
        twins.server.close()  # the next connection learns the changed script
        monkeypatch.setattr(connection, "_APPEND", append_script(changed))
        assert _differ(twins), changed


@pytest.mark.parametrize("name", CHANGES)
def test_a_constant_that_only_python_changes_is_seen(
    name: str, twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    for changed in CHANGES[name]:
        for module in (state, rate, feed, snapshot):
            monkeypatch.setattr(module, "RULES", changed)
        monkeypatch.setattr(events, "TERMINAL_STATUSES", changed.terminal_statuses)
        assert _differ(twins), changed


def _differ(twins: Twins) -> bool:
    with suppress(AssertionError):
        scenario(twins)
        return False
    return True
