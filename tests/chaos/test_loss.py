"""A browser sees of a lost worker that the job is tried again, and soon that it goes on."""

from __future__ import annotations

import random
from pathlib import Path

from tests.chaos.plan import Plan
from tests.chaos.verdict import judge
from tests.chaos.world import world

SECONDS = 60.0
#: As in the application; the processes are those of the worker that is left.
CHUNK, PROCESSES = 5, 2


def test_after_a_loss_the_job_runs_again_within_a_chunk(tmp_path: Path) -> None:
    with world(tmp_path) as found:
        # Many chunks wait, behind which the next attempt would begin if they were worked on.
        plan = Plan(items=200, seconds=0.1, shape="window", window=40)
        run = found.start_job(plan)
        found.wait_for_items(run, 10)
        found.crew.kill_parent(random.Random(1).choice(found.crew.workers))
        assert found.wait_for_end(run, seconds=SECONDS), run.watch.statuses
        assert judge(found, run).faults == ()
    frames = run.watch.frames
    told = next(i for i, frame in enumerate(frames) if frame.event.get("status") == "retrying")
    resumed = next(
        i
        for i, frame in enumerate(frames)
        if i > told and frame.event["type"] == "status" and frame.event["status"] == "running"
    )
    # What the worker that is left had begun comes to its end, and nothing else is begun.
    between = [frame.event for frame in frames[told:resumed] if frame.event["type"] == "item"]
    assert sum(event["status"] == "succeeded" for event in between) <= PROCESSES * CHUNK
