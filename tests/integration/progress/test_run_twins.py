"""A run in memory and in a server: the same fields are kept, whatever is reported.

The bounds are small, so that a few reports come to each of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from progress.errors import WriteRefused
from progress.events import ItemStatus, JobStatus
from progress.log import JobRef
from progress.memory import MemoryLog
from progress.redis import RedisLog, connection
from progress.reports import (
    CountsReport,
    ErrorReport,
    ItemReport,
    NoteReport,
    PartEndReport,
    PartReport,
    PhaseEndReport,
    PhaseReport,
    Report,
    StatusReport,
    TotalReport,
)
from progress.rules import run
from progress.rules.constants import RUN_BOUNDS, RunBounds
from progress.rules.script import append_script
from progress.testing import fresh_ref
from tests.servers import Server

SMALL = RunBounds(max_attempts=3, max_phases=4, max_parts=5, max_points=6, point_every_us=1_000_000)
AT = 1_790_000_000.0


@dataclass
class Twins:
    """Two logs with one clock."""

    memory: MemoryLog
    server: RedisLog
    now_us: int = 1_790_000_000_000_000

    def append(self, ref: JobRef, reports: list[Report], attempt: int, step_us: int) -> None:
        self.now_us += step_us
        for log in (self.memory, self.server):
            with suppress(WriteRefused):
                log.append(ref, reports, attempt=attempt)
        assert self.kept(ref) == self.told(ref)
        assert self.memory.run(ref) == self.server.run(ref)

    def kept(self, ref: JobRef) -> dict[str, str]:
        job = self.memory._jobs.get(ref)
        return {} if job is None else job.run.fields

    def told(self, ref: JobRef) -> dict[str, str]:
        found = self.server.client.hgetall(self.server._keys(ref).run)
        return {name.decode(): text.decode() for name, text in found.items()}


@pytest.fixture(scope="module")
def server(valkey_server: Server) -> Iterator[RedisLog]:
    """A log with small bounds in its script."""
    patch = pytest.MonkeyPatch()
    patch.setattr(connection, "_APPEND", append_script(bounds=SMALL))
    patch.setattr(run, "RUN_BOUNDS", SMALL)
    made = RedisLog(valkey_server.url, prefix="run-twins", clock_us=lambda: NOW[0].now_us)
    yield made
    made.close()
    patch.undo()


#: The twins at work: the server's clock is theirs.
NOW: list[Twins] = []


def twins_of(server: RedisLog) -> Twins:
    memory = MemoryLog(clock=lambda: made.now_us / 1e6)
    made = Twins(memory, server)
    NOW[:] = [made]
    return made


_NAMES = st.sampled_from(["1", "2", "2.1", "3", "4", "5", "a\tb", '"', "é\n", "\x1f", ""])
_ATS = st.integers(0, 5).map(lambda seconds: AT + seconds / 4)
_ITEMS = st.builds(
    lambda name, status, at: ItemReport(name, "song", status, at),
    st.sampled_from("abcdefgh"),
    st.sampled_from(list(ItemStatus)),
    _ATS,
)
_PHASES = st.builds(
    lambda name, at, index: PhaseReport(name, at, index, 9, 0.0, 1.0, 9.0, None),
    _NAMES,
    _ATS,
    st.integers(1, 6),
)
_ENDS = st.sampled_from(sorted(status for status in JobStatus if status.is_terminal))
_REPORTS = st.one_of(
    _ITEMS,
    _PHASES,
    st.builds(PhaseEndReport, st.integers(1, 6), _ATS),
    st.builds(PartReport, _NAMES, _ATS),
    st.builds(PartEndReport, _NAMES, _ATS, _ENDS),
    st.builds(CountsReport, st.integers(0, 20), _ATS, st.none()),
    st.builds(TotalReport, st.integers(0, 20), _ATS),
    st.builds(lambda at: NoteReport("so far", at), _ATS),
    st.builds(ErrorReport, st.just("It broke"), st.just("broken"), _ATS),
    st.builds(
        StatusReport,
        st.sampled_from([JobStatus.PENDING, JobStatus.RUNNING, JobStatus.RETRYING]),
        _ATS,
        st.none(),
    ),
)
_STEPS = st.sampled_from([0, 1, 400_000, 999_999, 1_000_000, 1_000_001, 3_000_000, -700_000])
_BATCHES = st.lists(
    st.tuples(st.lists(_REPORTS, max_size=6), st.integers(0, 1), _STEPS), max_size=30
)


@settings(max_examples=60, deadline=None)
@given(batches=_BATCHES, end=_ENDS)
def test_whatever_is_reported_both_keep_the_same(
    server: RedisLog, batches: list[tuple[list[Report], int, int]], end: JobStatus
) -> None:
    twins, ref, attempt = twins_of(server), fresh_ref(), 1
    for reports, more, step_us in batches:
        attempt += more
        twins.append(ref, reports, attempt, step_us)
        assert len(twins.kept(ref)) < 60
    twins.append(ref, [StatusReport(end, AT + 9)], attempt, 10)
    assert server.client.ttl(server._keys(ref).run) > 0
    told = server.run(ref)
    assert told is not None
    assert all(row.end is not None for row in told.rows)


def _scenario(twins: Twins) -> None:
    """A run that comes to each of the small bounds."""
    ref = fresh_ref()
    for step_us in (0, 999_999, 1, 1_000_000):
        twins.append(ref, [StatusReport(JobStatus.RUNNING, AT)], 1, step_us)
    for attempt in range(1, 6):
        twins.append(ref, [StatusReport(JobStatus.RUNNING, AT)], attempt, 1_000_000)
    for number in range(1, 7):
        phase = PhaseReport(f"p{number}", AT, number, 6, 0.0, 1.0, 6.0)
        twins.append(ref, [phase, PartReport(str(number), AT)], 5, 10)
    for number in range(30):
        done = ItemReport(str(number), "song", ItemStatus.SUCCEEDED, AT)
        twins.append(ref, [done], 5, 1_000_000)
    twins.append(ref, [StatusReport(JobStatus.COMPLETED, AT)], 5, 10)


CHANGES = {
    field.name: [replace(SMALL, **{field.name: getattr(SMALL, field.name) + by}) for by in (-1, 1)]
    for field in fields(RunBounds)
}


def test_both_twins_keep_the_same_of_the_scenario(server: RedisLog) -> None:
    _scenario(twins_of(server))


@pytest.mark.parametrize("name", CHANGES)
def test_a_bound_that_only_one_of_them_changes_is_seen(
    name: str, server: RedisLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    for changed in CHANGES[name]:
        monkeypatch.setattr(run, "RUN_BOUNDS", changed)
        with pytest.raises(AssertionError):
            _scenario(twins_of(server))


def test_a_run_has_room_for_300_rows_and_300_points() -> None:
    bounds = RUN_BOUNDS
    assert bounds.max_attempts + bounds.max_phases + bounds.max_parts == 300
    assert bounds.max_points == 300


def test_a_run_that_the_server_lost_is_told_as_if_it_had_begun_then(server: RedisLog) -> None:
    twins, ref = twins_of(server), fresh_ref()
    twins.append(ref, [StatusReport(JobStatus.RUNNING, AT)], 1, 10)
    server.client.delete(server._keys(ref).run)
    server.append(ref, [ItemReport("a", "song", ItemStatus.SUCCEEDED, AT + 5)], attempt=1)
    told = server.run(ref)
    assert told is not None
    assert [(row.kind, row.begin.timestamp()) for row in told.rows] == [("attempt", AT + 5)]
    assert server.client.ttl(server._keys(ref).run) > 0
