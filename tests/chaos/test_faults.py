"""Each fault once, by real workers: the job ends once, its counts are right, nothing is lost."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.plan import Plan
from tests.chaos.strikes import FAULTS, Fault
from tests.chaos.verdict import judge
from tests.chaos.world import World, world

END_SECONDS = 60


@pytest.fixture(scope="module")
def chaos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("chaos")) as found:
        yield found


#: Those that strike nothing but their own job: they are run side by side.
ALONE = [fault for fault in FAULTS if fault.strike is None and "each-time" not in fault.name]
STRIKING = [fault for fault in FAULTS if fault not in ALONE]


def test_jobs_side_by_side_each_end_once_and_rightly(chaos: World) -> None:
    chaos.crew.start()
    runs = {fault: chaos.start_job(fault.plan, is_sent=fault.is_sent) for fault in ALONE}
    for fault, run in runs.items():
        assert chaos.wait_for_end(run, seconds=END_SECONDS), (fault.name, run.watch.statuses)
        assert judge(chaos, run).faults == (), fault.name
        assert chaos.row(run).status in fault.ends, fault.name


@pytest.mark.parametrize("fault", STRIKING, ids=lambda fault: fault.name)
def test_a_job_ends_once_and_rightly_whatever_strikes(chaos: World, fault: Fault) -> None:
    chaos.crew.start()
    run = chaos.start_job(fault.plan, is_sent=fault.is_sent)
    if fault.strike is not None:
        fault.strike(chaos, run, random.Random(fault.name))
    chaos.crew.start()
    assert chaos.wait_for_end(run, seconds=END_SECONDS), run.watch.statuses
    assert judge(chaos, run).faults == ()
    assert chaos.row(run).status in fault.ends
    time.sleep(0.1)
    assert chaos.crew.orphans() == []


def test_a_message_that_comes_again_while_its_task_runs_does_nothing(tmp_path: Path) -> None:
    with world(tmp_path, visibility_seconds=2) as found:
        run = found.start_job(Plan(items=60, seconds=0.1))
        assert found.wait_for_end(run, seconds=END_SECONDS), run.watch.statuses
        assert judge(found, run).faults == ()
        assert found.row(run).attempt == 1
        output = "".join(path.read_text() for path in tmp_path.glob("worker*.txt"))
    assert output.count(f"[{run.ref.job_id}] received") > 1
